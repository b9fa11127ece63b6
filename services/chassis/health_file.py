"""The file in which a service says how it is. Only the standard library: a container's health check runs this often.

``python -m services.chassis.health_file FILE`` prints the last word and ends with 0 if it is well.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

STALE_AFTER = 15.0
"""Seconds."""


@dataclass(frozen=True)
class Health:
    """*ok* false means that a person should look; *text* says why and what to do."""

    ok: bool
    text: str


def path_in(folder: Path, name: str) -> Path:
    """The health file of service *name* in its data folder."""
    return folder / f"{name}.health.json"


def write(path: Path, health: Health) -> None:
    """Replace the file at once, so that no reader sees half of it."""
    temporary = path.with_suffix(".tmp")
    body = {"ok": health.ok, "text": health.text, "mono": time.monotonic(), "pid": os.getpid()}
    temporary.write_text(json.dumps(body), encoding="utf-8")
    temporary.replace(path)


def read(path: Path) -> Health:
    """The last word of the service; not ok when there is none or when it is too old."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        age = time.monotonic() - float(found["mono"])
        health = Health(bool(found["ok"]), str(found["text"]))
    except FileNotFoundError:
        return Health(False, f"no health file at {path}: the service has not started")
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Health(False, f"the health file {path} cannot be read: {error}")
    # After a reboot the monotonic clock begins anew: a file from before it is as good as none.
    if not -1.0 <= age <= STALE_AFTER:
        return Health(False, f"the service has said nothing for {abs(age):.0f} s; look at its log and restart it")
    return health


def main(path: Path) -> int:
    """Print the last word; the exit code is 0 if it is well."""
    found = read(path)
    print(found.text)
    return 0 if found.ok else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
