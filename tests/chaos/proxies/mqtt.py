"""MQTT's packets within a stream of bytes (MQTT 3.1.1, section 2.2): a type, a length of up to four bytes, a body."""

from __future__ import annotations

from collections.abc import Iterator

_PUBLISH = 3
_MOST_LENGTH_BYTES = 4


def is_publish(packet: bytes) -> bool:
    """Whether *packet* carries a message."""
    return packet[0] >> 4 == _PUBLISH


class Packets:
    """Cuts one direction of a connection into packets."""

    def __init__(self) -> None:
        self._rest = b""

    def of(self, data: bytes) -> Iterator[bytes]:
        """Whole packets of what has come so far; a part of one waits for the rest. Raises ValueError for no MQTT."""
        self._rest += data
        while (end := _end(self._rest)) is not None and end <= len(self._rest):
            packet, self._rest = self._rest[:end], self._rest[end:]
            yield packet


def _end(data: bytes) -> int | None:
    """Where the packet at the beginning of *data* ends; None while its length is not whole."""
    length = 0
    for i, byte in enumerate(data[1 : 1 + _MOST_LENGTH_BYTES]):
        length |= (byte & 0x7F) << (7 * i)
        if byte < 0x80:
            return 2 + i + length
    if len(data) > _MOST_LENGTH_BYTES:
        raise ValueError("not MQTT")
    return None
