"""OctoPrint's log: when it is read, and what it tells of the time in which nobody watched."""

from __future__ import annotations

from dataclasses import replace

from contracts.board import Plate
from contracts.printers import Link
from services.chassis.clock import Now
from services.octo_bridge.effects import Effect, Look, ReadLog
from services.octo_bridge.events import LogRead
from services.octo_bridge.gcode_file import is_ours
from services.octo_bridge.handlers_foreign import foreign_job, foreign_over
from services.octo_bridge.handlers_reset import blind, overtook
from services.octo_bridge.outcome import Result, raise_epoch
from services.octo_bridge.state import ACTIVE, Machine

READ_LOG_EVERY = 2.0
LOG_READ_WITHIN = 120.0
"""Seconds after which a reading that was never answered is given up."""
MARK_EVERY = 6 * 3600.0
"""Seconds. OctoPrint rotates its log daily; a mark must never be older than what it keeps."""
MARK_EVERY_JOBS = 200
"""Jobs since the last mark: the log since then is read for each doubt."""
ACCOUNTED_MOST = 50
"""Own files that never appeared in OctoPrint's log: posted, and not started."""


def read_log(m: Machine, now: Now) -> Result:
    """On every contact, and now and then: a mark, and what happened since the last one."""
    reachable = m.octo.link in (Link.OK, Link.NO_PRINTER, Link.PRINTER_ERROR)
    many = m.kept.mark is not None and m.running is None and len(m.accounted) >= MARK_EVERY_JOBS
    due = not m.octo.caught_up or many or now.mono - m.last_asked("log") >= MARK_EVERY
    if not reachable or not due or now.mono - m.last_asked("log") < READ_LOG_EVERY:
        return m, []
    if m.log_asked and now.mono - m.last_asked("log") < LOG_READ_WITHIN:
        return m, []
    return replace(m.ask("log", now.mono), log_asked=True), [ReadLog(m.kept.mark, m.octo.sight)]


def take_log_read(m: Machine, e: LogRead, now: Now) -> Result:
    """What OctoPrint's log says of the time since the last mark: while the bridge was away, above all."""
    m = replace(m, log_asked=False)
    if e.asked is not None and e.asked.since != m.kept.mark:
        return m, []  # another reading came in before it and has told the same already
    fresh, first, since = not m.kept.contacted, m.first_contact, e.since
    m = replace(m.keep(mark=e.mark, contacted=True), first_contact=False)
    m = m.see(caught_up=True) if e.asked is None or e.asked.sight == m.octo.sight else m.ask("log", -1e9)
    if fresh:
        return m, []
    if since is None or not since.whole:
        plate = Plate.UNKNOWN if first else None  # while this process watched, its own eyes are witness enough
        m = replace(m.adrift(), accounted=m.accounted[-ACCOUNTED_MOST:])
        return raise_epoch(m, e.reason or "OctoPrint's log does not say what happened meanwhile", now, plate=plate)
    effects: list[Effect] = []
    if m.running is not None and m.running.blind is None and overtook(m.running, since):
        m, effects = blind(m.adrift(), now)
    m, theirs = _unaccounted(m, since.started)
    if theirs:
        m, more = _foreign_in_log(m, theirs[-1], now)
        return m, [*effects, *more]
    if since.restarted or since.reconnected or since.reset:
        m = m.adrift()
        m, more = raise_epoch(m, "the printer was reset, or connected anew: its position is unknown", now)
        return m, [*effects, *more]
    return m, []


def _unaccounted(m: Machine, started_paths: tuple[str, ...]) -> tuple[Machine, list[str]]:
    """Files that were started and are neither a job of ours, each of which starts once, nor were seen live.

    What has not appeared in the log yet stays accounted for: it may have been started behind the mark.
    """
    left, theirs = list(m.accounted), []
    for path in started_paths:
        if path in left:
            left.remove(path)
        else:
            theirs.append(path)
    left = [path for path in left if is_ours(path) or m.foreign]
    return replace(m, accounted=tuple(left[-ACCOUNTED_MOST:])), theirs


def _foreign_in_log(m: Machine, path: str, now: Now) -> Result:
    m, effects = foreign_job(replace(m, foreign=False), path, now)
    m = replace(m, accounted=m.accounted[:-1])  # its line in the log is read already
    job = m.running
    if m.octo.printer in ACTIVE and not (job is not None and job.path == m.octo.path):
        return m, effects
    m, more = foreign_over(m, now)
    return m, [*effects, *more]


def take_writes_again(m: Machine) -> Result:
    """Resets and lost connections that came and went meanwhile stand in OctoPrint's log."""
    # The counter is there to be written: otherwise this would be taken while the disk is still full.
    m = m.see(caught_up=False, stale=True, sight=m.octo.sight + 1).keep(gaps=m.kept.gaps + 1)
    return replace(m, log_asked=False).ask("log", -1e9), [Look()]
