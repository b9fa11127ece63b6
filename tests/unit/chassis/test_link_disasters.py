"""An end lost its data or came back from an older copy: nothing is swallowed in silence, and the link goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path

from services.chassis.link.outbox import Outbox
from tests.unit.chassis.link_world import TOPICS, World
from tests.unit.chassis.lossy_broker import LossyBroker
from tests.unit.chassis.simulated_time import eventually, simulate

SOON = 20.0


async def _settled(world: World) -> None:
    await eventually(lambda: world.settled, SOON, f"the receipts; the consumer has {world.taking.rows}")


def test_what_an_older_consumer_had_confirmed_is_said_to_be_lost(tmp_path: Path) -> None:
    async def scene() -> None:
        async with World(LossyBroker(), tmp_path) as world:
            world.sending.promise(1, 2, 3)
            await _settled(world)
            world.taking.copy_to(tmp_path / "backup")
            world.sending.promise(4, 5)
            await _settled(world)
            await asyncio.sleep(1)  # the rows are pruned by now
            await world.restart(world.taking, lambda: world.taking.restore(tmp_path / "backup"))
            world.sending.promise(6)
            await _settled(world)
            expected = [("take", 1), ("take", 2), ("take", 3), ("lost", 4), ("lost", 5), ("take", 6)]
            assert world.taking.rows == expected

    simulate(scene)


def test_the_loss_is_said_again_until_the_consumer_has_heard_it(tmp_path: Path) -> None:
    async def scene() -> None:
        broker = LossyBroker()
        async with World(broker, tmp_path) as world:
            world.sending.promise(1)
            await _settled(world)
            world.taking.copy_to(tmp_path / "backup")
            world.sending.promise(2)
            await _settled(world)
            await asyncio.sleep(1)
            world.taking.kill()
            world.taking.restore(tmp_path / "backup")
            broker.faults.loss = 1.0  # also of the words "lost"
            await world.taking.start()
            await asyncio.sleep(1)
            broker.faults.loss = 0.0
            world.sending.promise(3)
            await _settled(world)
            assert world.taking.rows == [("take", 1), ("lost", 2), ("take", 3)]

    simulate(scene)


def test_a_sender_older_than_its_consumer_begins_a_new_history(tmp_path: Path) -> None:
    async def scene() -> None:
        async with World(LossyBroker(), tmp_path) as world:
            world.sending.promise(1, 2)
            await _settled(world)
            await asyncio.sleep(1)
            world.sending.copy_to(tmp_path / "backup")
            world.sending.promise(3, 4)
            await _settled(world)
            await asyncio.sleep(1)
            world.sending.kill()
            world.sending.restore(tmp_path / "backup")
            await world.sending.start()
            world.sending.promise(5, 6, 7)  # under the numbers that 3 and 4 had, and one more
            await _settled(world)
            assert world.taking.taken == [1, 2, 3, 4, 5, 6, 7]
            assert world.taking.histories == [(True, 1)]

    simulate(scene)


def test_a_sender_without_its_data_begins_a_new_history(tmp_path: Path) -> None:
    async def scene() -> None:
        async with World(LossyBroker(), tmp_path) as world:
            world.sending.promise(1, 2)
            await _settled(world)
            await world.restart(world.sending, lambda: world.sending.restore(None))
            world.sending.promise(3)
            await _settled(world)
            assert world.taking.taken == [1, 2, 3]
            assert world.taking.histories == [(True, 1)]

    simulate(scene)


def test_a_consumer_without_its_data_goes_on_from_what_the_sender_still_holds(tmp_path: Path) -> None:
    async def scene() -> None:
        async with World(LossyBroker(), tmp_path) as world:
            world.sending.promise(1, 2)
            await _settled(world)
            await world.restart(world.taking, lambda: world.taking.restore(None))
            world.sending.promise(3)
            await _settled(world)
            assert world.taking.taken == [3]
            assert world.taking.histories == [(False, 3)]

    simulate(scene)


def test_both_ends_without_their_data_begin_anew(tmp_path: Path) -> None:
    async def scene() -> None:
        async with World(LossyBroker(), tmp_path) as world:
            world.sending.promise(1, 2)
            await _settled(world)
            world.taking.kill()
            world.taking.restore(None)
            await world.restart(world.sending, lambda: world.sending.restore(None))
            await world.taking.start()
            world.sending.promise(3)
            await _settled(world)
            assert world.taking.taken == [3]

    simulate(scene)


def test_both_ends_from_copies_of_different_age(tmp_path: Path) -> None:
    async def scene(older_sender: bool) -> None:
        folder = tmp_path / str(older_sender)
        async with World(LossyBroker(), folder) as world:
            early, late = (world.sending, world.taking) if older_sender else (world.taking, world.sending)
            world.sending.promise(1, 2)
            await _settled(world)
            await asyncio.sleep(1)
            early.copy_to(folder / "early")
            world.sending.promise(3, 4)
            await _settled(world)
            await asyncio.sleep(1)
            late.copy_to(folder / "late")
            world.sending.promise(5)
            await _settled(world)
            world.sending.kill()
            world.taking.kill()
            early.restore(folder / "early")
            late.restore(folder / "late")
            await world.sending.start()
            await world.taking.start()
            world.sending.promise(6, 7)
            await _settled(world)
            assert world.taking.taken[-2:] == [6, 7]
            if older_sender:
                assert world.taking.histories == [(True, 1)]
            else:
                assert world.taking.rows == [
                    ("take", 1),
                    ("take", 2),
                    ("lost", 3),
                    ("lost", 4),
                    ("take", 6),
                    ("take", 7),
                ]

    simulate(lambda: scene(older_sender=True))
    simulate(lambda: scene(older_sender=False))


def test_a_sender_back_in_a_history_before_the_present_one_is_noticed(tmp_path: Path) -> None:
    async def scene() -> None:
        async with World(LossyBroker(), tmp_path) as world:
            world.sending.promise(1, 2)
            await _settled(world)
            await asyncio.sleep(1)
            world.sending.copy_to(tmp_path / "backup")
            await world.restart(world.sending, lambda: world.sending.restore(None))
            world.sending.promise(3)
            await _settled(world)
            await world.restart(world.sending, lambda: world.sending.restore(tmp_path / "backup"))
            world.sending.promise(4)
            await _settled(world)
            assert world.taking.taken == [1, 2, 3, 4]
            assert world.taking.histories == [(True, 1), (True, 3)]

    simulate(scene)


def test_a_crash_between_a_receipt_and_the_pruning_repeats_nothing(tmp_path: Path) -> None:
    async def scene() -> None:
        async with World(LossyBroker(), tmp_path) as world:
            world.sending.promise(1, 2, 3)
            await _settled(world)
            assert Outbox(world.sending.store, TOPICS.name).head().receipted == 0  # not pruned yet
            await world.restart(world.sending)
            world.sending.promise(4)
            await _settled(world)
            assert world.taking.rows == [("take", 1), ("take", 2), ("take", 3), ("take", 4)]

    simulate(scene)
