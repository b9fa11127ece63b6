"""Durable links: messages that a service has promised reach the other end exactly once and in order.

The bus below may lose, repeat and reorder; durability lives in the two services' stores:

- the sender's outbox (outbox.py) keeps every message until its receipt;
- the consumer (consumer.py) takes only the message after its last, and commits its position together with what the
  message changes;
- receipts are cumulative, and whatever goes missing is sent again from there (go-back-N, sender.py);
- a handshake on every connect finds out when an end lost its data or was restored from a backup.
"""
