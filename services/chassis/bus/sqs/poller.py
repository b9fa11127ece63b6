"""Reads one queue on a thread of its own: long polls, hands over, and deletes only what was handled."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.chassis import log
from services.chassis.bus.inbox import Inbox
from services.chassis.bus.sqs.client import Client, Received, SqsError

_log = log.get(__name__)
PARK_AFTER = 12
"""Times that a message may come again before its stream is parked: whoever takes it does not live to see its end."""
AT_ONCE = 0.1
PAUSE = 1.0
"""A look that finds nothing waits at SQS. Where it is answered at once (by a proxy, or a server that knows no long
poll) there is a pause, or else the next look would follow a thousand times a second."""
PARKED_LOOK = 30.0
"""Seconds between two looks, and two alarms, at a parked stream."""


@dataclass(frozen=True)
class Reading:
    """What to read and how. *visibility*: seconds for which SQS keeps from others what was received."""

    name: str
    url: str
    visibility: float


class Undeleted:
    """What was handled and not deleted (throttled, or too late): it comes again, and is not to be handed over again.

    A link would know it; a request for a move, which needs no id, would be drawn twice.
    """

    MOST = 10_000

    def __init__(self) -> None:
        self._ids: dict[str, None] = {}
        self._lock = threading.Lock()

    def __contains__(self, message: Received) -> bool:
        return message.id in self._ids

    def add(self, messages: Sequence[Received]) -> None:
        """*messages* were handled."""
        with self._lock:
            self._ids.update(dict.fromkeys(message.id for message in messages))
            while len(self._ids) > self.MOST:
                del self._ids[next(iter(self._ids))]

    def remove(self, messages: Sequence[Received]) -> None:
        """*messages* will not come again."""
        with self._lock:
            for message in messages:
                self._ids.pop(message.id, None)


class Poller:
    """The reading of one queue on one connection. *hand_over* is called on the event loop."""

    def __init__(
        self,
        client: Client,
        inbox: Inbox,
        reading: Reading,
        hand_over: Callable[[Received], None],
        failed: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        undeleted: Undeleted | None = None,
    ) -> None:
        self._client = client
        self._inbox = inbox
        self._reading = reading
        self._hand_over = hand_over
        self._failed = failed
        self._clock = clock
        self._undeleted = Undeleted() if undeleted is None else undeleted
        self._closed = threading.Event()
        self._woken = threading.Event()
        self._handled = False

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._run, name=f"sqs-{self._reading.name}", daemon=True).start()

    def close(self) -> None:
        """Take nothing more. A poll that is under way ends by itself; what it brings is given back."""
        self._closed.set()
        self._woken.set()

    def _run(self) -> None:
        try:
            while not self._closed.is_set():
                began = self._clock()
                batch = self._client.receive(self._reading.url, self._reading.visibility)
                ended = self._clock()
                if batch:
                    self._take(batch, ended + self._reading.visibility)
                elif ended - began < AT_ONCE:
                    self._closed.wait(PAUSE)
        except SqsError as error:
            self._failed(str(error))
        except Exception as error:  # a defect must not end the reading for ever
            _log.exception("reading a queue met a defect; connecting anew", queue=self._reading.name)
            self._failed(f"defect: {type(error).__name__}: {error}")

    def _take(self, batch: Sequence[Received], expires: float) -> None:
        # Never past one that is parked: what comes behind it in the stream must not be taken before it.
        well = list(itertools.takewhile(lambda message: message.times <= PARK_AFTER, batch))
        if well and not self._work(well, expires):
            self._give_back(batch)
        elif len(well) < len(batch):
            self._park(batch[len(well) :])

    def _work(self, batch: Sequence[Received], expires: float) -> bool:
        """Have *batch* handled, and delete it. False if this ended before."""
        self._handled = False
        self._woken.clear()  # before the look at `closed`: close() sets both, this one last
        if self._closed.is_set():
            return False
        self._inbox.post(lambda: self._on_loop(batch))
        while not self._woken.wait(self._reading.visibility / 3):
            self._client.hide(self._reading.url, batch, self._reading.visibility)
            expires = self._clock() + self._reading.visibility
        if not self._handled:
            return False
        if self._clock() < expires:
            deleted = self._client.delete(self._reading.url, batch)
            self._undeleted.remove(deleted)
            if len(deleted) < len(batch):
                _log.warning("SQS did not delete all that was handled; it comes again", queue=self._reading.name)
        else:
            # Somebody else may have it by now, and it is not ours to delete.
            _log.warning("a handler took longer than its messages were kept for it", queue=self._reading.name)
        return True

    def _on_loop(self, batch: Sequence[Received]) -> None:
        if self._closed.is_set():
            return
        for message in batch:
            if message not in self._undeleted:
                self._hand_over(message)
        self._undeleted.add(batch)
        # One turn later: a reader that commits in the next turn of the loop has done so by then.
        asyncio.get_running_loop().call_soon(self._all_handled)

    def _all_handled(self) -> None:
        self._handled = True
        self._woken.set()

    def _give_back(self, batch: Sequence[Received]) -> None:
        try:
            self._client.hide(self._reading.url, batch, 0)
        except SqsError as error:
            _log.debug("received messages could not be given back; they come by themselves", error=str(error))

    def _park(self, batch: Sequence[Received]) -> None:
        """No dead-letter queue: what comes behind in the stream would then be delivered, and a stroke be missing."""
        _log.error(
            "ALARM: a stream is parked, its first message came again and again and was never handled; look at the "
            "log of the last ends of this service, and purge the queue when the cause is gone: a link sends it again",
            queue=self._reading.name, stream=batch[0].stream, times=batch[0].times,
        )  # fmt: skip
        self._client.hide(self._reading.url, batch, PARKED_LOOK)
        self._closed.wait(PARKED_LOOK)
