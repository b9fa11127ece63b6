"""Observation of OctoPrint: what is seen, polled or pushed, becomes the picture that everything else decides by."""

from __future__ import annotations

from dataclasses import replace

from contracts.events import EventKind
from contracts.printers import Latch, Link
from services.chassis.clock import Now
from services.octo_bridge import handlers_dead_man as dead_man
from services.octo_bridge.approval import FIRMWARE_LENGTH
from services.octo_bridge.effects import AskFirmware, Connect, DeleteFolder, Effect, Look, ReadLog
from services.octo_bridge.events import Asked, FirmwareNamed, FolderGone, PrinterChanged, PushChanged, Seen, Unreachable
from services.octo_bridge.gcode_file import is_ours
from services.octo_bridge.handlers_doubt import QUIET, is_idle
from services.octo_bridge.handlers_foreign import foreign_job, foreign_over
from services.octo_bridge.outcome import Result, announce, latched, raise_epoch
from services.octo_bridge.readiness import PICTURE_LAGS, nozzle_hot
from services.octo_bridge.settings import VIRTUAL, BridgeSettings
from services.octo_bridge.state import ACTIVE, LOST, Machine, Printer, Reading

FIRMWARE_EVERY = 5.0
READ_LOG_EVERY = 2.0
_PAUSE = frozenset({Printer.PAUSING, Printer.PAUSED})
LOG_READ_WITHIN = 120.0
"""Seconds after which a reading that was never answered is given up."""
LEFT_OVER = 10.0
"""Seconds after the end of a job in which OctoPrint may still show it as running: half of one is usual."""
_GOES_ON = frozenset({Printer.PRINTING, Printer.PAUSING, Printer.PAUSED, Printer.RESUMING})
MARK_EVERY = 6 * 3600.0
"""Seconds. OctoPrint rotates its log daily; a mark must never be older than what it keeps."""
CATCHES_UP = 1.0
"""Seconds; some dozens of events, each with its commit."""
GOES_ON = 5.0
MARK_EVERY_JOBS = 200
"""Jobs since the last mark: the log since then is read for each doubt."""


def take_seen(m: Machine, e: Seen, now: Now, s: BridgeSettings) -> Result:
    """OctoPrint's own picture."""
    idle_for = now.mono - m.octo.idle_since if m.octo.idle_since is not None else 0.0
    m, effects = printer_is(m, e.printer, e.error, now)
    if e.polled:
        m = m.see(port=e.port, offers=e.offers)
    elif m.octo.port is None and e.printer not in LOST:
        effects.append(Look())
    if e.polled or m.octo.link in (Link.OK, Link.NO_PRINTER, Link.PRINTER_ERROR, Link.REFUSED_PORT):
        m, more = _link_is(m, *_link_of(m, e, s), now)
        effects += more
    if m.running is not None and m.octo.printer is Printer.PRINTING and e.filepos != m.octo.filepos:
        m = replace(m, moved_at=now.mono)
    if (e.path, e.filepos) != (m.octo.path, m.octo.filepos):
        m = m.see(still_since=now.mono)
    if e.clock is not None:
        m = m.see(clock=e.clock - now.mono)
    m = m.see(path=e.path, filepos=e.filepos, completion=e.completion, elapsed=e.elapsed, remaining=e.remaining, z=e.z)
    m = _progress(_stays_hot(_readings(m, e, now), now, s), e)
    if m.octo.printer in ACTIVE and e.path is not None and (not is_ours(e.path) or _unclaimed(m, idle_for, now)):
        m, more = foreign_job(m, e.path, now)
        effects += more
    return m, effects


def _unclaimed(m: Machine, idle_for: float, now: Now) -> bool:
    """A file of ours runs that is no job in hand: printed again by somebody, or given up by the bridge as uncertain."""
    left_over = m.octo.printer in _GOES_ON and now.mono - m.over_at >= LEFT_OVER
    return m.running is None and (idle_for >= QUIET or left_over)


def _link_of(m: Machine, e: Seen, s: BridgeSettings) -> tuple[Link, str | None]:
    if m.octo.port is not None and m.octo.port not in s.allowed_ports:
        return Link.REFUSED_PORT, (
            f"OctoPrint is connected to {m.octo.port}, which nobody has allowed; choose {_named(s)} in OctoPrint, "
            "or name the printer's port in BOARDCAST_PRINTER_PORTS"
        )
    if e.printer is Printer.ERROR:
        return Link.PRINTER_ERROR, f"the printer is lost: {e.error or 'offline after error'}; connecting again"
    if e.printer is Printer.CONNECTING:
        return Link.NO_PRINTER, "OctoPrint is connecting to the printer"
    if e.printer is Printer.OFFLINE or e.printer is Printer.UNKNOWN:
        if e.polled and s.allowed_ports == (VIRTUAL,) and VIRTUAL not in e.offers:
            return Link.REFUSED_PORT, (
                "OctoPrint has no port VIRTUAL, the only one that BOARDCAST_PRINTER_PORTS allows; "
                "switch the Virtual Printer on in OctoPrint, or name the printer's port"
            )
        if e.polled and _openable(e.offers, s) is None:
            return Link.NO_PRINTER, f"OctoPrint sees no port {_named(s)}: is the printer plugged in and on?"
        if m.octo.link is Link.REFUSED_PORT and not e.polled:
            return Link.REFUSED_PORT, m.octo.reason
        return Link.NO_PRINTER, "OctoPrint is not connected to the printer: is it plugged in and on? Connecting again"
    if m.octo.port is None:
        return Link.NO_PRINTER, "asking OctoPrint which port the printer is on"
    return Link.OK, None


def _named(s: BridgeSettings) -> str:
    return " or ".join(s.allowed_ports)


def _openable(offers: tuple[str, ...], s: BridgeSettings) -> str | None:
    """The port to open: the first allowed one that is there."""
    return next((port for port in s.allowed_ports if port in offers), None)


def _readings(m: Machine, e: Seen, now: Now) -> Machine:
    for pair in e.heaters:
        if pair.nozzle is not None:
            m = m.see(nozzle=Reading(*pair.nozzle, now.mono))
        if pair.bed is not None:
            m = m.see(bed=Reading(*pair.bed, now.mono))
    return m


def _stays_hot(m: Machine, now: Now, s: BridgeSettings) -> Machine:
    """Remembered while what is seen is sure to be this job's: OctoPrint forgets its record when it is started anew."""
    job = m.running
    if job is None or job.hot_at is None or not job.followed:
        return m
    if now.mono < m.temperatures_from or not nozzle_hot(m, now, s, 0.0):
        return m
    return m.with_job(replace(job, hot_at=now.mono))


def _progress(m: Machine, e: Seen) -> Machine:
    job = m.running
    if job is None or job.path != e.path or e.completion is None:
        return m
    return m.with_job(replace(job, progress=min(max(e.completion / 100, 0.0), 1.0)))


def printer_is(m: Machine, printer: Printer, error: str | None, now: Now) -> Result:
    """The printer's state, from whatever source; losing the serial port makes everything known of the axes void."""
    before = m.octo.printer
    # Idle means: with a job in hand, somebody should have said how it ended. Both kinds of idle count alike.
    since = m.octo.idle_since if m.octo.idle_since is not None else now.mono
    still = m.octo.still_since if printer is before and m.octo.still_since is not None else now.mono
    m = m.see(printer=printer, error=error, idle_since=since if is_idle(printer) else None, still_since=still)
    effects: list[Effect] = []
    if m.foreign and printer not in ACTIVE:
        m, effects = foreign_over(m, now)
    if _paused_by_hand(m, before, printer, now):
        m, effects = latched(m, Latch.FOREIGN, "the job was paused, not by the bridge", now)
    if printer not in LOST:
        if before in LOST or before is Printer.UNKNOWN:
            # Opening the port resets most printers.
            m = replace(m, reset_told_at=now.mono)
        # OctoPrint's own script after a connect may home: that is no foreign hand.
        return (replace(m, own_lines_at=now.mono) if before in LOST else m), effects
    # The port too: the next one that is opened may be a real printer's.
    m = replace(m.adrift(), dead_man=None, start_heard_at=None).see(
        nozzle=None, bed=None, port=None, firmware=None
    )
    if before in LOST or before is Printer.UNKNOWN:
        return m, effects
    m, more = raise_epoch(m, "the connection to the printer was lost: its position is unknown", now)
    return m, [*effects, *more]


def _paused_by_hand(m: Machine, before: Printer, printer: Printer, now: Now) -> bool:
    """The bridge itself never pauses OctoPrint; right after its own resume an old picture may still say paused."""
    changed = before not in _PAUSE and printer in _PAUSE
    resumed = now.mono - m.last_asked("resume") < PICTURE_LAGS
    return changed and not resumed and m.running is not None and m.kept.latch is Latch.NONE


def take_printer_changed(m: Machine, e: PrinterChanged, now: Now) -> Result:
    """The fast word on the same; what error it was comes with the next picture."""
    lost = e.printer in LOST or m.octo.printer in LOST
    m, effects = printer_is(m, e.printer, m.octo.error, now)
    return m, [*effects, Look()] if lost else effects


def take_unreachable(m: Machine, e: Unreachable, now: Now) -> Result:
    """OctoPrint does not answer, is starting, or refuses the key."""
    m = m.see(caught_up=False, idle_since=None, still_since=None)
    return _link_is(m, e.link, e.reason, now)


def _link_is(m: Machine, link: Link, reason: str | None, now: Now) -> Result:
    before = m.octo.link
    m = m.see(link=link, reason=reason)
    if link is before:
        return m, []
    if link is Link.OK:
        m = replace(m, connect_wait=2.0)
        return m, [announce(EventKind.RECOVERED, now, "OctoPrint and the printer are there")]
    return m, [announce(EventKind.PROBLEM, now, reason)]


def take_push(m: Machine, e: PushChanged, now: Now) -> Result:
    """While the socket is down, events are missed: what is running then is judged by evidence, never by silence."""
    # What happened between the last reading of the log and the first word of a socket was seen by neither.
    m = m.see(push=e.up, caught_up=False, sight=m.octo.sight + e.up).ask("log", -1e9)
    if not e.up:
        if m.octo.link is Link.OK:
            m = m.see(port=None)
        if m.running is not None:
            m = m.with_job(replace(m.running, followed=False))
    return m, [Look()]


def take_firmware(m: Machine, e: FirmwareNamed) -> Result:
    """Shown, and compared with what the doctor has passed."""
    return m.see(firmware=e.name[:FIRMWARE_LENGTH]), []


def connect(m: Machine, now: Now, s: BridgeSettings) -> Result:
    """Have the serial port opened again, with longer and longer pauses."""
    if m.octo.link not in (Link.NO_PRINTER, Link.PRINTER_ERROR) or m.octo.printer is Printer.CONNECTING:
        return m, []
    if now.mono - m.last_asked("connect") < m.connect_wait:
        return m, []
    port = _openable(m.octo.offers, s)
    if port is None:
        return m, []
    m = replace(m.ask("connect", now.mono), connect_wait=min(m.connect_wait * 2, s.connect_back_off))
    return m, [Connect(port)]


def ask_firmware(m: Machine, now: Now) -> Result:
    """A real printer is known by its firmware, which OctoPrint tells a bridge that came later only when it is asked."""
    known = m.octo.firmware is not None or m.octo.port in (None, VIRTUAL)
    if known or m.octo.link is not Link.OK or now.mono - m.last_asked("firmware") < FIRMWARE_EVERY:
        return m, []
    return m.ask("firmware", now.mono), [AskFirmware()]


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


def clean_up(m: Machine, now: Now) -> Result:
    """Folders of earlier sessions go, once no job is left in them."""
    if m.octo.link is not Link.OK or now.mono - m.last_asked("clean") < 60:
        return m, []
    if not m.octo.caught_up or m.running is not None:
        return m, []  # OctoPrint stumbles over a listing in which a folder goes, and with it the question asked of it
    in_use = {job.path.rpartition("/")[0] for job in m.jobs if job.path is not None}
    done = [DeleteFolder(folder) for folder in m.kept.old_folders if folder not in in_use]
    effects: list[Effect] = list(done)
    return m.ask("clean", now.mono), effects


def take_stalled(m: Machine, now: Now) -> Result:
    """The next job waits for what was said meanwhile; not again and again, or a slow disk would keep it for ever."""
    if now.mono < m.behind_until + GOES_ON:
        return m, []
    return replace(m, behind_until=now.mono + CATCHES_UP), []


def take_writes_again(m: Machine) -> Result:
    """Resets and lost connections that came and went meanwhile stand in OctoPrint's log."""
    return replace(m.see(caught_up=False), log_asked=False).ask("log", -1e9), []


def take_folder_gone(m: Machine, e: FolderGone) -> Result:
    """One less."""
    return m.keep(old_folders=tuple(f for f in m.kept.old_folders if f != e.folder)), []


def take_asked(m: Machine, e: Asked, now: Now) -> Result:
    """The answer to a request of the safety channel."""
    if e.what == dead_man.WHAT and not e.ok:
        return replace(m, dead_man=None if m.dead_man is False else False), []
    if e.what == "targets":
        return _targets_set(m, now), []
    if e.what in ("home", "park"):
        return _moved(replace(m, moving_since=None), e, now)
    return m, []


def _targets_set(m: Machine, now: Now) -> Machine:
    """Whether or not it was taken: what is seen for a while may still be from before."""
    m = replace(m, targets_open=max(m.targets_open - 1, 0))
    if m.targets_open or not m.retargeting:
        return m
    # After a reset it takes longer still.
    since = max(m.temperatures_from, now.mono + PICTURE_LAGS)
    return replace(m, retargeting=False, temperatures_from=since)


def _moved(m: Machine, e: Asked, now: Now) -> Result:
    """The answer to home or park; one that comes after the position was lost again says nothing of where it is."""
    if not e.ok:
        reason = f"{e.what} was not taken by OctoPrint: {e.reason}; the next job homes first, or send home"
        return replace(m, position_known=False), [announce(EventKind.PROBLEM, now, reason)]
    if e.epoch != m.kept.epoch or m.octo.printer in LOST:
        return m, []
    return replace(m, moved_at=now.mono, position_known=m.position_known or e.what == "home"), []
