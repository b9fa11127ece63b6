"""Folders of earlier sessions at OctoPrint, once no job is left in them."""

from __future__ import annotations

from contracts.printers import Link
from services.chassis.clock import Now
from services.octo_bridge.effects import DeleteFolder, Effect
from services.octo_bridge.events import FolderGone
from services.octo_bridge.outcome import Result
from services.octo_bridge.state import Machine


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


def take_folder_gone(m: Machine, e: FolderGone) -> Result:
    """One less."""
    return m.keep(old_folders=tuple(f for f in m.kept.old_folders if f != e.folder)), []
