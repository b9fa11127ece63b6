"""Does what the core wants done at OctoPrint, in threads of its own: a hanging upload never delays a stop."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from typing import Any

from contracts.printers import Link
from services.chassis import log
from services.chassis.clock import now
from services.octo_bridge import effects as fx
from services.octo_bridge.events import (
    Asked,
    EvidenceFound,
    FirmwareNamed,
    FolderGone,
    Input,
    LogNotRead,
    LogRead,
    Post,
    Posted,
    Unreachable,
)  # fmt: skip
from services.octo_bridge.evidence import Evidence, History, coldest
from services.octo_bridge.lane import Lane
from services.octo_bridge.octolog import Slice, cut
from services.octo_bridge.octoprint import OctoPrint
from services.octo_bridge.octoprint_requests import Trouble
from services.octo_bridge.settings import BridgeSettings

_log = log.get(__name__)

DELETE_AFTER = 0.3
"""Seconds: OctoPrint is to be left alone while the next job begins."""
MARKS_TRIED, MARK_AGAIN = 4, 0.3
DECISION_HOLDS = 0.5
"""Seconds. A commit on a slow disk, or a process that was frozen, may lie between a decision and what comes of it; what
the printer has said meanwhile then waits to be heard. Twice as long each time in a row: a disk that is always slow is
no reason never to draw."""
HEARD_OUT = 10
"""Turns of the loop before a job is sent, each of which takes up what has come in: after a standstill of this process
that may be the end of the OctoPrint that the decision was made for. A socket's end is known after four of them."""
SLOW = "is the disk of BOARDCAST_DATA_DIR slow, or the machine busy? The printer is looked at again first"
LOG_LINES_WITHIN = 20
LOG_LINES_EVERY = 0.1
"""OctoPrint writes its log in a thread: so many looks, so many seconds apart, until a mark is in it."""


class Worker:
    """The four lanes. Answers come back as inputs, through *feed*; *withheld* says why a job is not sent after all."""

    def __init__(
        self, settings: BridgeSettings, feed: Callable[[Input], None], withheld: Callable[[fx.Submit], str | None]
    ) -> None:
        self._settings = settings
        self._feed = feed
        self._withheld = withheld
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._gathering = False
        self._late = 0
        """How often in a row a decision was too old to be acted upon."""
        self.jobs, self.safety, self.looks, self.chores = self._lanes = tuple(
            Lane(name, _client(settings)) for name in ("jobs", "safety", "looks", "chores")
        )

    def start(self) -> None:
        """Make the threads."""
        for lane in self._lanes:
            lane.start()

    def stop(self) -> None:
        """Begin nothing more."""
        for task in self._tasks:
            task.cancel()
        for lane in self._lanes:
            lane.stop()

    def perform(self, effect: fx.Effect) -> None:
        """Begin *effect*; returns at once."""
        match effect:
            case fx.Look():
                self._wake.set()
            case fx.Submit():
                self._begin(self._submit(effect))
            case fx.Gather():
                if not self._gathering:  # asked every second; one answer may take longer, and polling shares its lane
                    self._gathering = True
                    self._begin(self._gather(effect))
            case fx.ReadLog():
                self._begin(self._read_log(effect))
            case fx.JobAction(action=action):
                self._begin(self._ask(action, lambda c: c.job(action)))
            case fx.SetTargets(nozzle=nozzle, bed=bed):
                self._begin(self._ask("targets", lambda c: c.targets(nozzle, bed)))
            case fx.SendLines(what=what, lines=lines, epoch=epoch):
                self._begin(self._ask(what, lambda c: c.lines(lines), epoch))
            case fx.Connect(port=port):
                self._begin(self._ask("connect", lambda c: c.connect(port)))
            case fx.Disconnect():
                self._begin(self._ask("disconnect", lambda c: c.disconnect()))
            case fx.AskFirmware():
                self._begin(self._firmware())
            case fx.DeleteFile(path=path):
                self._begin(self._delete(path))
            case fx.DeleteFolder(folder=folder):
                self._begin(self._delete_folder(folder))
            case _:
                pass  # Tell and Announce went with the commit

    async def login(self) -> str:
        """For the push socket."""
        return await self.looks.do(lambda c: c.login())

    async def poll(self, every: Callable[[], float]) -> None:
        """Look at OctoPrint for ever: after *every* seconds, and whenever something makes it worth while."""
        while True:
            try:
                self._feed(await self.looks.do(lambda c: c.look()))
            except Trouble as trouble:
                self._feed(_unreachable(trouble))
            await asyncio.sleep(0.1)  # however many reasons there are to look
            try:
                await asyncio.wait_for(self._wake.wait(), every())
            except TimeoutError:
                continue
            finally:
                self._wake.clear()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a request to OctoPrint met a defect", error=repr(error))

    async def _submit(self, effect: fx.Submit) -> None:
        for _ in range(HEARD_OUT):
            await asyncio.sleep(0)
        withheld = self._withheld(effect)
        if withheld is not None:
            _log.warning("a job is not sent for what came in meanwhile", job=effect.job_id, reason=withheld)
            self._feed(Posted(effect.job_id, effect.attempt, Post.WITHHELD, withheld))
            return
        timeout = self._settings.upload_timeout
        post, reason = Post.DOUBT, "the upload met a defect"

        def submit(client: OctoPrint) -> tuple[Post, str | None]:
            late = now().mono - effect.decided
            if late > DECISION_HOLDS * 2**self._late:
                return Post.LATE, f"{late:.1f} s went by before a job could be sent: {SLOW}"
            return client.submit(effect.path, effect.text, timeout)

        try:
            post, told = await self.jobs.do(submit)
            self._late = self._late + 1 if post is Post.LATE else 0
            reason = told or ""
        finally:
            if post is not Post.TAKEN:
                _log.warning("a job was not taken at once", job=effect.job_id, answer=post.value, reason=reason)
            self._feed(Posted(effect.job_id, effect.attempt, post, reason or None))

    async def _ask(self, what: str, call: Callable[[OctoPrint], None], epoch: int | None = None) -> None:
        try:
            await self.safety.do(call)
        except Trouble as trouble:
            _log.warning("OctoPrint did not do what it was asked", what=what, reason=trouble.reason)
            self._feed(Asked(what, False, trouble.reason, epoch))
        except Exception as error:
            # Somebody waits for this answer.
            self._feed(Asked(what, False, f"it is not understood ({type(error).__name__})", epoch))
            raise
        else:
            self._feed(Asked(what, True, epoch=epoch))
        self._wake.set()

    async def _gather(self, effect: fx.Gather) -> None:
        evidence, reason = None, None
        try:
            evidence = await self._evidence(effect)
        except Trouble as trouble:
            reason = trouble.reason
            _log.warning("no evidence yet", job=effect.job_id, reason=reason)
        except Exception as error:
            # An answer that nobody thought of counts as none: a doubt must come to its end.
            reason = f"its answer is not understood ({type(error).__name__})"
            _log.exception("the evidence met a defect", job=effect.job_id)
        finally:
            self._gathering = False
        _log.info("evidence", job=effect.job_id, attempt=effect.attempt, evidence=evidence)
        self._feed(EvidenceFound(effect.job_id, effect.attempt, evidence, reason))

    async def _evidence(self, effect: fx.Gather) -> Evidence:
        # In this order: a job that ends meanwhile is in the history by the time the log says that it was started.
        log_slice, _ = await self._slice(effect.mark, new_mark())
        active = await self.looks.do(lambda c: c.has_in_hand(effect.path))
        present, history, window = await self.looks.do(lambda c: c.history(effect.path))
        lowest = None
        if history is History.SUCCESS and window is not None:
            readings = await self.looks.do(lambda c: c.nozzle())
            forgot = log_slice is not None and log_slice.forgets(effect.path)
            lowest = coldest(readings, window, effect.least, held=not forgot)
        return Evidence(present, history, active, log_slice, lowest, window[1] if window is not None else None)

    async def _slice(self, since: str | None, end: str) -> tuple[Slice | None, str | None]:
        """OctoPrint's log between two marks, and why there is none."""
        try:
            await self._put_mark(end)
            verbose = await self.looks.do(lambda c: c.logs_jobs())
            for _ in range(LOG_LINES_WITHIN):
                text = await self.looks.do(lambda c: c.log(since))
                if end in text:
                    return cut(text, since, end, verbose=verbose), None
                await asyncio.sleep(LOG_LINES_EVERY)
        except Trouble as trouble:
            if trouble.link is Link.NO_OCTOPRINT or trouble.link is Link.STARTING:
                raise
            return None, f"OctoPrint's log cannot be read (does the key belong to an administrator?): {trouble.reason}"
        return None, "OctoPrint's log does not show what the bridge asks for; is its level WARNING or lower?"

    async def _put_mark(self, mark: str) -> None:
        """OctoPrint answers 500 while a folder goes under its hands: that says nothing of its log."""
        for _ in range(MARKS_TRIED - 1):
            try:
                return await self.looks.do(lambda c: c.mark(mark))
            except Trouble as trouble:
                if trouble.status != 500:
                    raise
                await asyncio.sleep(MARK_AGAIN)
        await self.looks.do(lambda c: c.mark(mark))

    async def _read_log(self, effect: fx.ReadLog) -> None:
        mark = new_mark()
        try:
            since, reason = await self._slice(effect.since, mark)
        except Trouble as trouble:
            _log.warning("OctoPrint's log could not be read", reason=trouble.reason)
            self._feed(LogNotRead())
            return
        self._feed(LogRead(mark if since is not None else None, since, reason, effect))

    async def _firmware(self) -> None:
        try:
            name = await self.chores.do(lambda c: c.firmware())
        except Trouble as trouble:
            _log.warning("OctoPrint does not say what firmware the printer has", reason=trouble.reason)
            return
        if name is not None:
            self._feed(FirmwareNamed(name))

    async def _delete(self, path: str) -> None:
        await asyncio.sleep(DELETE_AFTER)
        try:
            await self.chores.do(lambda c: c.delete(path))
        except Trouble as trouble:
            _log.debug("a file stays until its folder goes", path=path, reason=trouble.reason)

    async def _delete_folder(self, folder: str) -> None:
        try:
            await self.chores.do(lambda c: c.delete(folder))
        except Trouble as trouble:
            _log.debug("a folder stays", folder=folder, reason=trouble.reason)
            return
        self._feed(FolderGone(folder))


def _client(settings: BridgeSettings) -> OctoPrint:
    key = settings.octoprint_api_key
    return OctoPrint(
        settings.octoprint_url or "", key.get_secret_value() if key is not None else "", settings.http_timeout
    )


def new_mark() -> str:
    """A word that nobody else writes into OctoPrint's log."""
    return f"boardcast-mark-{secrets.token_hex(8)}"


def _unreachable(trouble: Trouble) -> Unreachable:
    link = trouble.link if trouble.link is not Link.OK else Link.STARTING
    return Unreachable(link, trouble.reason)
