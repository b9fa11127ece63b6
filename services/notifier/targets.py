"""Where notices go: one thread a target, so that a slow or dead one delays neither the others nor the service."""

from __future__ import annotations

import threading
from collections import deque
from time import monotonic
from typing import Any

import apprise

from services.chassis import log
from services.chassis.bus.callbacks import guarded
from services.notifier.notices import Notice

_log = log.get(__name__)

WAITING = 50
"""Notices that wait for one target; then the oldest are dropped and the log says so."""
RETRIES = (2.0, 10.0)
"""Seconds before the second and the third try."""
READ_WITHIN = 20.0
"""Seconds for an answer. Longer than a connect takes to fail, by which a target that may have a notice is told from one
that cannot."""


def _here() -> Any:
    """What has apprise deliver in the thread that asks.

    Its own are shared by all targets, so that some that hang would delay the others, and the interpreter waits for them
    at its end, daemons or not: the service would outlive its stop by as long as a target hangs.
    """
    asset = apprise.AppriseAsset(async_mode=False)
    # A limit for a whole delivery needs such a thread as well, and each socket has limits of its own. Before apprise 2
    # there was none, nor an argument for it.
    asset._service_timeout = 0.0
    return asset


def understood(url: str) -> bool:
    """Whether apprise knows what to do with *url*."""
    return apprise.Apprise.instantiate(url) is not None


class Target:
    """One apprise URL. apprise has its own time-out for connecting, of a few seconds."""

    def __init__(self, url: str, retries: tuple[float, ...] = RETRIES) -> None:
        self._url = url
        self._retries = retries
        self._waiting: deque[Notice] = deque()
        self._in_hand = 0
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._failing = False

    @property
    def name(self) -> str:
        """The URL without its secrets."""
        service: Any = apprise.Apprise.instantiate(self._url)
        return str(service.url(privacy=True)).partition("?")[0] if service else "(not understood)"

    @property
    def failing(self) -> bool:
        """Whether the last notice could not be delivered."""
        return self._failing

    def start(self) -> None:
        """Begin to deliver. A daemon thread: a target that hangs does not keep the service from ending."""
        threading.Thread(target=self._run, name="target", daemon=True).start()

    @property
    def left(self) -> int:
        """Notices that are not delivered yet."""
        with self._changed:
            return len(self._waiting) + self._in_hand

    def finish(self) -> None:
        """Deliver what waits, once each, and then nothing any more."""
        self._stopping.set()
        with self._changed:
            self._changed.notify()

    def give_up(self) -> None:
        """What is not delivered by now is lost, and the log says so."""
        with self._changed:
            lost, self._in_hand = self.left, 0
            self._waiting.clear()
        if lost:
            _log.error("the service ends before a target has taken its notices; they are lost",
                       target=self.name, count=lost)  # fmt: skip

    def send(self, notice: Notice) -> None:
        """Have *notice* delivered in its turn; returns at once."""
        with self._changed:
            self._waiting.append(notice)
            dropped = len(self._waiting) > WAITING
            if dropped:
                self._waiting.popleft()
            self._changed.notify()
        if dropped:
            _log.warning("a target takes too long; its oldest notice is dropped", target=self.name)

    def deliver(self, notice: Notice) -> bool:
        """Deliver *notice* now, once; takes as long as the target does."""
        kind = apprise.NotifyType.WARNING if notice.urgent else apprise.NotifyType.INFO
        try:
            service: Any = apprise.Apprise.instantiate(self._url, asset=_here())
            service.socket_read_timeout = max(READ_WITHIN, service.socket_read_timeout)
            sender = apprise.Apprise()
            sender.add(service)
            # Said to be text, or "<" and "&" in a name go out as markup, and a target that reads HTML refuses it all.
            text = apprise.NotifyFormat.TEXT
            return bool(sender.notify(body=notice.body, title=notice.title, notify_type=kind, body_format=text))
        except Exception as error:  # whatever a plugin raises is its target's failure only
            _log.warning("a target failed", target=self.name, error=f"{type(error).__name__}: {error}")
            return False

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._stopping.is_set():
                    self._changed.wait()
                if not self._waiting:
                    return
                notice = self._waiting.popleft()
                self._in_hand = 1
            guarded(self._report, notice)
            with self._changed:
                self._in_hand = 0

    def _try(self, notice: Notice) -> bool:
        delivered, again = self._once(notice)
        for delay in self._delays() if again else ():
            if self._stopping.wait(delay):
                return False
            delivered, again = self._once(notice)
            if not again:
                break
        return delivered

    def _once(self, notice: Notice) -> tuple[bool, bool]:
        """Whether it was delivered, and whether it may be tried again."""
        began = monotonic()
        delivered = self.deliver(notice)
        # A target whose answer only was late may well have it, and would get it again.
        return delivered, not delivered and monotonic() - began < READ_WITHIN

    def _delays(self) -> tuple[float, ...]:
        """Before each further try: none for an URL with several recipients, since those that have it would get it
        again."""
        service: Any = apprise.Apprise.instantiate(self._url)
        return self._retries if service is None or len(service) < 2 else ()

    def _report(self, notice: Notice) -> None:
        delivered = self._try(notice)
        if not delivered:
            _log.error("a notice is not known to be delivered; check BOARDCAST_NOTIFY_URLS", target=self.name,
                       title=notice.title)  # fmt: skip
        elif self._failing:
            _log.info("a target takes notices again", target=self.name)
        self._failing = not delivered
