"""The service as a whole, without an OctoPrint: what its parts ask of each other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.chassis.bus.memory import MemoryBroker, MemoryBus
from services.chassis.clock import now
from services.chassis.service import Parts
from services.chassis.store import Store
from services.octo_bridge.effects import Submit
from services.octo_bridge.service import SCHEMAS, OctoBridge
from services.octo_bridge.worker import HEARD_OUT
from tests.unit.octo_bridge.machine import job_id, settings


async def test_the_machine_is_asked_once_more_before_a_job_goes_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path, "octo_bridge")
    store.open(*SCHEMAS)
    bridge = OctoBridge(Parts(settings(data_dir=tmp_path), store, MemoryBus(MemoryBroker())))
    sent: list[Any] = []

    async def unanswered(call: Callable[[Any], Any]) -> None:
        await asyncio.Event().wait()

    async def send(call: Callable[[Any], Any]) -> None:
        sent.append(call)
        await unanswered(call)

    for lane in bridge._worker._lanes:
        monkeypatch.setattr(lane, "do", send if lane is bridge._worker.jobs else unanswered)
    await bridge.start()
    try:
        bridge._worker.perform(Submit(job_id(1), 1, "boardcast/x/j-a1.gcode", "G90", now().mono))
        for _ in range(HEARD_OUT + 2):
            await asyncio.sleep(0)
        assert sent == [], "this machine has no such job in hand"
    finally:
        await bridge.stop()
        store.close()
