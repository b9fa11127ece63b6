"""The login: from nothing by a code, kept over restarts, refreshes and kill -9, and said when it is gone."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

import pytest
from aiohttp import web
from pydantic import SecretStr

from services.chat_ingest.sources.twitch.login import log_in
from services.chat_ingest.sources.twitch.tokens import NAME, BadTokenFile, Token, TokenFile
from tests.e2e.chat_ingest.listening import Listening
from tests.fakes.twitch import FakeTwitch
from tests.harness.waiting import eventually


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
