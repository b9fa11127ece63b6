"""The subcommand `queues`: makes the queues, or prints what a service must be allowed for those who may not.

`list` names them, `create` makes them all, `policy [PARTY] [ACCOUNT]` prints the least that PARTY needs, as an IAM
policy; without PARTY for the service that is asked.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from services.chassis.bus.routes import Channel, Route, routes
from services.chassis.bus.sqs.address import SqsAddress, is_sqs, parse_sqs
from services.chassis.settings import ChassisSettings

HELP = "SQS only: `list` or `create` the queues, or print the IAM `policy [PARTY] [ACCOUNT]`"
KEPT_LINKS = 3600
"""Seconds that a link's frame waits for its reader; the link sends it again anyway."""
KEPT_ASKED = 60
"""The least that SQS allows, for requests and commands: nobody expects an old one to be obeyed."""
VISIBILITY = 10
READ = ["sqs:GetQueueUrl", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"]
WRITE = ["sqs:GetQueueUrl", "sqs:SendMessage"]


def main(settings: ChassisSettings, name: str, table: Sequence[Channel], rest: Sequence[str]) -> int:
    """Exit code 0 well, 1 when SQS refuses, 2 for what cannot be meant."""
    if not table:
        print(f"{name} declares no channels, so there are no queues to speak of", file=sys.stderr)
        return 2
    if not is_sqs(settings.bus_url):
        print("set BOARDCAST_BUS_URL to sqs://REGION/PREFIX; there are no queues otherwise", file=sys.stderr)
        return 2
    address, ways = parse_sqs(settings.bus_url), routes(table, settings.topic_root)
    word, *more = rest or ["list"]
    if word == "list":
        print("\n".join(address.queue(route.filter, route.reader) for route in ways))
        return 0
    if word == "create":
        return _create(settings, address, ways)
    if word == "policy" and len(more) <= 2:
        party, account = (*more, *(name, "*")[len(more) :])
        print(json.dumps(policy(address, ways, party, account), indent=2))
        return 0
    print(f"queues {' '.join(rest)} is not known; {HELP}", file=sys.stderr)
    return 2


def attributes(route: Route) -> dict[str, str]:
    """What the queue of *route* is made with. No dead-letter queue: behind one that left, a stream would go on."""
    return {
        "FifoQueue": "true",
        "ContentBasedDeduplication": "false",
        "VisibilityTimeout": str(VISIBILITY),
        "ReceiveMessageWaitTimeSeconds": "20",
        "MessageRetentionPeriod": str(KEPT_ASKED if route.asks else KEPT_LINKS),
        "SqsManagedSseEnabled": "true",
    }


def policy(address: SqsAddress, ways: Sequence[Route], party: str, account: str) -> dict[str, Any]:
    """The least that *party* must be allowed: to read its own queues, and to send to those that it publishes to."""

    def arns(wanted: Sequence[Route]) -> list[str]:
        names = [address.queue(route.filter, route.reader) for route in wanted]
        return [f"arn:aws:sqs:{address.region}:{account}:{name}" for name in names]

    statements = [
        ("Read", READ, arns([route for route in ways if route.reader == party])),
        ("Send", WRITE, arns([route for route in ways if party in route.publishers])),
    ]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}
            for sid, actions, resources in statements
            if resources
        ],
    }


def _create(settings: ChassisSettings, address: SqsAddress, ways: Sequence[Route]) -> int:
    from services.chassis.bus.sqs.client import Client, SqsError  # boto3 is an extra

    client = Client(address.region, settings.sqs_endpoint, wait=0)
    try:
        client.open()
        for route in ways:
            queue = address.queue(route.filter, route.reader)
            client.create(queue, attributes(route))
            print(queue)
    except SqsError as error:
        print(f"the queues could not be made: {error}", file=sys.stderr)
        return 1
    finally:
        client.close()
    return 0
