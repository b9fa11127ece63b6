"""The doctor's word that a real printer may be armed: a small file beside the database, which a bridge locks."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

FIRMWARE_LENGTH = 100
"""Characters of the firmware's name that are compared."""


@dataclass(frozen=True)
class Approval:
    """Which printer was examined: it means nothing for another OctoPrint, another port or another firmware."""

    url: str
    port: str
    firmware: str


def path_in(folder: Path) -> Path:
    """The file in the bridge's data folder."""
    return folder / "octo_bridge.doctor.json"


def read(folder: Path) -> Approval | None:
    """The last word; None when there is none, or none that can be read."""
    try:
        found = json.loads(path_in(folder).read_text(encoding="utf-8"))
        return Approval(str(found["url"]), str(found["port"]), str(found["firmware"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(folder: Path, approval: Approval) -> None:
    """Replace it at once, owned by whoever owns the folder. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = path_in(folder).with_suffix(".tmp")
    temporary.write_text(json.dumps(asdict(approval)), encoding="utf-8")
    owner = folder.stat()
    os.chown(temporary, owner.st_uid, owner.st_gid)  # the doctor may be called by another user than the service
    temporary.replace(path_in(folder))


def withdraw(folder: Path) -> None:
    """Take it back. Raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        path_in(folder).unlink()
