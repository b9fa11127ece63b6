"""A chat recorded and said again, and other bots over MQTT."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import LogCapture

from contracts import channels
from contracts.chat import ChatMessage, MessageDeleted, UserCleared
from services.chassis.bus.memory import MemoryBroker, MemoryBus
from services.chat_ingest.recorder import Recorder
from services.chat_ingest.sources.file import FileSource
from services.chat_ingest.sources.mqtt import MqttSource
from services.chat_ingest.sources.port import Said
from tests.unit.chassis.simulated_time import simulate
from tests.unit.chat_ingest.test_sources import Notes
from tests.unit.chat_ingest.world import AT, ROOT, World, cleared, message, reply, until

DELETED = MessageDeleted(source="scripted", channel="c", message_id="m-1", user_id="u", received_at=AT)
TOPIC = channels.CHAT_MESSAGE.topic(ROOT)


def _record(path: Path, bodies: list[Said], names: bool) -> Notes:
    notes = Notes()
    recorder = Recorder(notes, path, names)
    for body in bodies:
        recorder.heard(body)
    recorder.close()
    return notes


async def test_what_was_recorded_is_said_again_as_new(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "chat.jsonl"
    bodies: list[Said] = [message(1), message(2, "e2 e4"), DELETED, cleared("u")]
    assert _record(path, bodies, names=True).said == bodies
    runs = []
    for _ in range(2):
        notes = Notes()
        await FileSource(path, speed=0).run(notes)
        assert notes.calls == ["connected", f"deaf: the recording {path} has ended"]
        runs.append(notes.said)
    first, _, deleted, banned = runs[0]
    assert isinstance(first, ChatMessage)
    assert isinstance(deleted, MessageDeleted)
    assert isinstance(banned, UserCleared)
    assert [body.source for body in runs[0]] == ["file"] * 4
    assert (first.text, first.user.id, banned.user_id) == ("a1 h8", "u", "u")
    assert deleted.message_id == first.message_id  # what was deleted then is deleted now
    assert first.received_at > AT
    ids = {body.message_id for run in runs for body in run if isinstance(body, ChatMessage)}
    assert len(ids) == 4


async def test_names_are_hashed_alike_within_a_recording(tmp_path: Path) -> None:
    path = tmp_path / "chat.jsonl"
    _record(path, [message(1), message(2), DELETED, cleared("u"), cleared("other")], names=False)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    hashed = lines[0]["user"]["id"]
    assert hashed not in ("u", "U")
    assert lines[0]["user"]["name"] == hashed
    assert [lines[1]["user"]["id"], lines[2]["user_id"], lines[3]["user_id"]] == [hashed] * 3
    assert lines[4]["user_id"] != hashed
    _record(path, [message(1)], names=False)
    assert json.loads(path.read_text().splitlines()[-1])["user"]["id"] != hashed


def test_a_recording_is_replayed_at_its_speed(tmp_path: Path) -> None:
    path = tmp_path / "chat.jsonl"
    _record(path, [message(0), message(1), message(3)], names=True)
    notes = Notes()

    async def seconds() -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await FileSource(path, speed=30).run(notes)
        return loop.time() - began

    assert simulate(seconds) == pytest.approx(3 / 30, abs=0.001)
    assert len(notes.said) == 3


async def test_lines_that_are_no_messages_are_skipped_and_said(tmp_path: Path, logged: object) -> None:
    path = tmp_path / "chat.jsonl"
    path.write_bytes(b'{"kind":"message"}\n\nnot JSON\n\xff\n' + message(1).to_bytes() + b"\n")
    notes = Notes()
    await FileSource(path, speed=0).run(notes)
    assert len(notes.said) == 1


def test_a_recording_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    notes = _record(tmp_path / "file" / "chat.jsonl", [message(1), message(2)], names=True)
    assert notes.said == [message(1), message(2)]


def test_a_full_disk_is_said_once_and_the_recording_ends(logged: LogCapture) -> None:
    notes = Notes()
    recorder = Recorder(notes, Path("/dev/full"), names=True)
    recorder.heard(message(1))
    for _ in range(3):
        recorder.flush()
    recorder.heard(message(2))
    recorder.close()
    assert notes.said == [message(1), message(2)]
    assert [entry["event"] for entry in logged.entries] == [
        "the chat is no longer recorded; check BOARDCAST_CHAT_RECORD"
    ]


async def test_a_stop_in_the_moment_in_which_the_recording_fails_is_clean(tmp_path: Path) -> None:
    world = World(tmp_path, chat_record=Path("/dev/full"))
    await world.start()
    world.source.ear.heard(message(1))
    await world.stop()
    assert world.state
    assert world.state.reason == "chat_ingest is stopped"


async def test_the_service_records_where_it_is_told_to(tmp_path: Path) -> None:
    path = tmp_path / "chat.jsonl"
    world = World(tmp_path, chat_record=path)
    await world.start()
    world.source.ear.heard(message(1))
    await until(lambda: world.stored == 1, "the message stored")
    await world.stop()
    assert json.loads(path.read_text())["text"] == "a1 h8"


@pytest.fixture
async def bot() -> AsyncIterator[tuple[MemoryBroker, MemoryBus, Notes, MqttSource]]:
    """An MQTT source at work, and another bot's bus."""
    broker = MemoryBroker()
    ours, theirs, notes = MemoryBus(broker), MemoryBus(broker), Notes()
    broker.retained[TOPIC] = b'{"user_id": "1", "text": "old"}'
    source = MqttSource(ours, ROOT)
    task = asyncio.create_task(source.run(notes))
    await ours.start()
    await theirs.start()
    await until(lambda: "connected" in notes.calls, "a connection")
    yield broker, theirs, notes, source
    task.cancel()


async def test_another_bots_lines_are_heard_without_roles(
    bot: tuple[MemoryBroker, MemoryBus, Notes, MqttSource],
) -> None:
    _, theirs, notes, source = bot
    theirs.publish(TOPIC, b'{"user_id": "7", "text": "a1 h8", "message_id": "x", "channel": "room"}')
    theirs.publish(TOPIC, b'{"user_id": "7", "user_name": "Ada\\u202e", "text": "e2 e4"}')
    await until(lambda: len(notes.said) == 2, "two lines")
    first, second = notes.said
    assert isinstance(first, ChatMessage)
    assert isinstance(second, ChatMessage)
    assert (first.source, first.channel, first.message_id) == ("mqtt_chat", "room", "x")
    assert (first.user.name, second.user.name) == ("7", "Ada")
    assert first.user.roles == ()
    assert (await source.post(reply())).sent


@pytest.mark.parametrize(
    "payload",
    [b"", b"a1 h8", b"\xff", b'{"text": "a1 h8"}', b'{"user_id": "1", "text": "x", "roles": ["broadcaster"]}',
     b'{"user_id": "", "text": "x"}', b'{"user_id": "1", "text": "\\ud800"}', b"[" * 5000],
)  # fmt: skip
async def test_what_is_no_line_goes_to_dead_letter(
    bot: tuple[MemoryBroker, MemoryBus, Notes, MqttSource], payload: bytes
) -> None:
    broker, theirs, notes, _ = bot
    letters: list[bytes] = []
    watcher = MemoryBus(broker)
    watcher.subscribe(channels.DEAD_LETTER.topic(ROOT, service="chat_ingest"), lambda m: letters.append(m.payload))
    await watcher.start()
    theirs.publish(TOPIC, payload)
    theirs.publish(TOPIC, b'{"user_id": "1", "text": "after"}')
    await until(lambda: notes.said, "the line after it")
    await until(lambda: any(b"not a chat message" in letter for letter in letters), "the dead letter")
    assert len(notes.said) == 1


async def test_a_broker_that_is_away_is_a_gap(bot: tuple[MemoryBroker, MemoryBus, Notes, MqttSource]) -> None:
    broker, _, notes, _ = bot
    broker.crash()
    broker.recover()
    assert [call.split(":")[0] for call in notes.calls] == ["connected", "deaf", "connected"]
