"""Keeps Home Assistant told: on every connect, on every start of Home Assistant, and when the table changes."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version

from services.chassis import log
from services.chassis.bus.port import Bus, Message, Presence
from services.chassis.discovery import memory
from services.chassis.discovery.entities import Device
from services.chassis.discovery.payload import (
    COMPONENTS,
    Install,
    Payload,
    device_payload,
    dropped,
    remembering,
    tombstones,
    with_components,
)
from services.chassis.discovery.settings import DiscoverySettings
from services.chassis.store import Store

_log = log.get(__name__)

JITTER = 2.0
"""Seconds within which the services of a stack answer a Home Assistant that has just started."""
SETTLE = 3.0
"""Seconds that Home Assistant gets to take up what is then taken out: while a component is pending there, a further
payload of its device is taken up to that component and the rest of it is dropped."""
_BORN = b"online"


class Discovery:
    """The discovery of one service. All calls on the event loop."""

    def __init__(
        self,
        service: str,
        settings: DiscoverySettings,
        presence: Presence,
        store: Store,
        bus: Bus,
        jitter: Callable[[], float] = lambda: random.uniform(0, JITTER),
        settle: float = SETTLE,
    ) -> None:
        self._enabled = settings.home_assistant
        self._status = settings.home_assistant_status
        self._presence = presence
        self._install = Install(
            settings.install_id(), service, settings.home_assistant_prefix, version("boardcast"), presence.topic
        )
        self._store = store
        self._bus = bus
        self._jitter = jitter
        self._settle = settle
        self._wanted: dict[str, Payload] = {}
        self._again: Sequence[Callable[[], None]] = ()
        self._timer: asyncio.TimerHandle | None = None

    def start(self, devices: Sequence[Device], again: Sequence[Callable[[], None]] = ()) -> None:
        """Announce *devices* from now on; *again* publishes retained states for a Home Assistant that has started."""
        if not self._bus.capabilities.retained:
            _log.info("no discovery for Home Assistant: this bus keeps no retained messages")
            return
        self._again = again
        self._wanted = self._render(devices)
        self._bus.on_connect(self._announce)
        if self._enabled:
            self._bus.subscribe(self._status, self._on_status)

    def show(self, devices: Sequence[Device]) -> None:
        """The table is *devices* now; published at once if that changes anything."""
        wanted = self._render(devices)
        if wanted != self._wanted:
            self._wanted = wanted
            self._announce()

    def stop(self) -> None:
        """Publish nothing any more; what was announced stays, and availability says that the service is away."""
        if self._timer is not None:
            self._timer.cancel()

    def _render(self, devices: Sequence[Device]) -> dict[str, Payload]:
        if not self._enabled:
            return {}
        told = memory.told(self._store)
        return {topic: self._payload(device, told.get(topic)) for topic, device in self._topics(devices)}

    def _topics(self, devices: Sequence[Device]) -> list[tuple[str, Device]]:
        return [(self._install.topic(device.key), device) for device in devices]

    def _payload(self, device: Device, told: Payload | None) -> Payload:
        payload = device_payload(device, self._install)
        return remembering(payload, told, device.key) if device.says_itself else payload

    def _announce(self) -> None:
        """Tell what is, and take out what the broker was told earlier and is no more; if it is away, on its connect."""
        told = memory.told(self._store)
        for topic, before in told.items():
            if topic not in self._wanted:
                self._tell(topic, None, before)
        for topic, payload in self._wanted.items():
            self._tell(topic, payload, told.get(topic))

    def _tell(self, topic: str, payload: Payload | None, before: Payload | None) -> None:
        lost = {} if before is None else dropped(before, payload)
        body = b"" if payload is None else _encode(with_components(payload, tombstones(lost)))
        self._bus.publish(topic, body, retain=True, delivered=partial(self._told, topic, payload, before, bool(lost)))

    def _told(self, topic: str, payload: Payload | None, before: Payload | None, lost: bool, ok: bool) -> None:
        if not ok or payload == before:
            return
        with self._store.transaction() as unit:
            memory.tell(unit, topic, payload)
            if lost and before is not None:
                earlier = memory.gone(self._store).get(topic, before)
                memory.bury(unit, topic, with_components(before, earlier[COMPONENTS]))

    def _on_status(self, message: Message) -> None:
        # A retained one says nothing of now, and a connect has announced everything anyway.
        if message.retained or message.payload != _BORN:
            return
        self._later(self._jitter(), self._born)

    def _born(self) -> None:
        """Home Assistant has started, or has found the broker again."""
        buried = self._buried()
        for topic, lost in buried.items():
            # It is shown what it may still remember, since it takes out only what it has taken up.
            self._bus.publish(topic, _encode(with_components(self._wanted.get(topic, lost), lost[COMPONENTS])))
        self._bus.publish(self._presence.topic, self._presence.online, retain=True)
        if not buried:
            self._announce()
        for publish in self._again:
            publish()
        if buried:
            self._later(self._settle, self._take_out)

    def _take_out(self) -> None:
        dead, buried = memory.gone(self._store), self._buried()
        waiting = set(buried)
        for topic, lost in buried.items():
            payload = self._wanted.get(topic)
            body = b"" if payload is None else _encode(with_components(payload, tombstones(lost[COMPONENTS])))
            self._bus.publish(topic, body, delivered=partial(self._taken_out, dead, waiting, topic))
        if not waiting:
            self._rest(dead)
        self._announce()

    def _taken_out(self, dead: dict[str, Payload], waiting: set[str], topic: str, ok: bool) -> None:
        if not ok:
            return  # lost with the connection, and forgotten it would stay in Home Assistant for ever
        waiting.discard(topic)
        if not waiting:
            self._rest(dead)

    def _rest(self, dead: dict[str, Payload]) -> None:
        if memory.gone(self._store) != dead:
            return  # something more was taken out meanwhile
        with self._store.transaction() as unit:
            memory.rest(unit)

    def _buried(self) -> dict[str, Payload]:
        """What was taken out and has not come back since, by topic."""
        found: dict[str, Payload] = {}
        for topic, before in memory.gone(self._store).items():
            lost = dropped(before, self._wanted.get(topic))
            if lost:
                found[topic] = {**before, COMPONENTS: lost}
        return found

    def _later(self, delay: float, action: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(delay, action)


def _encode(payload: Payload) -> bytes:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
