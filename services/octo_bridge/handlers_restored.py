"""A database that was put back from a backup: what happened since then is known to nobody."""

from __future__ import annotations

from contracts.board import Plate
from contracts.events import EventKind
from contracts.plan import JobEnd
from services.chassis.clock import Now
from services.octo_bridge.effects import Effect
from services.octo_bridge.outcome import Result, announce, ended, raise_epoch
from services.octo_bridge.state import Machine

EPOCHS_AHEAD = 1000
"""More than a machine has between two backups: an epoch that was forgotten must not come again with other plans."""
REASON = "the bridge's data was restored from a backup: what was drawn since then is not known to it"


def take_restored(m: Machine, now: Now) -> Result:
    """Every job is uncertain, whatever OctoPrint says of its file; one that waited, too, may have been drawn since.

    A person looks at the plate.
    """
    effects: list[Effect] = [announce(EventKind.PROBLEM, now, f"{REASON}; look at the plate")]
    m = m.keep(epoch=m.kept.epoch + EPOCHS_AHEAD, armed=None, bare=False)
    for job in m.jobs:
        m, more = ended(m, job, JobEnd.UNCERTAIN, REASON, now)
        effects += more
    m, more = raise_epoch(m, REASON, now, plate=Plate.UNKNOWN)
    return m, [*effects, *more]
