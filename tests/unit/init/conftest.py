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
