"""The road to the printer: whether OctoPrint and the right port are there, and what is done to have them back."""

from __future__ import annotations

from dataclasses import replace

from contracts.events import EventKind
from contracts.printers import Link
from services.chassis.clock import Now
from services.octo_bridge.approval import FIRMWARE_LENGTH
from services.octo_bridge.effects import AskFirmware, Connect, Look
from services.octo_bridge.events import (
    FirmwareNamed,
    PushChanged,
    Seen,
    Unreachable,
)
from services.octo_bridge.outcome import Result, announce
from services.octo_bridge.settings import VIRTUAL, BridgeSettings
from services.octo_bridge.state import Machine, Printer

FIRMWARE_EVERY = 5.0


def link_of(m: Machine, e: Seen, s: BridgeSettings) -> tuple[Link, str | None]:
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


def link_is(m: Machine, link: Link, reason: str | None, now: Now) -> Result:
    before = m.octo.link
    m = m.see(link=link, reason=reason)
    if link is before:
        return m, []
    if link is Link.OK:
        m = replace(m, connect_wait=2.0)
        return m, [announce(EventKind.RECOVERED, now, "OctoPrint and the printer are there")]
    return m, [announce(EventKind.PROBLEM, now, reason)]


def take_unreachable(m: Machine, e: Unreachable, now: Now) -> Result:
    """OctoPrint does not answer, is starting, or refuses the key."""
    m = m.see(caught_up=False, idle_since=None, still_since=None)
    return link_is(m, e.link, e.reason, now)


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


def take_firmware(m: Machine, e: FirmwareNamed) -> Result:
    """Shown, and compared with what the doctor has passed."""
    return m.see(firmware=e.name[:FIRMWARE_LENGTH]), []


def ask_firmware(m: Machine, now: Now) -> Result:
    """A real printer is known by its firmware, which OctoPrint tells a bridge that came later only when it is asked."""
    known = m.octo.firmware is not None or m.octo.port in (None, VIRTUAL)
    if known or m.octo.link is not Link.OK or now.mono - m.last_asked("firmware") < FIRMWARE_EVERY:
        return m, []
    return m.ask("firmware", now.mono), [AskFirmware()]
