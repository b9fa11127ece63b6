"""Sends on a thread of its own, in order, as many at once as SQS takes."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.chassis import log
from services.chassis.bus.callbacks import guarded
from services.chassis.bus.inbox import Inbox
from services.chassis.bus.port import Delivered
from services.chassis.bus.sqs import wire
from services.chassis.bus.sqs.client import Client, Entry, QueueMissing, SqsError

_log = log.get(__name__)
AT_ONCE = 500
"""Messages that are looked at together, so that a burst to several queues still makes full batches."""


@dataclass(frozen=True)
class Outgoing:
    """One message on its way to one queue."""

    queue: str
    entry: Entry
    delivered: Delivered | None

    @property
    def body(self) -> str:
        """What counts towards the size of a batch."""
        return self.entry.body


class Sender:
    """The sending half of one connection."""

    def __init__(self, client: Client, inbox: Inbox, failed: Callable[[str], None]) -> None:
        self._client = client
        self._inbox = inbox
        self._failed = failed
        self._waiting: queue.SimpleQueue[Outgoing | None] = queue.SimpleQueue()
        self._urls: dict[str, str] = {}
        self._missing: set[str] = set()
        self._closed = threading.Event()
        self._lock = threading.Lock()  # nothing may be put behind the last look

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._run, name="sqs-send", daemon=True).start()

    def put(self, outgoing: Outgoing) -> None:
        """Send it soon."""
        with self._lock:
            if not self._closed.is_set():
                self._waiting.put(outgoing)
                return
        self._tell([outgoing], False)

    def close(self) -> None:
        """Send nothing any more; what waits is told that it was not delivered."""
        with self._lock:
            self._closed.set()
            self._waiting.put(None)

    def _run(self) -> None:
        while not self._closed.is_set():
            self._send(self._take())
        while left := self._take(wait=False):
            self._tell(left, False)

    def _take(self, *, wait: bool = True) -> list[Outgoing]:
        taken: list[Outgoing] = []
        try:
            while len(taken) < AT_ONCE:
                outgoing = self._waiting.get(block=wait)
                wait = False
                if outgoing is not None:
                    taken.append(outgoing)
        except queue.Empty:
            pass
        return taken

    def _send(self, taken: Sequence[Outgoing]) -> None:
        by_queue: dict[str, list[Outgoing]] = {}
        for outgoing in taken:
            by_queue.setdefault(outgoing.queue, []).append(outgoing)
        for name, those in by_queue.items():
            for batch in wire.batches(those):
                self._send_batch(name, batch)

    def _send_batch(self, name: str, batch: Sequence[Outgoing]) -> None:
        if self._closed.is_set():
            self._tell(batch, False)
            return
        try:
            url = self._urls.get(name) or self._urls.setdefault(name, self._client.find(name).url)
            refused = self._client.send(url, [outgoing.entry for outgoing in batch])
        except QueueMissing:
            self._say_missing(name)
            self._tell(batch, False)
            return
        except SqsError as error:
            # Whether they are there is not known; the links send them again and know the difference.
            self._tell(batch, False)
            self._failed(str(error))
            return
        except Exception as error:  # a defect must not end the sending while everything else goes on as if it did not
            _log.exception("sending to a queue met a defect; connecting anew", queue=name)
            self._tell(batch, False)
            self._failed(f"defect: {type(error).__name__}: {error}")
            return
        for place, reason in refused.items():
            _log.error("SQS refused a message", queue=name, stream=batch[place].entry.stream, reason=reason)
        self._tell([outgoing for place, outgoing in enumerate(batch) if place not in refused], True)
        self._tell([batch[place] for place in refused], False)

    def _say_missing(self, name: str) -> None:
        self._urls.pop(name, None)
        if name not in self._missing:
            self._missing.add(name)
            _log.error("a queue does not exist; make it with the subcommand `queues create`", queue=name)

    def _tell(self, those: Sequence[Outgoing], ok: bool) -> None:
        told = [outgoing.delivered for outgoing in those if outgoing.delivered is not None]
        if told:
            self._inbox.post(lambda: _answer(told, ok))


def _answer(told: Sequence[Delivered], ok: bool) -> None:
    for delivered in told:
        guarded(delivered, ok)
