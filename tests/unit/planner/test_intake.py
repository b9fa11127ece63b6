"""Requests and commands that come together cost one commit, keep their order, and do not share a defect."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts import channels
from contracts.commands import BadCommand, Command
from services.chassis.store import Schema, Store, Unit
from services.planner.intake import TOGETHER, Asked, Intake
from services.planner.requests import Request
from tests.unit.planner.stack import Stack, until

TAKEN = Schema("taken", ["CREATE TABLE taken (id INTEGER PRIMARY KEY, what TEXT)"])


class Disk(Store):
    """*full* is a disk without room."""

    full = False

    def _open_connection(self) -> sqlite3.Connection:
        if self.full:
            raise sqlite3.OperationalError("database or disk is full")
        return super()._open_connection()


class World:
    """An intake that writes down what it takes. A request for *bad* meets a defect, after it has written."""

    def __init__(self, folder: Path) -> None:
        self.store = Disk(folder, "x")
        self.store.open(TAKEN)
        self.intake = Intake(self.store, self.take, lambda asked: self.failed.append(name(asked)))
        self.failed: list[str] = []
        self.units: list[Unit] = []

    def take(self, unit: Unit, asked: Asked) -> None:
        self.units.append(unit)
        unit.execute("INSERT INTO taken (what) VALUES (?)", (name(asked),))
        if name(asked) == "bad":
            raise ValueError

    def taken(self) -> list[str]:
        return [row[0] for row in self.store.read("SELECT what FROM taken ORDER BY id")]


def name(asked: Asked) -> str:
    return (asked.request_id or "") if isinstance(asked, Request) else str(asked)


def ask(what: str) -> Request:
    return Request(request_id=what)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.store.close()


async def test_what_comes_together_is_taken_in_one_transaction_and_in_its_order(world: World) -> None:
    command = Command(command="undo", arguments=(), id=None)
    for asked in (ask("a"), command, ask("b")):
        world.intake.put(asked)
    assert world.taken() == []
    await asyncio.sleep(0)
    assert world.taken() == ["a", str(command), "b"]
    assert len(set(world.units)) == 1
    world.intake.put(ask("c"))
    await asyncio.sleep(0)
    assert world.taken()[-1] == "c"


async def test_a_flood_does_not_pile_up_here(world: World) -> None:
    for n in range(TOGETHER):
        world.intake.put(ask(str(n)))
    assert len(world.taken()) == TOGETHER
    await asyncio.sleep(0)
    assert len(world.taken()) == TOGETHER


async def test_a_defect_undoes_the_one_that_met_it(world: World) -> None:
    for what in ("a", "bad", "b"):
        world.intake.put(ask(what))
    await asyncio.sleep(0)
    assert (world.taken(), world.failed) == (["a", "b"], ["bad"])


async def test_on_a_full_disk_each_of_them_is_answered_once(world: World) -> None:
    world.store.full = True
    for what in ("a", "bad", "b"):
        world.intake.put(ask(what))
    await asyncio.sleep(0)
    world.store.full = False
    assert (world.taken(), world.failed) == ([], ["a", "bad", "b"])


async def test_at_the_end_nothing_is_left_waiting(world: World) -> None:
    world.intake.put(ask("a"))
    world.intake.stop()
    assert world.taken() == ["a"]
    world.intake.put(ask("late"))
    assert world.taken() == ["a", "late"]


async def test_a_request_that_comes_twice_at_once_is_one_move(tmp_path: Path) -> None:
    stack = Stack(tmp_path)
    await stack.start()
    for _ in range(2):
        stack.send(channels.MOVE_REQUEST, {"from": "a1", "to": "b1", "request_id": "same"})
    stack.send(channels.BOARD_COMMAND, {"command": "undo", "id": "u"})
    await until(lambda: stack.answers("u"), "the answer")
    assert stack.answers("u")[0]["event"] == "done", "it finds the move that came just before"
    assert [s["move_id"] for s in stack.on(channels.MOVE_STATUS)] == ["1-1"] * 3
    await stack.stop()


async def test_the_refusal_of_a_command_that_could_not_be_stored_has_its_id(tmp_path: Path) -> None:
    stack = Stack(tmp_path)
    await stack.start()
    try:
        stack.planner._not_taken(Command(command="skip", id="good"))
        stack.planner._not_taken(BadCommand("no such word", None, "bad"))
        await until(lambda: len(stack.on(channels.BOARD_EVENT)) == 2, "the answers")
        assert [event["id"] for event in stack.on(channels.BOARD_EVENT)] == ["good", "bad"]
        assert all("disk" in event["reason"] for event in stack.on(channels.BOARD_EVENT))
    finally:
        await stack.stop()
