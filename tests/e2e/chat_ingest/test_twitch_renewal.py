"""A login that is renewed, or can no longer be: never lost, never renewed twice, and said when a person is needed."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from contracts.chat import ChatReply
from services.chat_ingest.sources.twitch.credential import REFRESH_BEFORE
from services.chat_ingest.sources.twitch.tokens import Token, TokenFile
from tests.e2e.chat_ingest.listening import QUICK, Listening, now
from tests.fakes.twitch import FakeTwitch
from tests.harness.waiting import eventually

# Loads its modules once and then makes a child for every line that it reads; a child renews its login for ever.
_NURSERY = """
import asyncio, os, signal, sys, warnings
warnings.simplefilter("ignore")
from services.chat_ingest.settings import ChatIngestSettings
from services.chat_ingest.sources.twitch.client import point_at
from services.chat_ingest.sources.twitch.session import Session
from services.chat_ingest.sources.twitch.source import _wanted
from services.chat_ingest.sources.twitch.tokens import TokenFile
from services.chat_ingest.sources.twitch.watchdog import Patience

async def refresh_for_ever():
    settings = ChatIngestSettings()
    point_at(settings.twitch_eventsub_url, settings.twitch_api_url, settings.twitch_id_url)
    while True:
        session = Session(_wanted(settings), TokenFile(settings.data_dir), None, Patience(), print, print)
        await session.open()
        await session.close()

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        os.dup2(2, 1)  # the children's log is no process id
        asyncio.run(refresh_for_ever())
    print(pid, flush=True)
"""


async def test_a_token_near_its_end_is_renewed_and_kept(twitch: FakeTwitch, tmp_path: Path) -> None:
    source = Listening(twitch, tmp_path)
    source.log_in(lifetime=REFRESH_BEFORE - 1)
    before = source.tokens.load()
    await source.start()
    await source.until_hears()
    after = source.tokens.load()
    assert after != before
    assert after is not None
    assert after.refresh in twitch.logins.refreshes
    assert after.user_id == "500"
    await source.stop()


async def test_a_token_that_lapses_while_listening_is_renewed_by_itself(twitch: FakeTwitch, tmp_path: Path) -> None:
    source = Listening(twitch, tmp_path)
    source.log_in()
    await source.start()
    await source.until_hears()
    for login in twitch.logins.access.values():
        login.expires_at = 0.0
    await eventually(lambda: twitch.logins.refreshed == 1, 30, "a refresh at the first refusal")
    await eventually(lambda: _works(twitch, source.tokens.load()), 30, "the new token on the disk")
    await twitch.say("a1 h8")
    await source.until_said("a1 h8")
    assert [change.connected for change in source.changes] == [True]
    await source.stop()


async def test_a_renewal_that_takes_longer_than_a_poll_waits_is_not_cut_short(
    twitch: FakeTwitch, tmp_path: Path
) -> None:
    """The refresh token is void by then: who does not wait for the answer has no login any more."""
    source = Listening(twitch, tmp_path, replace(QUICK, call_within=0.2))
    source.log_in()
    await source.start()
    await source.until_hears()
    twitch.logins.token_after = 1.0
    for login in list(twitch.logins.access.values()):
        login.expires_at = 0.0
    await eventually(lambda: twitch.logins.refreshed == 1, 30, "a refresh at the first refusal")
    await eventually(lambda: _works(twitch, source.tokens.load()), 30, "the new token on the disk")
    await source.stop()


async def test_a_renewal_that_is_under_way_at_the_end_is_kept(twitch: FakeTwitch, tmp_path: Path) -> None:
    source = Listening(twitch, tmp_path)
    source.log_in(lifetime=0.0)
    twitch.logins.token_after = 0.5
    await source.start()
    await eventually(lambda: twitch.logins.refreshed == 1, 30, "a refresh")
    await source.stop()
    assert _works(twitch, source.tokens.load())


async def test_two_who_are_refused_at_once_renew_the_login_once(twitch: FakeTwitch, tmp_path: Path) -> None:
    source = Listening(twitch, tmp_path, replace(QUICK, poll=1000.0))
    source.log_in()
    await source.start()
    await source.until_hears()
    await eventually(lambda: "GET /helix/eventsub/subscriptions" in twitch.requests, 30, "the only poll")
    twitch.logins.token_after = 0.5
    for login in list(twitch.logins.access.values()):
        login.expires_at = 0.0
    posted = await asyncio.gather(*(source.source.post(_reply(f"number {n}")) for n in range(3)))
    assert [one.reason for one in posted] == [None] * 3
    assert twitch.logins.refreshed == 1
    assert _works(twitch, source.tokens.load())
    await source.stop()


async def test_a_login_that_lapses_while_listening_is_said_once_and_a_new_one_is_taken(
    twitch: FakeTwitch, tmp_path: Path
) -> None:
    source = Listening(twitch, tmp_path)
    source.log_in()
    with capture_logs() as logged:
        await source.start()
        await source.until_hears()
        twitch.logins.revoke_all()  # Twitch sends no word of it, and goes on with what is subscribed
        await eventually(lambda: _bad(logged), 30, "the service to say that it needs a person")
        polls = len(twitch.requests)
        await eventually(lambda: len(twitch.requests) > polls + 3, 30, "some polls more")
        assert [line["event"] for line in _bad(logged)] == [
            "the login at Twitch can no longer be renewed; run: python -m services.chat_ingest login"
        ]
        await twitch.say("heard all the same")
        await source.until_said("heard all the same")
        source.log_in()
        await source.until_again(2)
    assert "there is a new login" in (await source.until_deaf()).reason
    assert (await source.source.post(_reply("number 1"))).sent
    await source.stop()


def _bad(logged: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [line for line in logged if line["log_level"] == "error"]


@pytest.mark.parametrize("why", ["void", "away"])
@pytest.mark.parametrize("lifetime", [1800, REFRESH_BEFORE - 60])
async def test_a_token_that_cannot_be_renewed_is_good_until_its_end(
    twitch: FakeTwitch, tmp_path: Path, lifetime: float, why: str
) -> None:
    source = Listening(twitch, tmp_path)
    source.log_in(lifetime)
    if why == "void":
        twitch.logins.refreshes.clear()
    else:
        twitch.logins.token_answers = [web.Response(status=500) for _ in range(9)]
    with capture_logs() as logged:
        await source.start()
        await source.until_hears()
    assert any("cannot be renewed" in line["event"] for line in _bad(logged))
    await twitch.say("a1 h8")
    await source.until_said("a1 h8")
    assert (await source.source.post(_reply("number 1"))).sent
    source.log_in()
    if why == "void":
        await source.until_again(2)
    await source.stop()


def _reply(text: str) -> ChatReply:
    return ChatReply(text=text, source="twitch", channel="ada_draws", time=now())


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = TokenFile(tmp_path)
    tokens.save(Token("a", "r"))

    monkeypatch.setattr("services.chat_ingest.sources.twitch.tokens.json.dump", _full)
    with pytest.raises(OSError, match="no space"):
        tokens.save(Token("b", "s"))
    assert TokenFile(tmp_path).load() == Token("a", "r")
    assert tokens.load() == Token("b", "s")
    TokenFile(tmp_path).path.write_text('{"access": "c", "refresh": "t"}')
    os.utime(tokens.path, ns=(1, 1))
    tokens.save_again()
    assert tokens.load() == Token("c", "t")  # somebody has logged in, and that login is newer


async def test_a_renewed_login_that_cannot_be_written_is_used_and_written_later(
    twitch: FakeTwitch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Listening(twitch, tmp_path)
    source.log_in()
    await source.start()
    await source.until_hears()

    with monkeypatch.context() as disk:
        disk.setattr("services.chat_ingest.sources.twitch.tokens.json.dump", _full)
        for login in list(twitch.logins.access.values()):
            login.expires_at = 0.0
        await eventually(lambda: twitch.logins.refreshed == 1, 30, "a refresh at the first refusal")
        twitch.reset()
        await source.until_again(2)
    await eventually(lambda: _works(twitch, TokenFile(tmp_path).load()), 30, "the new token on the disk")
    assert twitch.logins.refreshed == 1
    await source.stop()


@pytest.mark.timeout(240)
async def test_kill_9_at_any_moment_around_a_refresh_leaves_a_token_that_works(
    twitch: FakeTwitch, tmp_path: Path
) -> None:
    """50 processes that refresh at their start, each killed at another moment around it.

    What no client can help: Twitch has void the old refresh token and the process dies before the answer is on its
    disk. Then the stored access token still works, because it is renewed long before its end. Every third process is
    killed when it has gone on to the channel: by then the new login is on the disk, on the slowest machine too.
    """
    dice = random.Random(7)
    source = Listening(twitch, tmp_path)
    twitch.logins.lifetime = REFRESH_BEFORE - 1
    source.log_in()
    environment = os.environ | {f"BOARDCAST_{key.upper()}": value for key, value in twitch.settings.items()}
    environment |= {"BOARDCAST_DATA_DIR": str(tmp_path), "BOARDCAST_TWITCH_CHANNEL": "ada_draws",
                    "BOARDCAST_TWITCH_CLIENT_ID": "client"}  # fmt: skip
    nursery = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _NURSERY, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=environment
    )
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    for number in range(50):
        before, looked_up = twitch.logins.refreshed, twitch.requests.count("GET /helix/users")
        nursery.stdin.write(b"\n")
        child = int(await nursery.stdout.readline())
        await _until_refreshed(twitch, before + 1)
        gone_on = number % 3 == 0
        if gone_on:
            await _until_looked_up(twitch, looked_up + 1)
            token = source.tokens.load()
            assert token is not None
            assert token.refresh in twitch.logins.refreshes, "a renewed login is on the disk before it is used"
        else:
            await asyncio.sleep(dice.uniform(0, 0.05))
        os.kill(child, signal.SIGKILL)
        await _until_alone(twitch)
        token = source.tokens.load()
        assert _works(twitch, token)
        assert token is not None
        if token.refresh in twitch.logins.refreshes:
            continue
        again = Listening(twitch, tmp_path)
        await again.start()
        await again.until_hears()
        await again.stop()
        source.log_in()
    nursery.stdin.close()
    await nursery.wait()


def _full(*_: object) -> None:
    raise OSError("no space left on device")


async def _until_refreshed(twitch: FakeTwitch, count: int) -> None:
    await eventually(lambda: twitch.logins.refreshed >= count, 40, "a refresh", poll_s=0)


async def _until_alone(twitch: FakeTwitch) -> None:
    """What a dead process asked for is answered all the same; it must not be taken for the next one's."""
    await eventually(lambda: twitch.alone, 20, "the dead to be gone")
    for _ in range(10):  # from the end of a connection to the start of what came in on it are some rounds of the loop
        await asyncio.sleep(0)
    await eventually(lambda: twitch.alone, 20, "what it asked for to be done")


async def _until_looked_up(twitch: FakeTwitch, count: int) -> None:
    await eventually(lambda: twitch.requests.count("GET /helix/users") >= count, 40, "the new login in use", poll_s=0)


def _works(twitch: FakeTwitch, token: Token | None) -> bool:
    return token is not None and (
        twitch.logins.valid(f"Bearer {token.access}") is not None or token.refresh in twitch.logins.refreshes
    )
