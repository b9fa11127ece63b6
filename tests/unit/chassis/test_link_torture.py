"""Exactly once and in order, whatever happens on the way: seeded storms in simulated time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.unit.chassis.link_world import World
from tests.unit.chassis.lossy_broker import Faults, LossyBroker
from tests.unit.chassis.simulated_time import eventually, simulate

MESSAGES = 150
KINDS = {
    "loss": Faults(loss=0.3),
    "duplicates": Faults(twice=0.5),
    "reorder": Faults(late=0.5, latest=0.5),
    "delay": Faults(late=1.0, latest=3.0),
    "everything": Faults(loss=0.15, twice=0.2, late=0.3, latest=2.0),
}


async def _storm(folder: Path, seed: int, faults: Faults, *, kills: bool, cuts: bool) -> World:
    broker = LossyBroker(seed)
    rng = broker.random
    async with World(broker, folder) as world:
        broker.faults = faults
        promised = 0
        while promised < MESSAGES:
            burst = min(rng.choice([1, 1, 3, 20]), MESSAGES - promised)
            world.sending.promise(*range(promised, promised + burst))
            promised += burst
            await asyncio.sleep(rng.choice([0.0, 0.001, 0.1, 1.5]))
            if cuts and rng.random() < 0.1:
                broker.cut_somebody()
            if cuts and rng.random() < 0.05:
                broker.crash()
                await asyncio.sleep(rng.uniform(0, 3))
                broker.recover()
            if kills and rng.random() < 0.15:
                await world.restart(rng.choice(world.ends))
        broker.faults = Faults()
        await eventually(lambda: world.settled, 300, f"the receipts; taken: {len(world.taking.taken)}")
        assert world.taking.rows == [("take", n) for n in range(MESSAGES)]
        assert world.taking.histories == []
        return world


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", KINDS)
def test_every_message_is_taken_once_and_in_order(tmp_path: Path, kind: str, seed: int) -> None:
    simulate(lambda: _storm(tmp_path, seed, KINDS[kind], kills=False, cuts=False))


@pytest.mark.parametrize("seed", range(12))
def test_the_same_while_ends_are_killed_and_connections_cut(tmp_path: Path, seed: int) -> None:
    simulate(lambda: _storm(tmp_path, seed, KINDS["everything"], kills=True, cuts=True))
