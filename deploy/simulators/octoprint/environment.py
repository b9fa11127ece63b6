"""OctoPrint's own Python environment: it pins old versions of what this project uses, so the two are never mixed."""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path

_SIMULATORS = Path(__file__).resolve().parent.parent
LOCK = _SIMULATORS / "octoprint.lock"
DEFAULT_ENVIRONMENT = _SIMULATORS.parent.parent / ".octoprint-env"


class OctoPrintMissing(RuntimeError):
    """OctoPrint is not installed, or not at the versions of the lock file."""

    def __init__(self, environment: Path) -> None:
        super().__init__(f"no current OctoPrint in {environment}; install it: `make octoprint`")


def find_octoprint(environment: Path = DEFAULT_ENVIRONMENT) -> Path:
    """Path of OctoPrint's program. Raises OctoPrintMissing."""
    if not _current(environment):
        raise OctoPrintMissing(environment)
    return _program(environment)


def install(environment: Path = DEFAULT_ENVIRONMENT) -> bool:
    """Install OctoPrint at the versions of the lock file; False if it was there. It takes 20 s to 60 s.

    Of several processes that call this at once, one installs and the others wait. Raises CalledProcessError.
    """
    guard = environment.with_name(f"{environment.name}.lock")
    with guard.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if _current(environment):
            return False
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(environment)], check=True)
        pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        # The lock is complete. pip must not resolve again: it would add netifaces, which has to be compiled.
        subprocess.run([*pip, "--no-deps", "-r", str(LOCK)], check=True)
        _stamp(environment).write_text(_fingerprint())
        return True


def _program(environment: Path) -> Path:
    return environment / "bin" / "octoprint"


def _stamp(environment: Path) -> Path:
    return environment / ".stamp"


def _fingerprint() -> str:
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()


def _current(environment: Path) -> bool:
    stamp = _stamp(environment)
    return stamp.is_file() and stamp.read_text() == _fingerprint() and _program(environment).is_file()
