"""What is heard on Twitch and what is not, who said it, and what is posted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from contracts.chat import ChatCleared, ChatMessage, ChatReply, MessageDeleted, Role, UserCleared
from tests.e2e.chat_ingest.listening import Listening
from tests.fakes.twitch import FakeTwitch
from tests.fakes.twitch.server import BOT, CHANNEL
from tests.harness.waiting import eventually

REDEMPTION = "channel.channel_points_custom_reward_redemption.add"


@pytest.fixture
async def listening(twitch: FakeTwitch, tmp_path: Path) -> AsyncIterator[Listening]:
    """Logged in and hearing."""
    source = Listening(twitch, tmp_path)
    source.log_in()
    await source.start()
    await source.until_hears()
    yield source
    await source.stop()


def _reply(text: str, reply_to: str | None = None) -> ChatReply:
    return ChatReply(text=text, source="twitch", channel="ada_draws", reply_to=reply_to, time=datetime.now(UTC))


async def test_a_message_with_everything_that_is_known_of_it(listening: Listening) -> None:
    badges = [{"set_id": name, "id": "1", "info": ""} for name in ("moderator", "founder", "sub-gifter", "subscriber")]
    message_id = await listening.twitch.say("a1 h8", user="77", badges=badges)
    await listening.until_said("a1 h8")
    (message,) = listening.said
    assert isinstance(message, ChatMessage)
    assert (message.source, message.channel, message.message_id) == ("twitch", "ada_draws", message_id)
    assert (message.user.id, message.user.name) == ("77", "Viewer77")
    assert message.user.roles == (Role.MODERATOR, Role.SUBSCRIBER)


async def test_order_is_kept(listening: Listening) -> None:
    texts = [f"m{number}" for number in range(500)]
    for text in texts:
        await listening.twitch.say(text)
    await listening.until_said(*texts)


async def test_odd_messages_stop_nothing(listening: Listening) -> None:
    await listening.twitch.notify("channel.chat.message", {"nothing": "as documented"})
    await listening.twitch.notify("channel.chat.message", {"message": None, "badges": 7})
    await listening.twitch.say("half a pair \ud800")
    await listening.twitch.say("x" * 5000)
    await eventually(lambda: len(listening.texts) == 2, 30, "the readable ones")
    assert listening.texts[0] == "half a pair ?"
    assert listening.texts[1] == "x" * 2000


async def test_moderation(listening: Listening) -> None:
    common = {"broadcaster_user_id": CHANNEL, "target_user_id": "77", "target_user_login": "v", "target_user_name": "V"}
    await listening.twitch.notify("channel.chat.clear_user_messages", common)
    await listening.twitch.notify("channel.chat.message_delete", common | {"message_id": "m-1"})
    await listening.twitch.notify("channel.chat.clear", {"broadcaster_user_id": CHANNEL})
    await eventually(lambda: len(listening.said) == 3, 30, "all three")
    banned, deleted, cleared = listening.said
    assert isinstance(banned, UserCleared)
    assert banned.user_id == "77"
    assert isinstance(deleted, MessageDeleted)
    assert (deleted.message_id, deleted.user_id) == ("m-1", "77")
    assert isinstance(cleared, ChatCleared)


async def test_other_channels_of_a_shared_chat_are_not_heard(listening: Listening) -> None:
    await listening.twitch.say("theirs", source_broadcaster_user_id="999")
    await listening.twitch.say("ours", source_broadcaster_user_id=CHANNEL)
    await listening.until_said("ours")


async def test_the_bot_does_not_hear_itself(listening: Listening) -> None:
    await listening.twitch.say("e2 to e4 is number 3 in the queue", user=BOT)
    await listening.twitch.say("a1 h8")
    await listening.until_said("a1 h8")


async def test_a_streamer_who_lends_the_own_account_is_heard_and_the_service_is_not(
    twitch: FakeTwitch, tmp_path: Path
) -> None:
    source = Listening(twitch, tmp_path, twitch_channel="bot")
    source.log_in()
    await source.start()
    await source.until_hears()
    assert source.source.moderates
    posted = _reply("e2 to e4 is number 3 in the queue")
    assert (await source.source.post(posted)).sent
    await twitch.say(posted.text, user=BOT)
    await twitch.say("a1 h8", user=BOT)
    await source.until_said("a1 h8")
    await source.stop()


async def test_a_reply_stands_in_the_thread_of_its_message(listening: Listening) -> None:
    assert (await listening.source.post(_reply("number 1", reply_to="m-1"))).sent
    assert listening.twitch.posted == [
        {"broadcaster_id": CHANNEL, "sender_id": BOT, "message": "number 1", "reply_parent_message_id": "m-1"}
    ]


async def test_what_twitch_does_with_a_reply_is_told(listening: Listening) -> None:
    listening.twitch.plan.fail_sends = [429, 500, 403]
    refused = [await listening.source.post(_reply(f"text {number}")) for number in range(3)]
    assert [(posted.sent, posted.retry_after) for posted in refused] == [(False, 30.0), (False, None), (False, None)]
    listening.twitch.plan.drop_sends = 1
    dropped = await listening.source.post(_reply("again"))
    assert not dropped.sent
    assert "msg_duplicate" in str(dropped.reason)


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(status=500), web.Response(status=504, text="<html>late</html>"), web.Response(text="accepted"),
        web.Response(text="<html>", content_type="application/json"), web.json_response([]), web.json_response({}),
        web.json_response({"data": []}), web.json_response(["no"], status=400), web.json_response(None, status=401),
        web.json_response({"message": None}, status=401),
    ],
)  # fmt: skip
async def test_a_reply_that_may_have_been_sent_is_not_sent_again(listening: Listening, answer: web.Response) -> None:
    listening.twitch.plan.answer_sends = [answer]
    posted = await listening.source.post(_reply("number 1"))
    assert (posted.sent, posted.retry_after) == (False, None)
    assert posted.reason
    assert len(listening.twitch.posted) == 1


async def test_moderator_or_not_is_seen_by_the_own_badges(listening: Listening) -> None:
    assert not listening.source.moderates
    await listening.twitch.say("hello", user=BOT, badges=[{"set_id": "moderator", "id": "1", "info": ""}])
    await eventually(lambda: listening.source.moderates, 30, "the badge")


def _redemption(title: str, text: str) -> dict[str, Any]:
    return {"id": f"r-{text}", "user_id": "77", "user_login": "v77", "user_name": "V77", "user_input": text,
            "reward": {"id": "1", "title": title, "cost": 100, "prompt": ""}}  # fmt: skip


async def test_a_reward_counts_as_a_message_where_it_is_wanted(twitch: FakeTwitch, tmp_path: Path) -> None:
    source = Listening(twitch, tmp_path, twitch_reward="Draw a line")
    source.log_in()
    await source.start()
    await source.until_hears()
    await twitch.notify(REDEMPTION, _redemption("Hydrate", "drink"))
    await twitch.notify(REDEMPTION, _redemption("draw a LINE", "a1 h8"))
    await source.until_said("a1 h8")
    await source.stop()


async def test_a_login_that_may_not_see_the_reward_is_said_with_the_setting(twitch: FakeTwitch, tmp_path: Path) -> None:
    source = Listening(twitch, tmp_path, twitch_reward="Draw a line")
    source.log_in()
    twitch.plan.forbidden = REDEMPTION
    await source.start()
    reason = (await source.until_deaf()).reason
    assert "BOARDCAST_TWITCH_REWARD" in reason
    assert "broadcaster" in reason
    twitch.plan.forbidden = ""
    source.log_in()
    await source.until_hears()
    await source.stop()


@pytest.mark.parametrize("redeemed_first", [True, False])
async def test_what_is_written_for_the_reward_counts_once(
    twitch: FakeTwitch, tmp_path: Path, redeemed_first: bool
) -> None:
    """Twitch shows the text of a redemption in the chat too, as a message with the reward's id."""
    source = Listening(twitch, tmp_path, twitch_reward="Draw a line")
    source.log_in()
    await source.start()
    await source.until_hears()
    if redeemed_first:
        await twitch.notify(REDEMPTION, _redemption("Draw a line", "a1 h8"))
    await twitch.say("a1 h8", user="77", channel_points_custom_reward_id="1")
    if not redeemed_first:
        await twitch.notify(REDEMPTION, _redemption("Draw a line", "a1 h8"))
    await twitch.say("after")
    await source.until_said("a1 h8", "after")
    await source.stop()


async def test_what_is_written_for_a_reward_is_a_message_where_no_reward_is_wanted(listening: Listening) -> None:
    await listening.twitch.say("a1 h8", channel_points_custom_reward_id="1")
    await listening.until_said("a1 h8")


async def test_only_a_live_stream_is_heard_where_that_is_wanted(twitch: FakeTwitch, tmp_path: Path) -> None:
    twitch.plan.live = False
    source = Listening(twitch, tmp_path, twitch_only_live=True)
    source.log_in()
    await source.start()
    change = await source.until_deaf()
    assert "offline" in change.reason
    assert not change.missed
    await eventually(lambda: twitch.heard, 30, "subscriptions")
    await twitch.say("too early")
    await twitch.notify("stream.online", {"broadcaster_user_id": CHANNEL})
    await source.until_hears()
    await twitch.say("in time")
    await twitch.notify("stream.offline", {"broadcaster_user_id": CHANNEL})
    await source.until_deaf()
    await twitch.say("too late")
    await twitch.notify("channel.chat.clear", {"broadcaster_user_id": CHANNEL})
    await eventually(lambda: len(source.said) == 2, 30, "a moderator's deed, which counts at any time")
    assert source.texts == ["in time"]
    await source.stop()


@pytest.mark.parametrize("goes_live", [True, False])
async def test_a_stream_that_begins_or_ends_while_it_is_looked_up(
    twitch: FakeTwitch, tmp_path: Path, goes_live: bool
) -> None:
    """What Twitch says of it is newer than its list, which can be minutes old."""
    source = Listening(twitch, tmp_path, twitch_only_live=True)
    source.log_in()
    kind = "stream.online" if goes_live else "stream.offline"

    async def change() -> None:
        await twitch.notify(kind, {"broadcaster_user_id": CHANNEL})
        await twitch.notify("channel.chat.clear", {"broadcaster_user_id": CHANNEL})
        await eventually(lambda: source.said, 30, "what was said after it")

    twitch.plan.live = not goes_live
    twitch.plan.while_listing_streams = change
    await source.start()
    await eventually(lambda: len(twitch.subscriptions) == 6 and twitch.plan.while_listing_streams is None, 30, "it")
    await eventually(lambda: source.changes and source.source._session is not None, 30, "an open session")
    assert source.hears == goes_live
    await source.stop()
