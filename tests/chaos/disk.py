"""A data folder on a small disk of its own, which can fill up and turn read-only. Needs root, as in a container."""

from __future__ import annotations

import subprocess
from pathlib import Path

SIZE_KB = 256 * 1024


class NoMounts(RuntimeError):
    """This process may not mount."""


class Disk:
    """A tmpfs on *folder*."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._mounted = False

    def mount(self) -> None:
        """Put it there. Raises NoMounts."""
        self.folder.mkdir(parents=True, exist_ok=True)
        _mount("-t", "tmpfs", "-o", f"size={SIZE_KB}k", "tmpfs", str(self.folder))
        self._mounted = True

    def fill(self) -> None:
        """Nothing more fits: the disk shrinks to what is on it. Raises NoMounts."""
        for room in (16, 64, 256):  # somebody may write meanwhile, and a disk does not shrink below what is on it
            used = sum(file.stat().st_blocks for file in self.folder.rglob("*") if file.is_file()) // 2
            try:
                return _mount("-o", f"remount,size={used + room}k", str(self.folder))
            except NoMounts:
                continue
        _mount("-o", f"remount,size={used + 1024}k", str(self.folder))

    def free(self) -> None:
        """There is room again."""
        _mount("-o", f"remount,size={SIZE_KB}k", str(self.folder))

    def read_only(self) -> None:
        """As a system does it after an error of the disk. Nobody may have a file open for writing."""
        _mount("-o", "remount,ro", str(self.folder))

    def writable(self) -> None:
        """Mended."""
        _mount("-o", f"remount,rw,size={SIZE_KB}k", str(self.folder))

    def unmount(self, keep: Path | None = None) -> None:
        """Take it off; what is on it is copied to *keep* first."""
        if not self._mounted:
            return
        if keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            subprocess.run(["cp", "-a", f"{self.folder}/.", str(keep)], check=True)
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)
        self._mounted = False


def _mount(*words: str) -> None:
    done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoMounts(f"mount {' '.join(words)}: {done.stderr.strip()}; disk faults need root, as in a container")
