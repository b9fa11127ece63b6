"""Which messages came already: a platform may deliver one twice."""

from __future__ import annotations

from collections import OrderedDict


class Recent:
    """The newest *most* message ids."""

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._ids: OrderedDict[str, None] = OrderedDict()

    def add(self, message_id: str) -> bool:
        """Note *message_id*; False if it was there."""
        if message_id in self._ids:
            return False
        self._ids[message_id] = None
        if len(self._ids) > self._most:
            self._ids.popitem(last=False)
        return True
