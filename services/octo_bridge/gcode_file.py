"""The file of a job: its name says which job and attempt it is, its last line says on the wire that it is over."""

from __future__ import annotations

import re
from collections.abc import Sequence

_DONE = re.compile(r"move:(?P<job>[a-z0-9-]+):a(?P<attempt>\d+):done")
ROOT = "boardcast"
"""OctoPrint's folder for everything of the bridge; below it one folder a session."""


def path_of(folder: str, job_id: str, attempt: int) -> str:
    """OctoPrint's path of the file; the job id's letters are few enough for OctoPrint to leave them alone."""
    return f"{folder}/{job_id}-a{attempt}.gcode"


def is_ours(path: str) -> bool:
    """Whether the bridge made this file."""
    return path.startswith(f"{ROOT}/")


def done_line(job_id: str, attempt: int) -> str:
    """What the printer echoes when the last line of this attempt was taken."""
    return f"move:{job_id}:a{attempt}:done"


def done_in(text: str) -> tuple[str, int] | None:
    """Job id and attempt of a done line within *text*."""
    found = _DONE.search(text)
    return (found["job"], int(found["attempt"])) if found else None


def compose(job_id: str, attempt: int, preamble: Sequence[str], lines: Sequence[str]) -> str:
    """The whole file. M400 keeps OctoPrint from calling it finished before the last motion has ended."""
    return "\n".join([*preamble, *lines, "M400", f"M118 E1 {done_line(job_id, attempt)}"]) + "\n"
