"""A bad body, a defect in a handler, a store that fails: what each does to a link, and what it does not."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from services.chassis.store import Unit
from tests.unit.chassis.link_world import Word, World
from tests.unit.chassis.lossy_broker import LossyBroker
from tests.unit.chassis.simulated_time import eventually, settle, simulate

ALL_THREE = [("take", 1), ("bad", 2), ("take", 3)]


async def _settled(world: World) -> None:
    await eventually(lambda: world.settled, 120, f"the receipts; the consumer has {world.taking.rows}")


def test_a_body_that_is_not_understood_is_answered_in_its_turn(tmp_path: Path) -> None:
    async def scene() -> None:
        async with World(LossyBroker(), tmp_path) as world:
            world.sending.promise(1)
            world.sending.promise_odd(2)
            world.sending.promise(3)
            await _settled(world)
            assert world.taking.rows == ALL_THREE
            assert [reason for reason, _ in world.taking.letters] == [
                "body not understood: kind: Input should be 'word'"
            ]

    simulate(scene)


def _integrity(unit: Unit) -> None:
    unit.execute("INSERT INTO taken (id) VALUES (1)")


def _no_table(unit: Unit) -> None:
    unit.execute("INSERT INTO nowhere VALUES (1)")


def _bug(_: Unit) -> None:
    raise KeyError("bug")


def _huge(unit: Unit) -> None:
    unit.execute("INSERT INTO taken (n) VALUES (?)", (1 << 70,))


@pytest.mark.parametrize("defect", [_bug, _integrity, _no_table, _huge])
def test_a_defect_in_a_handler_undoes_its_work_and_is_answered_as_bad(
    tmp_path: Path, defect: Callable[[Unit], None]
) -> None:
    async def scene() -> None:
        async with World(LossyBroker(), tmp_path) as world:

            def take(unit: Unit, body: Word) -> None:
                if body.n == 2:
                    defect(unit)

            world.taking.before_take = take
            world.sending.promise(1, 2, 3)
            await _settled(world)
            assert world.taking.rows == ALL_THREE

    simulate(scene)


@pytest.mark.parametrize("where", ["bad", "lost"])
def test_a_defect_in_an_answer_does_not_hold_up_the_link(tmp_path: Path, where: str) -> None:
    async def scene() -> None:
        async with World(LossyBroker(), tmp_path) as world:
            world.taking.fail_in[where] = RuntimeError("bug")
            world.sending.promise(1)
            await _settled(world)
            await asyncio.sleep(1)
            world.taking.copy_to(tmp_path / "backup")
            world.sending.promise_odd(2)
            await _settled(world)
            await asyncio.sleep(1)
            if where == "lost":
                await world.restart(world.taking, lambda: world.taking.restore(tmp_path / "backup"))
            world.sending.promise(3)
            await _settled(world)
            assert world.taking.rows == [("take", 1), ("take", 3)]

    simulate(scene)


def _full(_: Unit) -> None:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    raise error


def test_a_full_disk_takes_nothing_and_everything_comes_again(tmp_path: Path) -> None:
    async def scene() -> None:
        async with World(LossyBroker(), tmp_path) as world:
            await settle()
            world.taking.before_take = lambda unit, body: _full(unit) if body.n == 3 else None
            world.sending.promise(1, 2, 3, 4)
            await settle()
            assert world.taking.rows == []  # nothing of the whole batch
            await asyncio.sleep(30)
            assert world.taking.taken == [1, 2]  # sent one by one
            assert world.sending.sender.waiting == 2
            world.taking.before_take = lambda unit, body: None
            await _settled(world)
            assert world.taking.taken == [1, 2, 3, 4]

    simulate(scene)


def test_a_really_full_database_takes_nothing_and_everything_comes_again(tmp_path: Path) -> None:
    async def scene() -> None:
        async with World(LossyBroker(), tmp_path) as world:
            await settle()
            store = world.taking.store
            (pages,) = store.read("PRAGMA page_count")[0]
            store.read(f"PRAGMA max_page_count={pages}")
            # A handler that swallows the error must not get its message half taken.
            fill: list[str] = []

            def take(unit: Unit, _: Word) -> None:
                try:
                    unit.execute("INSERT INTO taken (what) VALUES (?)", ("x" * 100_000,))
                except sqlite3.OperationalError as error:
                    fill.append(str(error))

            world.taking.before_take = take
            world.sending.promise(1, 2)
            await asyncio.sleep(5)
            assert fill
            assert set(fill) == {"database or disk is full"}
            assert not [row for row in world.taking.rows if row[0] != "take"]
            store.read("PRAGMA max_page_count=100000")
            world.taking.before_take = lambda unit, body: None
            await _settled(world)
            assert world.taking.taken == [1, 2]

    simulate(scene)


def test_a_sender_that_cannot_prune_goes_on(tmp_path: Path) -> None:
    async def scene() -> None:
        async with World(LossyBroker(), tmp_path) as world:
            world.sending.promise(1)
            await eventually(lambda: world.settled, 5, "the receipt")
            world.sending.store.read("PRAGMA query_only=ON")
            await asyncio.sleep(1)
            world.sending.store.read("PRAGMA query_only=OFF")
            world.sending.promise(2)
            await _settled(world)
            await asyncio.sleep(1)
            assert world.taking.taken == [1, 2]
            assert world.sending.store.read("SELECT count(*) FROM link_outbox") == [(0,)]

    simulate(scene)
