"""Nothing that is shown or logged quotes a token, whatever the id server answers and whatever raises."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest
import twitchio
from aiohttp import web
from structlog.testing import capture_logs

from services.chat_ingest.sources.twitch.client import point_at
from services.chat_ingest.sources.twitch.id_server import IdServer
from tests.e2e.chat_ingest.listening import Listening
from tests.fakes.twitch import FakeTwitch
from tests.harness.waiting import eventually

SECRET = "known-to-nobody-else"


def _json(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, content_type="application/json")


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(text="<html>busy</html>", content_type="text/html"), _json("<html>busy</html>"), _json("[]"),
        _json("{}"), _json("null", 400), _json('["no"]', 401), _json('{"message": null}', 400), _json("", 503),
    ],
)  # fmt: skip
async def test_what_the_id_server_answers_is_told_without_what_it_was_asked(
    twitch: FakeTwitch, answer: web.Response
) -> None:
    point_at(*twitch.settings.values())
    server = IdServer("client", SECRET)
    twitch.logins.token_answers = [answer]
    with pytest.raises((twitchio.HTTPException, ConnectionError)) as raised:
        await server.refresh_token(SECRET)
    await server.close()
    assert SECRET not in "".join(traceback.format_exception(raised.value))


async def test_a_proxy_that_leads_in_circles_is_said_and_shows_nothing(twitch: FakeTwitch, tmp_path: Path) -> None:
    source = Listening(twitch, tmp_path, twitch_client_secret=SECRET)
    source.log_in(lifetime=0.0)
    token = source.tokens.load()
    assert token is not None
    twitch.logins.in_circles = True
    with capture_logs() as logged:
        await source.start()
        change = await source.until_deaf()
        await source.stop()
    assert "Twitch cannot be reached" in change.reason
    for secret in (token.refresh, SECRET):
        assert secret not in change.reason
        assert secret not in str(logged)


async def test_a_poll_that_cannot_renew_the_login_shows_nothing(twitch: FakeTwitch, tmp_path: Path) -> None:
    source = Listening(twitch, tmp_path)
    source.log_in()
    token = source.tokens.load()
    assert token is not None
    with capture_logs() as logged:
        await source.start()
        await source.until_hears()
        twitch.logins.revoke_all()
        await eventually(lambda: any("cannot be read" in line["event"] for line in logged), 30, "a poll that fails")
        await source.stop()
    assert token.refresh not in str(logged)
    assert token.access not in str(logged)
