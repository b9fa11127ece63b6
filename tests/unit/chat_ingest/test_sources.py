"""Sources without a platform, and the choice among them."""

from __future__ import annotations

import asyncio
import itertools
import statistics
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from contracts.chat import ChatMessage
from services.chassis.bus.memory import MemoryBroker, MemoryBus
from services.chassis.settings import load
from services.chat_ingest.recent import Recent
from services.chat_ingest.settings import ChatIngestSettings
from services.chat_ingest.sources.choose import choose
from services.chat_ingest.sources.none import NoSource
from services.chat_ingest.sources.port import Said
from services.chat_ingest.sources.simulated import SimulatedSource
from services.chat_ingest.sources.viewers import lines
from tests.unit.chat_ingest.world import reply, until


class Notes:
    """An ear that writes down."""

    def __init__(self) -> None:
        self.said: list[Said] = []
        self.calls: list[str] = []

    def heard(self, body: Said) -> None:
        self.said.append(body)

    def connected(self) -> None:
        self.calls.append("connected")

    def deaf(self, reason: str, since: datetime | None = None, *, missed: bool = True) -> None:
        self.calls.append(f"deaf: {reason}")


def test_the_same_seed_says_the_same_lines_and_another_others() -> None:
    first, again, other = (list(itertools.islice(lines(seed), 300)) for seed in (7, 7, 8))
    assert first == again
    assert first != other


def test_viewers_move_talk_and_spam_at_the_mean_distance() -> None:
    said = list(itertools.islice(lines(1), 5000))
    assert 0.95 < statistics.mean(line.after for line in said) < 1.05
    assert len({line.user.id for line in said}) == 40
    spam = [line for line in said if line.text == "e2 e4" and line.user.id == "viewer-1"]
    assert 0.05 < len(spam) / len(said) < 0.15
    assert any("😀" in line.text for line in said)
    assert {"moderator"} in [set(line.user.roles) for line in said]


async def test_simulated_messages_are_whole_and_never_repeat_an_id() -> None:
    runs = []
    for _ in range(2):
        notes = Notes()
        task = asyncio.create_task(SimulatedSource(rate=600_000, seed=3).run(notes))
        await until(lambda: len(notes.said) > 300, "300 lines")  # noqa: B023 - called before the next round
        task.cancel()
        assert notes.calls == ["connected"]
        runs.append([body for body in notes.said if isinstance(body, ChatMessage)][:300])
    assert [body.text for body in runs[0]] == [body.text for body in runs[1]]
    assert len({body.message_id for run in runs for body in run}) == 600


async def test_rate_0_is_silence() -> None:
    notes = Notes()
    await SimulatedSource(rate=0, seed=1).run(notes)
    assert (notes.calls, notes.said) == (["connected"], [])
    assert (await SimulatedSource(0, 1).post(reply())).sent


async def test_no_source_says_which_setting_would_bring_one() -> None:
    notes = Notes()
    await NoSource().run(notes)
    assert notes.calls == ["deaf: no chat is configured; set BOARDCAST_CHAT_SOURCE"]
    assert not (await NoSource().post(reply())).sent


def test_the_setting_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BOARDCAST_CHAT_SOURCE", raising=False)
    bus = MemoryBus(MemoryBroker())
    assert choose(load(ChatIngestSettings), bus).name == "none"
    monkeypatch.setenv("BOARDCAST_CHAT_FILE", "chat.jsonl")
    for name, source in (("simulated", "simulated"), ("file", "file"), ("mqtt", "mqtt_chat"), ("twitch", "twitch")):
        monkeypatch.setenv("BOARDCAST_CHAT_SOURCE", name)
        assert choose(load(ChatIngestSettings), bus).name == source


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, []),
        ({"CHAT_SOURCE": "file"}, ["BOARDCAST_CHAT_FILE"]),
        ({"CHAT_SOURCE": "twitch"}, ["BOARDCAST_TWITCH_CHANNEL", "BOARDCAST_TWITCH_CLIENT_ID"]),
        ({"CHAT_SOURCE": "twitch", "TWITCH_CHANNEL": "a", "TWITCH_CLIENT_ID": "b"}, []),
        (
            {"CHAT_SOURCE": "twitch", "TWITCH_CHANNEL": "a", "TWITCH_CLIENT_ID": "b", "TWITCH_API_URL": "http://x"},
            ["BOARDCAST_TWITCH_EVENTSUB_URL"],
        ),
    ],
)
def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, given: dict[str, str], wanted: list[str]) -> None:
    for name, value in given.items():
        monkeypatch.setenv(f"BOARDCAST_{name}", value)
    missing = load(ChatIngestSettings).missing()
    assert [line.replace(",", ":").split(":")[0] for line in missing] == wanted


def test_no_platform_is_imported_unless_it_is_chosen(tmp_path: Path) -> None:
    code = (
        "import sys, services.chat_ingest.__main__ as m; m.main(m.DEFINITION, ['check']); "
        "print([name for name in ('twitchio', 'aiohttp') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parents[3], env={"BOARDCAST_CHAT_SOURCE": "simulated", "BOARDCAST_DATA_DIR": str(tmp_path)},
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[]"


def test_recent_remembers_only_the_newest() -> None:
    recent = Recent(most=2)
    assert [recent.add(name) for name in ("a", "b", "a", "c", "b", "a")] == [True, True, False, True, False, True]
