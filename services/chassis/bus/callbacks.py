"""What every adapter has to remember for its service: subscriptions and callbacks, and how to call them safely."""

from __future__ import annotations

from collections.abc import Callable

from services.chassis import log
from services.chassis.bus.port import Message, MessageHandler, matches

_log = log.get(__name__)


class Callbacks:
    """Subscriptions and connection callbacks of one bus. A callback that raises is logged and stops nothing."""

    def __init__(self) -> None:
        self.subscriptions: list[tuple[str, MessageHandler]] = []
        self.connect: list[Callable[[], None]] = []
        self.disconnect: list[Callable[[str], None]] = []

    def message(self, message: Message) -> None:
        """Hand *message* to the first subscription that matches."""
        for topic_filter, handler in self.subscriptions:
            if matches(topic_filter, message.topic):
                guarded(handler, message)
                return

    def connected(self) -> None:
        """Tell everybody who wants to announce something again."""
        for callback in self.connect:
            guarded(callback)

    def disconnected(self, reason: str) -> None:
        """Tell everybody why the connection is gone."""
        for callback in self.disconnect:
            guarded(callback, reason)


def guarded(callback: Callable[..., None], *args: object) -> None:
    """Call *callback*; what it raises is a defect of the service, said aloud, and stops nothing else."""
    try:
        callback(*args)
    except Exception:
        name = getattr(callback, "__qualname__", "?")
        _log.exception("a callback failed; what it was to do is not done", callback=name)
