"""Each way in which Twitch or twitchio fails: recovered or said within its time, and the gap told with its bounds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from tests.e2e.chat_ingest.listening import QUICK, Listening, now
from tests.fakes.twitch import FakeTwitch
from tests.harness.waiting import eventually


@pytest.fixture
async def listening(twitch: FakeTwitch, tmp_path: Path) -> AsyncIterator[Listening]:
    """Logged in and hearing."""
    source = Listening(twitch, tmp_path)
    source.log_in()
    await source.start()
    await source.until_hears()
    yield source
    await source.stop()


async def _says_so_and_comes_back(listening: Listening, before: str = "before") -> None:
    await eventually(lambda: not all(c.connected for c in listening.changes), 40, "the source to notice")
    change = next(c for c in listening.changes if not c.connected)
    assert change.reason
    assert change.since is not None
    assert change.since <= now()
    await listening.until_again(2)
    await listening.twitch.say("after")
    await listening.until_said(before, "after")


async def test_tcp_reset(listening: Listening) -> None:
    await listening.twitch.say("before")
    await listening.until_said("before")
    listening.twitch.reset()
    await _says_so_and_comes_back(listening)


async def test_closed_by_twitch(listening: Listening) -> None:
    await listening.twitch.say("before")
    await listening.until_said("before")
    await listening.twitch.close_sockets(4000)
    assert "connection to Twitch was lost (code 4000)" in (await listening.until_deaf()).reason
    await _says_so_and_comes_back(listening)


async def test_missed_keepalives(twitch: FakeTwitch, tmp_path: Path) -> None:
    listening = Listening(twitch, tmp_path, replace(QUICK, silence=3.0))
    listening.log_in()
    await listening.start()
    await listening.until_hears()
    await twitch.say("before")
    await listening.until_said("before")
    twitch.fall_silent()
    change = await listening.until_deaf()
    assert "said nothing for" in change.reason
    await _says_so_and_comes_back(listening)
    await listening.stop()


async def test_sockets_refused_again_and_again(listening: Listening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.chat_ingest.sources.twitch.source.AGAIN_FIRST", 0.05)
    await listening.twitch.say("before")
    await listening.until_said("before")
    listening.twitch.plan.refuse_sockets = 4
    listening.twitch.reset()
    await _says_so_and_comes_back(listening)


async def test_http_500_while_subscribing_again(listening: Listening) -> None:
    await listening.twitch.say("before")
    await listening.until_said("before")
    listening.twitch.plan.fail_subscriptions = [500]
    listening.twitch.reset()
    await _says_so_and_comes_back(listening)


async def test_no_welcome(listening: Listening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.chat_ingest.sources.twitch.client.CONNECT_WITHIN", 0.5)
    await listening.twitch.say("before")
    await listening.until_said("before")
    listening.twitch.plan.no_welcome = 2
    listening.twitch.reset()
    await _says_so_and_comes_back(listening)
    await eventually(lambda: listening.twitch.open == 1, 40, "the sockets without a welcome to be gone")


async def test_no_welcome_and_no_goodbye(listening: Listening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.chat_ingest.sources.twitch.client.CONNECT_WITHIN", 0.5)
    monkeypatch.setattr("services.chat_ingest.sources.twitch.client.GOODBYE_WITHIN", 0.2)
    await listening.twitch.say("before")
    await listening.until_said("before")
    listening.twitch.plan.no_welcome = 1
    listening.twitch.plan.no_goodbye = True
    listening.twitch.reset()
    await _says_so_and_comes_back(listening)
    await eventually(lambda: listening.twitch.open == 1, 40, "the sockets without a welcome to be gone")


async def test_ended_in_the_middle_of_a_move(listening: Listening) -> None:
    """No socket is left behind, not even the one that has no welcome yet."""
    listening.twitch.plan.no_welcome = 1
    await listening.twitch.ask_to_reconnect()
    await eventually(lambda: listening.twitch.open == 2, 30, "the new socket beside the old one")
    await listening.stop()
    await eventually(lambda: listening.twitch.open == 0, 30, "both to be closed")


async def test_a_subscription_that_is_gone_without_a_word(listening: Listening) -> None:
    await listening.twitch.say("before")
    await listening.until_said("before")
    listening.twitch.plan.forget_subscriptions = True
    change = await listening.until_deaf()
    assert "no longer has our subscription" in change.reason
    listening.twitch.plan.forget_subscriptions = False
    await _says_so_and_comes_back(listening)


async def test_the_list_of_subscriptions_failing_is_no_reason_to_leave(listening: Listening) -> None:
    listening.twitch.plan.fail_lists = True
    await eventually(lambda: listening.twitch.requests.count("refused list") > 5, 30, "polls")
    await listening.twitch.say("still")
    await listening.until_said("still")
    assert [c.connected for c in listening.changes] == [True]


async def test_a_list_of_subscriptions_that_is_not_as_documented_is_no_reason_to_leave(listening: Listening) -> None:
    plan = listening.twitch.plan
    plan.answer_lists = [
        web.Response(text="<html>", content_type="application/json"), web.Response(body=b"\xff\xfe{}"),
        web.json_response([]), web.json_response({"data": [{}]}), web.json_response({"data": None}),
        web.json_response(None, status=401), web.json_response({"message": None}, status=401),
    ]  # fmt: skip
    await eventually(lambda: not plan.answer_lists, 30, "polls")
    polls = len(listening.twitch.requests)
    await eventually(lambda: len(listening.twitch.requests) > polls + 2, 30, "more polls")
    await listening.twitch.say("still")
    await listening.until_said("still")
    assert [c.connected for c in listening.changes] == [True]


@pytest.mark.parametrize(
    "frame",
    [
        "not JSON", "[]", "null", "7", "{}", '{"metadata": {}}', '{"metadata": {"message_type": "news"}}',
        '{"metadata": {"message_type": "notification"}, "payload": null}',
        '{"metadata": {"message_type": "revocation"}, "payload": {}}',
        '{"metadata": {"message_type": "session_reconnect"}, "payload": {"session": null}}',
    ],
)  # fmt: skip
async def test_a_frame_that_is_not_as_documented_is_said_and_the_next_is_heard(
    listening: Listening, frame: str, caplog: pytest.LogCaptureFixture
) -> None:
    with capture_logs() as logged:
        await listening.twitch.send_raw(frame)
        await listening.twitch.say("still")
        await listening.until_said("still")
    assert [*logged, *caplog.records]
    assert [c.connected for c in listening.changes] == [True]


async def test_300_messages_over_a_reconnect_with_a_late_welcome(listening: Listening) -> None:
    listening.twitch.plan.welcome_after = 0.5
    for number in range(300):
        if number == 100:
            await listening.twitch.ask_to_reconnect()
        await listening.twitch.say(f"m{number}")
        await asyncio.sleep(0.005)  # two hundred a second, so that the welcome falls in their middle
    await eventually(lambda: len(listening.texts) >= 300, 40, "300 messages")
    assert listening.texts == [f"m{number}" for number in range(300)]
    assert listening.twitch.connections == 2
    assert [c.connected for c in listening.changes] == [True]


async def test_what_twitch_sends_on_the_old_socket_up_to_the_welcome_is_heard(listening: Listening) -> None:
    texts = [f"m{number}" for number in range(200)]
    listening.twitch.plan.last_words = list(texts)
    await listening.twitch.ask_to_reconnect()
    await eventually(lambda: listening.twitch.connections == 2 and len(listening.texts) >= 200, 40, "all of them")
    assert listening.texts == texts


async def test_the_old_socket_closing_after_a_move_is_no_loss(listening: Listening) -> None:
    await listening.twitch.ask_to_reconnect()
    await eventually(lambda: len(listening.twitch.sessions) == 1 and listening.twitch.connections == 2, 30, "the move")
    await listening.twitch.say("after")
    await listening.until_said("after")
    assert [c.connected for c in listening.changes] == [True]


async def test_the_old_socket_closing_a_moment_before_the_welcome_is_no_loss(listening: Listening) -> None:
    listening.twitch.plan.close_first = True
    await listening.twitch.ask_to_reconnect()
    await eventually(lambda: len(listening.twitch.sessions) == 1 and listening.twitch.connections == 2, 30, "the move")
    await listening.twitch.say("after")
    await listening.until_said("after")
    assert [c.connected for c in listening.changes] == [True]


async def test_a_reconnect_address_that_fails_once(listening: Listening) -> None:
    listening.twitch.plan.reconnect_url_fails = 1
    await listening.twitch.ask_to_reconnect()
    await eventually(lambda: listening.twitch.connections == 3, 30, "the second attempt")
    await eventually(lambda: listening.twitch.heard, 30, "a subscribed socket")
    await listening.twitch.say("after")
    await listening.until_said("after")
    assert [c.connected for c in listening.changes] == [True]


async def test_a_new_socket_that_is_closed_before_its_welcome_is_no_loss(listening: Listening) -> None:
    """The old one is still there, and so are two more attempts."""
    listening.twitch.plan.close_unwelcomed = 1
    await listening.twitch.ask_to_reconnect()
    await eventually(lambda: listening.twitch.connections == 3, 30, "the second attempt")
    await eventually(lambda: len(listening.twitch.heard) == 1 and not listening.twitch._moving, 30, "the move")
    await listening.twitch.say("after")
    await listening.until_said("after")
    assert [c.connected for c in listening.changes] == [True]


async def test_a_reconnect_address_that_never_answers(listening: Listening) -> None:
    await listening.twitch.say("before")
    await listening.until_said("before")
    listening.twitch.plan.reconnect_url_fails = 100
    await listening.twitch.ask_to_reconnect()
    await _says_so_and_comes_back(listening)


async def test_a_revoked_login_asks_for_a_new_one_and_takes_it(listening: Listening) -> None:
    listening.twitch.logins.revoke_all()
    await listening.twitch.revoke("authorization_revoked")
    change = await listening.until_deaf()
    assert "revoked; run: python -m services.chat_ingest login" in change.reason
    attempts = listening.twitch.connections
    listening.log_in()
    await listening.until_again(2)
    assert listening.twitch.connections == attempts + 1
    await listening.twitch.say("after")
    await listening.until_said("after")


async def test_a_subscription_taken_away_for_another_reason_is_made_anew(listening: Listening) -> None:
    await listening.twitch.say("before")
    await listening.until_said("before")
    await listening.twitch.revoke("version_removed")
    await _says_so_and_comes_back(listening)


async def test_twitch_asks_to_reconnect_in_the_middle_of_subscribing(twitch: FakeTwitch, tmp_path: Path) -> None:
    async def move() -> None:
        before = list(twitch.sessions)
        await twitch.ask_to_reconnect()
        await eventually(lambda: twitch.sessions and twitch.sessions[0] not in before, 30, "the move")

    source = Listening(twitch, tmp_path)
    source.log_in()
    twitch.plan.while_subscribing = move
    await source.start()
    await source.until_hears()
    assert [c.connected for c in source.changes] == [True]
    (session,) = twitch.sessions
    assert [s["transport"]["session_id"] for s in twitch.subscriptions] == [session.id] * 4
    await twitch.say("a1 h8")
    await source.until_said("a1 h8")
    await source.stop()


async def test_a_socket_that_is_lost_in_the_middle_of_subscribing_needs_nobody(
    twitch: FakeTwitch, tmp_path: Path
) -> None:
    async def lose() -> None:
        twitch.reset()
        await eventually(lambda: not twitch.sessions, 30, "the loss")

    source = Listening(twitch, tmp_path)
    source.log_in()
    twitch.plan.while_subscribing = lose
    await source.start()
    change = await source.until_deaf()
    assert "login" not in change.reason
    await source.until_hears()
    await source.stop()


@pytest.mark.parametrize(
    "kind", ["stream.online", "stream.offline", "channel.chat.clear_user_messages", "channel.chat.message_delete"]
)
async def test_whatever_is_taken_away_of_what_is_needed_is_subscribed_to_again(
    twitch: FakeTwitch, tmp_path: Path, kind: str
) -> None:
    """Without the stream's beginning its whole chat would be missed, without a ban its moves would be drawn."""
    source = Listening(twitch, tmp_path, twitch_only_live=True)
    source.log_in()
    await source.start()
    await source.until_hears()
    await twitch.revoke("version_removed", kind)
    await source.until_again(2)
    alive = {session.id for session in twitch.sessions}
    assert kind in {s["type"] for s in twitch.subscriptions if s["transport"]["session_id"] in alive}
    await source.stop()


async def test_nothing_answers_at_first(twitch: FakeTwitch, tmp_path: Path) -> None:
    """The container starts before the network does."""
    source = Listening(twitch, tmp_path)
    source.log_in()
    twitch.logins.fail_next = [500, 502]
    await source.start()
    change = await source.until_deaf()
    assert "Twitch answers 500" in change.reason
    await source.until_hears()
    await source.stop()


async def test_without_the_overrides_nothing_is_contacted(twitch: FakeTwitch, tmp_path: Path) -> None:
    source = Listening(twitch, tmp_path)
    source.log_in()
    plain = source.settings.model_copy(update=dict.fromkeys(twitch.settings))
    source.source = type(source.source)(plain, replace(QUICK, open_within=2.0))
    await source.start()
    change = await source.until_deaf()
    assert "Twitch cannot be reached" in change.reason
    assert twitch.requests == []
    await source.stop()
