"""Links, requests and commands over one bus, everything else over another: two buses that look like one.

The carrying bus is what a service lives by: *connected* and *on_disconnect* speak of it. *on_connect* speaks of both,
since whoever announces a state must do so again when the other one comes back; a link only shakes hands once more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from services.chassis import log
from services.chassis.bus.port import Bus, Capabilities, Delivered, MessageHandler, matches
from services.chassis.bus.routes import Route

_log = log.get(__name__)


class SplitBus:
    """*carrying* has the topics of the routes, *state* the others. What people ask is heard on both."""

    def __init__(self, carrying: Bus, state: Bus, carried: Sequence[Route]) -> None:
        self._carrying = carrying
        self._state = state
        self._routes = carried

    @property
    def capabilities(self) -> Capabilities:
        one, other = self._carrying.capabilities, self._state.capabilities
        return replace(other, max_payload=min(one.max_payload, other.max_payload), resend_after=one.resend_after)

    @property
    def connected(self) -> bool:
        return self._carrying.connected

    async def start(self) -> None:
        await self._state.start()
        await self._carrying.start()

    async def stop(self) -> None:
        await asyncio.gather(self._carrying.stop(), self._state.stop())

    def subscribe(self, topic_filter: str, handler: MessageHandler) -> None:
        found = self._of(topic_filter)
        if found:
            self._carrying.subscribe(topic_filter, handler)
        if not found or any(route.asks for route in found):
            self._state.subscribe(topic_filter, handler)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, delivered: Delivered | None = None) -> None:
        bus = self._carrying if self._of(topic) else self._state
        bus.publish(topic, payload, retain=retain, delivered=delivered)

    def on_connect(self, callback: Callable[[], None]) -> None:
        self._carrying.on_connect(callback)
        self._state.on_connect(callback)

    def on_disconnect(self, callback: Callable[[str], None]) -> None:
        self._carrying.on_disconnect(callback)

    def _of(self, topic: str) -> list[Route]:
        return [route for route in self._routes if matches(route.filter, topic)]


class NoBus:
    """`none`: nobody is told of states and events, which the log and the health file have too.

    What is published counts as taken, for there is nobody who could take it later.
    """

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(retained=False, wills=False, wildcards=True, max_payload=1 << 20, resend_after=1.0)

    @property
    def connected(self) -> bool:
        return True

    async def start(self) -> None:
        """Nothing is there to be connected to."""

    async def stop(self) -> None:
        """Nothing is there to be left."""

    def subscribe(self, topic_filter: str, handler: MessageHandler) -> None:
        _log.debug("never heard, BOARDCAST_STATE_BUS_URL is none", topic=topic_filter)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, delivered: Delivered | None = None) -> None:
        if delivered is not None:
            asyncio.get_running_loop().call_soon(delivered, True)

    def on_connect(self, callback: Callable[[], None]) -> None:
        """There is no connect."""

    def on_disconnect(self, callback: Callable[[str], None]) -> None:
        """There is no disconnect."""
