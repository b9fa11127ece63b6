"""A wall clock that jumps for one process, through libfaketime; its monotonic clock goes on undisturbed."""

from __future__ import annotations

from pathlib import Path

_PLACES = ("/usr/lib/*/faketime/libfaketime.so.1", "/usr/lib/faketime/libfaketime.so.1")


class FaketimeMissing(RuntimeError):
    """No libfaketime on this machine."""

    def __init__(self) -> None:
        super().__init__("install faketime: `make tools` (Debian, Ubuntu: apt-get install faketime)")


class WallClock:
    """The clock of one process, steered by a file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._offset = 0

    def environment(self) -> dict[str, str]:
        """What the process has to be started with. Raises FaketimeMissing."""
        self._write()
        return {
            "LD_PRELOAD": _library(),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_RESET": "1",
            "NO_FAKE_STAT": "1",
        }

    def jump(self, seconds: int) -> None:
        """So far ahead, or back."""
        self._offset += seconds
        self._write()

    def _write(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{self._offset:+d}\n")
        fresh.replace(self._file)


def _library() -> str:
    for pattern in _PLACES:
        for found in sorted(Path("/").glob(pattern.lstrip("/"))):
            return str(found)
    raise FaketimeMissing
