"""Nothing can be written, and the printer is watched, paused and cancelled all the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.simulators.flashforge.child import FlashforgeSimulator
from tests.chaos.disk import Disk
from tests.e2e.rex_bridge.conftest import COMMAND, EVENT, Bridge
from tests.e2e.rex_bridge.test_print import printing


@pytest.fixture
def disk(bridge: Bridge) -> Iterator[Disk]:
    """A small disk under the bridge's data folder."""
    disk = Disk(Path(bridge.environment["BOARDCAST_DATA_DIR"]))
    disk.mount()
    yield disk
    bridge.stop()
    disk.unmount()


def test_a_full_disk_keeps_nobody_from_pausing_and_cancelling(
    bridge: Bridge, rex: FlashforgeSimulator, disk: Disk
) -> None:
    printing(bridge, rex)
    disk.fill()
    (disk.folder / "the rest").write_bytes(b"x" * 16_000)
    for word in ("pause", "resume", "cancel"):
        since = bridge.probe.mark()
        bridge.probe.publish(COMMAND, {"command": word, "id": word})
        assert bridge.answer(word, since=since).json["event"] == "done"
        if word == "pause":
            assert rex.view()["paused"]
    bridge.state("idle", since=since)
    assert "nothing can be written" in bridge.process.tail(200)
    disk.free()
    rex.do("start", hot=True, seconds=600)
    bridge.probe.wait(EVENT, lambda m: m.json["event"] == "started", since=since)
    names = [name for name, _ in bridge.events() if name != "done"]
    assert names == ["started", "paused", "resumed", "cancelled", "started"]
