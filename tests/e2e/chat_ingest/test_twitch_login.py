"""The login: from nothing by a code, kept over restarts, refreshes and kill -9, and said when it is gone."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import stat
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr
from structlog.testing import capture_logs

from contracts.chat import ChatReply
from services.chat_ingest.sources.twitch.credential import REFRESH_BEFORE
from services.chat_ingest.sources.twitch.login import log_in
from services.chat_ingest.sources.twitch.tokens import NAME, BadTokenFile, Token, TokenFile
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
        asyncio.run(refresh_for_ever())
    print(pid, flush=True)
"""


async def test_from_nothing_to_chat_by_a_code_and_again_without_one(twitch: FakeTwitch, tmp_path: Path) -> None:
    source = Listening(twitch, tmp_path)
    await source.start()
    change = await source.until_deaf()
    assert change.reason == "there is no login at Twitch yet; run: python -m services.chat_ingest login"

    said: list[str] = []
    flow = asyncio.create_task(asyncio.to_thread(log_in, source.settings, said.append))
    await eventually(lambda: twitch.logins.device_polls > 2, 40, "the flow to wait for a person")
    twitch.logins.device_confirmed = True
    assert await flow == 0
    assert any("https://www.twitch.tv/activate" in line and "ABCDEFGH" in line for line in said)
    assert "Logged in as bot" in said[-1]

    await source.until_hears()  # the running service has noticed by itself
    await twitch.say("a1 h8")
    await source.until_said("a1 h8")
    await source.stop()

    polls = twitch.logins.device_polls
    again = Listening(twitch, tmp_path)
    await again.start()
    await again.until_hears()
    await again.stop()
    assert twitch.logins.device_polls == polls


def test_the_login_needs_a_client_id_and_says_so(
    twitch: FakeTwitch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Listening(twitch, tmp_path).settings.model_copy(update={"twitch_client_id": None})
    assert log_in(settings) == 2
    assert "BOARDCAST_TWITCH_CLIENT_ID" in capsys.readouterr().err


async def test_a_login_that_twitch_refuses_says_why_and_shows_no_code(
    twitch: FakeTwitch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Listening(twitch, tmp_path).settings.model_copy(update={"twitch_id_url": f"http://{twitch.url}/nowhere"})
    assert await asyncio.to_thread(log_in, settings, print) == 1
    assert "the login failed: Twitch answers 404" in capsys.readouterr().err
    assert not (tmp_path / NAME).exists()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (web.json_response({"status": 400, "message": "access_denied"}, status=400), "access_denied"),
        (web.json_response({"status": 400, "message": "Invalid Device Code"}, status=400), "nvalid"),
        (web.json_response({"status": 400}, status=400), "Twitch answers 400"),
        (web.json_response({"no": "token"}), "login failed"),
        (web.Response(status=502, text="<html>"), "Twitch answers 502"),
    ],
)
async def test_a_code_that_somebody_declines_is_said_and_shows_nothing(
    twitch: FakeTwitch, tmp_path: Path, capsys: pytest.CaptureFixture[str], answer: web.Response, said: str
) -> None:
    twitch.logins.token_answers = [answer]
    settings = Listening(twitch, tmp_path).settings
    assert await asyncio.to_thread(log_in, settings, lambda _: None) == 1
    shown = capsys.readouterr().err
    assert said in shown
    assert "device_code" not in shown
    assert not (tmp_path / NAME).exists()


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


async def test_a_login_that_was_revoked_while_away_is_a_state_and_no_loop(twitch: FakeTwitch, tmp_path: Path) -> None:
    source = Listening(twitch, tmp_path)
    source.log_in()
    twitch.logins.revoke_all()
    await source.start()
    change = await source.until_deaf()
    assert "lapsed or was revoked; run: python -m services.chat_ingest login" in change.reason
    assert len(source.changes) == 1
    await source.stop()


async def test_a_ready_token_works_without_a_login(twitch: FakeTwitch, tmp_path: Path) -> None:
    pair = twitch.logins.issue("500", "bot")
    source = Listening(twitch, tmp_path, twitch_token=SecretStr(pair["access_token"]))
    await source.start()
    await source.until_hears()
    await source.stop()
    twitch.logins.revoke_all()
    source = Listening(twitch, tmp_path, twitch_token=SecretStr(pair["access_token"]))
    await source.start()
    assert "token that was given has lapsed" in (await source.until_deaf()).reason
    await source.stop()


@pytest.mark.parametrize("fault", ["lapsed", "scopes"])
async def test_a_login_helps_where_the_ready_token_does_not(twitch: FakeTwitch, tmp_path: Path, fault: str) -> None:
    pair = twitch.logins.issue("500", "bot")
    if fault == "lapsed":
        twitch.logins.revoke_all()
    else:
        twitch.logins.access[pair["access_token"]].scopes = []
    for _ in range(2):  # also after a restart
        source = Listening(twitch, tmp_path, twitch_token=SecretStr(pair["access_token"]))
        await source.start()
        if source.tokens.load() is None:
            assert "run: python -m services.chat_ingest login" in (await source.until_deaf()).reason
            source.log_in()
        await source.until_hears()
        await source.stop()


async def test_missing_scopes_and_channels_are_named(twitch: FakeTwitch, tmp_path: Path) -> None:
    source = Listening(twitch, tmp_path)
    source.log_in()
    for login in twitch.logins.access.values():
        login.scopes = ["user:write:chat"]
    await source.start()
    assert "does not allow user:read:chat" in (await source.until_deaf()).reason
    await source.stop()
    source = Listening(twitch, tmp_path, twitch_channel="nobody")
    source.log_in()
    await source.start()
    assert "no channel 'nobody'; check BOARDCAST_TWITCH_CHANNEL" in (await source.until_deaf()).reason
    await source.stop()


def test_the_file_is_private_and_a_broken_one_is_said(tmp_path: Path) -> None:
    tokens = TokenFile(tmp_path / "new")
    assert tokens.load() is None
    os.umask(0o022)
    tokens.save(Token("a", "r", "1", "x"))
    assert stat.S_IMODE(tokens.path.stat().st_mode) == 0o600
    assert tokens.load() == Token("a", "r", "1", "x")
    assert [path.name for path in tokens.path.parent.iterdir()] == [NAME]
    assert "a" not in repr(Token("a", "r", "1", "x")).replace("Token(login=", "")
    for content in (
        "", "{", "[]", "{}", '{"access": "a", "mood": 1}', "\xff", '{"access": 1, "refresh": 2}', "[" * 9000,
        '{"access": null, "refresh": null}', '{"access": "", "refresh": ""}', '{"access": "a\\nb", "refresh": ""}',
        '{"access": "\\u20ac", "refresh": ""}',
    ):  # fmt: skip
        tokens.path.write_bytes(content.encode("latin-1"))
        with pytest.raises(BadTokenFile, match=NAME):
            tokens.load()


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


async def test_kill_9_at_any_moment_around_a_refresh_leaves_a_token_that_works(
    twitch: FakeTwitch, tmp_path: Path
) -> None:
    """50 processes that refresh at their start, each killed at another moment around it.

    What no client can help: Twitch has void the old refresh token and the process dies before the answer is on its
    disk. Then the stored access token still works, because it is renewed long before its end.
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
    kept = 0
    for _ in range(50):
        before = twitch.logins.refreshed
        nursery.stdin.write(b"\n")
        child = int(await nursery.stdout.readline())
        await _until_refreshed(twitch, before + 1)
        await asyncio.sleep(dice.uniform(0, 0.05))
        os.kill(child, signal.SIGKILL)
        await asyncio.sleep(0)
        token = source.tokens.load()
        assert _works(twitch, token)
        assert token is not None
        if token.refresh in twitch.logins.refreshes:
            kept += 1
            continue
        again = Listening(twitch, tmp_path)
        await again.start()
        await again.until_hears()
        await again.stop()
        source.log_in()
    nursery.stdin.close()
    await nursery.wait()
    assert kept >= 15, "a renewed login is on the disk at once"


def _full(*_: object) -> None:
    raise OSError("no space left on device")


async def _until_refreshed(twitch: FakeTwitch, count: int) -> None:
    await eventually(lambda: twitch.logins.refreshed >= count, 20, "a refresh", poll_s=0)


def _works(twitch: FakeTwitch, token: Token | None) -> bool:
    return token is not None and (
        twitch.logins.valid(f"Bearer {token.access}") is not None or token.refresh in twitch.logins.refreshes
    )
