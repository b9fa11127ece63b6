from __future__ import annotations

import os
from pathlib import Path

import pytest

from deploy.init.places import Owner, Places


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Volumes and project below one folder, all files this user's."""
    me = Owner(os.getuid(), os.getgid())
    (tmp_path / "project").mkdir()
    return Places(tmp_path / "volumes", tmp_path / "project", me, me)


@pytest.fixture
def power_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever gets its name before it is on the disk is found empty under it, as file systems have it."""
    on_disk: set[int] = set()
    fsync, replace = os.fsync, Path.replace

    def synced(file: int) -> None:
        on_disk.add(os.fstat(file).st_ino)
        fsync(file)

    def renamed(path: Path, target: Path) -> Path:
        if path.stat().st_ino not in on_disk:
            path.write_bytes(b"")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
