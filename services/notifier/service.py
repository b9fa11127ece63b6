"""Hears the events of all printers and of the board, and has notices delivered."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from dataclasses import replace

from pydantic import ValidationError

from contracts import channels
from contracts.events import Event
from contracts.text import printable
from services.chassis import log
from services.chassis.bus.port import Message, Presence
from services.chassis.health import Health
from services.chassis.service import Parts
from services.notifier import budget, notices
from services.notifier.budget import Budget
from services.notifier.notices import Notice
from services.notifier.settings import NotifierSettings
from services.notifier.targets import Target

_log = log.get(__name__)

NAME = "notifier"
BOARD = "board"
FINISH_WITHIN = 2.0
"""Seconds that targets have for what they were given before the stop."""


def presence(settings: NotifierSettings) -> Presence:
    """The service's own availability."""
    return Presence(channels.SERVICE_AVAILABILITY.topic(settings.topic_root, service=NAME))


class Notifier:
    """The running service."""

    def __init__(self, parts: Parts[NotifierSettings]) -> None:
        self._parts = parts
        self._settings = parts.settings
        self._targets = tuple(Target(url) for url in parts.settings.urls)
        self._budget = Budget(float(parts.settings.notify_burst), 0.0)
        # The filter of one REX covers every printer, the Ender included.
        self._printers = channels.REX_EVENT.filter(parts.settings.topic_root)
        self._task: asyncio.Task[None] | None = None
        self._deaf_since: float | None = None

    async def start(self) -> None:
        """Subscribe."""
        for target in self._targets:
            target.start()
        self._budget = Budget(float(self._settings.notify_burst), _now())
        self._parts.bus.subscribe(self._printers, self._printer_event)
        self._parts.bus.subscribe(channels.BOARD_EVENT.topic(self._settings.topic_root), self._board_event)
        self._parts.bus.on_disconnect(self._out_of_hearing)
        self._parts.bus.on_connect(self._hearing)
        self._task = asyncio.create_task(self._summaries())

    async def stop(self) -> None:
        """Hear nothing any more; what was heard is delivered if that is soon done, or said to be lost."""
        if self._task is not None:
            self._task.cancel()
        if self._budget.left_out:
            self._send(notices.summary(self._budget.left_out))
            self._budget = replace(self._budget, left_out=0)
        for target in self._targets:
            target.finish()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._all_delivered(), FINISH_WITHIN)
        for target in self._targets:
            target.give_up()

    def health(self) -> Health:
        """Well as long as events are heard; a target that is down is named."""
        if not self._parts.bus.connected:
            return Health(False, "no connection to the broker, check BOARDCAST_BUS_URL")
        failing = [target.name for target in self._targets if target.failing]
        said = f"{len(self._targets)} targets" + (f", failing: {', '.join(failing)}" if failing else "")
        return Health(True, said)

    def _out_of_hearing(self, _: str) -> None:
        if self._deaf_since is None:
            self._deaf_since = _now()

    def _hearing(self) -> None:
        """No broker keeps an event, and a bridge that is back before this service tells its own to nobody."""
        if self._deaf_since is not None:
            deaf, self._deaf_since = _now() - self._deaf_since, None
            self._spend(notices.unheard(deaf))

    def _printer_event(self, message: Message) -> None:
        place = self._printers.split("/").index("+")
        self._event(message.topic.split("/")[place], message)

    def _board_event(self, message: Message) -> None:
        self._event(BOARD, message)

    def _event(self, source: str, message: Message) -> None:
        if message.retained:
            return  # an event is not news for ever
        try:
            event = Event.model_validate_json(message.payload)
        except ValidationError as error:
            _log.warning("not an event", topic=message.topic, payload=printable(message.payload), error=str(error))
            return
        notice = notices.notice(source, event, self._settings.notify_on)
        if notice is None:
            return
        digest = hashlib.sha256(message.topic.encode() + b"\0" + message.payload).digest()
        self._budget, new = budget.hear(self._budget, digest)
        if new:
            self._spend(notice)

    def _spend(self, notice: Notice) -> None:
        self._budget, allowed = budget.spend(
            self._budget, _now(), self._settings.notify_burst, self._settings.notify_every
        )
        if allowed:
            self._send(notice)

    async def _summaries(self) -> None:
        while True:
            await asyncio.sleep(1)
            self._budget, count = budget.settle(
                self._budget, _now(), self._settings.notify_burst, self._settings.notify_every
            )
            if count:
                self._send(notices.summary(count))

    async def _all_delivered(self) -> None:
        while any(target.left for target in self._targets):  # noqa: ASYNC110 - their threads know no event loop
            await asyncio.sleep(0.02)

    def _send(self, notice: Notice) -> None:
        _log.info("notice", title=notice.title)
        for target in self._targets:
            target.send(notice)


def _now() -> float:
    return asyncio.get_running_loop().time()
