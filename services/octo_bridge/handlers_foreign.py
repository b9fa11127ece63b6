"""Somebody else's job in OctoPrint's hands: afterwards nobody knows what lies on the plate. It sets the latch."""

from __future__ import annotations

from dataclasses import replace

from contracts.board import Plate
from contracts.events import EventKind
from contracts.printers import Latch
from services.chassis.clock import Now
from services.octo_bridge.outcome import Result, announce, latched, raise_epoch
from services.octo_bridge.state import Machine


def foreign_job(m: Machine, path: str, now: Now) -> Result:
    """Somebody else's file runs: afterwards nobody knows what lies on the plate."""
    if m.foreign:
        return m, []
    reason = f"somebody else's job was run from OctoPrint: {path}"[:300]
    m = replace(m.adrift(), foreign=True, accounted=(*m.accounted, path)).soiled().see(path=path)
    m, effects = raise_epoch(m, reason, now, plate=Plate.UNKNOWN)
    m, more = latched(m, Latch.FOREIGN, reason, now)
    return m, [*effects, announce(EventKind.FOREIGN, now, reason, job=path[:200]), *more]


def foreign_over(m: Machine, now: Now) -> Result:
    """It has ended. What it left hot cools by the bridge's timers from here on.

    A fresh mark is put into OctoPrint's log. Whoever looked at the plate meanwhile has to look again.
    """
    m = replace(m, foreign=False, moved_at=now.mono, heat=replace(m.heat, settled=False))
    m = m.soiled().see(caught_up=False)
    return raise_epoch(m, "somebody else's job has ended: look at the plate", now, plate=Plate.UNKNOWN)
