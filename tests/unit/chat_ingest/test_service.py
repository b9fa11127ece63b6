"""The service over the memory bus: from the source's voice to the planner's end of the link, and back."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from structlog.testing import LogCapture

from contracts import channels
from services.chassis.link.sender import LinkSender
from services.chassis.store import Unit
from services.chat_ingest import intake as intake_module
from services.chat_ingest import service as service_module
from services.chat_ingest.sources.port import Posted
from tests.unit.chat_ingest.world import ROOT, World, cleared, message, reply, until


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A running service, whose seconds are short; the planner is not there yet."""
    monkeypatch.setattr(service_module, "TICK", 0.01)
    world = World(tmp_path, chat_stored_most=50, chat_disk_least=0)
    await world.start()
    yield world
    await world.stop()
    await world.planner.stop()


async def test_messages_reach_the_planner_in_order_and_once(world: World) -> None:
    await world.planner.start()
    said = [message(number) for number in range(40)]
    for body in said:
        world.source.ear.heard(body)
    world.source.ear.heard(cleared())
    world.source.ear.heard(said[3])
    await until(lambda: len(world.planner.taken) >= 41, "everything at the planner")
    assert world.planner.taken == [*said, cleared()]
    await until(lambda: world.stored == 0, "receipts")


async def test_what_was_heard_is_on_the_disk_while_nobody_is_there(tmp_path: Path) -> None:
    world = World(tmp_path)
    await world.start()
    world.broker.crash()
    for number in range(30):
        world.source.ear.heard(message(number))
    await until(lambda: world.stored == 30, "30 stored messages")
    await world.stop()
    world.broker.recover()
    world.source.misses = False
    await world.start()
    await world.planner.start()
    await until(lambda: len(world.planner.taken) == 30, "all of them after a restart")
    await world.stop()
    await world.planner.stop()


async def test_a_burst_is_few_commits_and_a_lone_message_does_not_wait(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits = []
    real = intake_module.Intake._commit

    def counted(intake: intake_module.Intake) -> bool:
        commits.append(1)
        return real(intake)

    # Not every transaction: once a tick there is one that is no message's.
    monkeypatch.setattr(intake_module.Intake, "_commit", counted)
    loop = asyncio.get_running_loop()
    for number in range(5):
        quiet = loop.time() + intake_module.COMMIT_EVERY
        await until(lambda: loop.time() > quiet, "a quiet moment")  # noqa: B023 - called in this round
        world.source.ear.heard(message(number))
        due = world.service._intake._handle
        # When it is due, and not how long the disk then takes. The first may come with what was waiting already.
        assert due is not None
        assert number == 0 or due.when() <= loop.time()
        await until(lambda: world.stored > number, "one message")  # noqa: B023 - called in this round
    commits.clear()
    at = loop.time()
    for number in range(5, 45):
        world.source.ear.heard(message(number))
        await asyncio.sleep(0)
    await until(lambda: world.stored == 45, "the burst")
    assert len(commits) <= 2 + (loop.time() - at) / intake_module.COMMIT_EVERY


async def test_state_is_retained_and_follows(world: World) -> None:
    await until(lambda: world.state and world.state.connected, "connected")
    world.source.ear.deaf("the cable is out")
    await until(lambda: world.state and world.state.reason == "the cable is out", "the reason")
    assert not world.service.health().ok
    assert "the cable is out" in world.service.health().text
    world.source.ear.connected()
    await until(lambda: world.state and world.state.connected and world.state.gaps == 1, "connected again")
    assert world.service.health().ok


async def test_a_clean_stop_says_so_in_the_state(tmp_path: Path) -> None:
    world = World(tmp_path)
    await world.start()
    world.source.ear.heard(message(1))
    await world.service.stop()
    await until(lambda: world.state and world.state.reason == "chat_ingest is stopped", "the last state")
    assert world.stored == 1
    await world.bus.stop()
    world.store.close()
    raised: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: raised.append(context))
    over = loop.time() + 3 * intake_module.COMMIT_EVERY
    await until(lambda: loop.time() > over, "a commit that was due before the stop")
    assert not raised


async def test_a_restart_tells_the_gap_that_it_made(tmp_path: Path) -> None:
    world = World(tmp_path)
    await world.start()
    await until(lambda: world.state and world.state.connected, "connected")
    await world.stop()
    await world.start()
    await world.planner.start()
    await until(lambda: world.planner.gaps, "a gap")
    assert world.planner.gaps[0].reason == "chat_ingest was not running"
    await world.stop()
    await world.planner.stop()


@contextmanager
def _full_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every transaction fails at its fourth message."""
    real, calls = LinkSender.append, itertools.count(1)

    def refuse(sender: LinkSender, unit: Unit, body: BaseModel) -> int:
        if next(calls) % 4 == 0:
            raise sqlite3.OperationalError("database or disk is full")
        return real(sender, unit, body)

    with monkeypatch.context() as patch:
        patch.setattr(LinkSender, "append", refuse)
        yield


async def test_a_disk_that_takes_nothing_is_said_and_nothing_is_lost(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_module, "RETRY_EVERY", 0.01)
    await until(lambda: world.state and world.state.connected, "connected")
    with _full_disk(monkeypatch):
        for number in range(10):
            world.source.ear.heard(message(number))
        await until(lambda: not world.service.health().ok, "the failure to be said")
        assert "disk is full" in world.service.health().text
        assert world.stored == 0
    await until(lambda: world.stored == 10, "everything stored afterwards")
    await world.planner.start()
    await until(lambda: len(world.planner.taken) == 10, "everything at the planner")
    assert world.planner.taken == [message(number) for number in range(10)]
    assert world.service.health().ok


async def _with_little_memory(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It hears, holds twenty messages that cannot be stored, and tries again at once."""
    monkeypatch.setattr(intake_module, "RETRY_EVERY", 0.01)
    monkeypatch.setattr(intake_module, "HELD_MOST", 20)
    await until(lambda: world.state and world.state.connected, "connected")


async def test_more_than_memory_holds_while_the_disk_fails_is_one_gap(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _with_little_memory(world, monkeypatch)
    with _full_disk(monkeypatch):
        for number in range(30):
            world.source.ear.heard(message(number))
        await until(lambda: not world.service.health().ok, "the failure")
    await world.planner.start()
    await until(lambda: len(world.planner.taken) == 21, "20 messages and a gap")
    assert world.planner.taken[:20] == [message(number) for number in range(20)]
    assert world.planner.gaps[0].missed == 10
    assert "data folder failed" in world.planner.gaps[0].reason


async def test_more_at_once_than_memory_holds_is_not_called_a_failure_of_the_disk(
    world: World, monkeypatch: pytest.MonkeyPatch, logged: LogCapture
) -> None:
    await _with_little_memory(world, monkeypatch)
    for number in range(30):
        world.source.ear.heard(message(number))
    await world.planner.start()
    await until(lambda: world.planner.gaps, "the gap")
    assert world.planner.gaps[0].missed == 10
    assert "at once" in world.planner.gaps[0].reason
    assert any("10 messages were lost" in entry["event"] for entry in logged.entries)


async def test_what_no_bus_could_carry_costs_nothing_else(world: World, logged: LogCapture) -> None:
    await until(lambda: world.state and world.state.connected, "connected")
    world.source.ear.heard(message(1))
    world.source.ear.heard(cleared("x" * 2_000_000))
    world.source.ear.heard(message(2))
    await until(lambda: world.stored == 2, "what came before it and after it")
    world.source.ear.heard(message(3))
    await world.planner.start()
    await until(lambda: len(world.planner.taken) == 3, "all at the planner")
    assert world.planner.taken == [message(1), message(2), message(3)]
    assert [entry["log_level"] for entry in logged.entries if "is dropped" in entry["event"]] == ["error"]
    assert world.service.health().ok


@pytest.mark.parametrize("put_back", [False, True])
async def test_a_data_folder_that_is_gone_is_said_once_and_chat_goes_on(
    world: World, logged: LogCapture, put_back: bool
) -> None:
    """SQLite goes on with the file that nobody can find any more: the next start will not either."""
    await until(lambda: world.service.health().ok, "a running service")
    folder = world.store.folder
    folder.rename(folder.with_name("elsewhere"))
    if put_back:
        shutil.copytree(folder.with_name("elsewhere"), folder)
    world.source.ear.heard(message(1))
    await until(lambda: not world.service.health().ok, "it to be said")
    assert str(folder) in world.service.health().text
    for _ in range(5):
        await asyncio.sleep(service_module.TICK)
    assert len([entry for entry in logged.entries if entry["log_level"] == "error"]) == 1
    await world.planner.start()
    await until(lambda: world.planner.taken == [message(1)], "the message at the planner")


async def test_moderation_is_held_beyond_what_memory_holds_of_messages(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lost ban would let a move be drawn."""
    await _with_little_memory(world, monkeypatch)
    with _full_disk(monkeypatch):
        for number in range(25):
            world.source.ear.heard(message(number))
        world.source.ear.heard(cleared())
        await until(lambda: not world.service.health().ok, "the failure")
    await world.planner.start()
    await until(lambda: len(world.planner.taken) == 22, "20 messages, the ban and a gap")
    assert cleared() in world.planner.taken
    assert world.planner.gaps[0].missed == 5


async def test_a_connection_that_comes_and_goes_while_the_disk_fails_does_not_pile_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _with_little_memory(world, monkeypatch)
    with _full_disk(monkeypatch):
        for number in range(25):
            world.source.ear.heard(message(number))
        for number in range(100):
            world.source.ear.deaf(f"lost {number}")
            world.source.ear.connected()
        assert len(world.service._intake._pending) < 30
        await until(lambda: not world.service.health().ok, "the failure")
    await until(lambda: world.service.health().ok and world.state and world.state.connected, "connected at last")
    await world.planner.start()
    await until(lambda: len(world.planner.gaps) == 2, "both gaps")
    assert [gap.reason for gap in world.planner.gaps if not gap.missed] == ["lost 0"]


async def test_a_full_outbox_appends_one_gap_between_what_was_kept(world: World) -> None:
    for number in range(80):
        world.source.ear.heard(message(number))
    await until(lambda: world.state and world.state.received == 80, "all heard")
    assert world.stored == 50
    await world.planner.start()
    await until(lambda: world.planner.gaps, "the gap")
    world.source.ear.heard(message(100))
    await until(lambda: message(100) in world.planner.taken, "the next message")
    assert world.planner.taken[:50] == [message(number) for number in range(50)]
    assert [gap.missed for gap in world.planner.gaps] == [30]
    assert world.planner.taken[51:] == [message(100)]


async def test_a_source_that_fails_is_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "AGAIN_FIRST", 0.01)
    world = World(tmp_path)
    world.source.fails = [RuntimeError("no route"), RuntimeError("no route")]
    await world.start()
    await until(lambda: world.source.runs == 3, "a third run")
    await until(lambda: world.state and world.state.connected, "connected")
    await world.stop()


async def test_replies_reach_the_source_and_others_do_not(world: World) -> None:
    topic = channels.CHAT_REPLY.topic(ROOT)
    world.bus.publish(topic, reply("for us").to_bytes())
    world.bus.publish(topic, reply("for others", source="elsewhere").to_bytes())
    world.bus.publish(topic, b"not JSON")
    world.bus.publish(topic, reply("for us too").to_bytes())
    await until(lambda: len(world.source.posted) == 2, "two replies")
    assert [r.text for r in world.source.posted] == ["for us", "for us too"]
    await until(lambda: world.dead_letters(), "the dead letter")
    assert b"not a reply" in world.dead_letters()[0]


async def test_a_retained_reply_is_never_posted(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.broker.retained[channels.CHAT_REPLY.topic(ROOT)] = reply("old").to_bytes()
    await world.start()
    world.bus.publish(channels.CHAT_REPLY.topic(ROOT), reply("new").to_bytes())
    await until(lambda: world.source.posted, "the new one")
    assert [r.text for r in world.source.posted] == ["new"]
    await until(lambda: any(b"retained" in letter for letter in world.dead_letters()), "the refusal")
    await world.stop()


async def test_a_reply_that_the_chat_takes_later_is_tried_again(world: World) -> None:
    world.source.answer = Posted(False, "slow down", retry_after=0.01)
    world.bus.publish(channels.CHAT_REPLY.topic(ROOT), reply("one").to_bytes())
    await until(lambda: len(world.source.posted) > 1, "a second attempt")
    world.source.answer = Posted(True)
    attempts = len(world.source.posted)
    await until(lambda: len(world.source.posted) > attempts, "the last one")
    world.bus.publish(channels.CHAT_REPLY.topic(ROOT), reply("two").to_bytes())
    await until(lambda: world.source.posted[-1].text == "two", "the next reply")
    assert {r.text for r in world.source.posted[:-1]} == {"one"}


async def test_a_chat_that_refuses_a_reply_stops_nothing(world: World) -> None:
    world.source.answer = Posted(False, "too long")
    world.bus.publish(channels.CHAT_REPLY.topic(ROOT), reply("one").to_bytes())
    world.bus.publish(channels.CHAT_REPLY.topic(ROOT), reply("two").to_bytes())
    await until(lambda: len(world.source.posted) == 2, "both tried")
