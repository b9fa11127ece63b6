"""The table of topics."""

from __future__ import annotations

import re

import pytest

from contracts.channels import BY_NAME, CHANNELS, ENDER_COMMAND, LINK_CHAT, REX_STATE, Channel, Kind, Party
from contracts.links import ConsumerFrame, SenderFrame


def test_addresses_and_names_are_unique_and_plain() -> None:
    assert len(BY_NAME) == len(CHANNELS) == len({channel.address for channel in CHANNELS})
    for channel in CHANNELS:
        assert re.fullmatch(r"([a-z0-9_-]+|{[a-z]+})(/([a-z0-9_-]+|{[a-z]+}))*", channel.address)


def test_topic_and_filter() -> None:
    assert ENDER_COMMAND.topic("shop/left") == "shop/left/v1/printer/ender/command"
    assert REX_STATE.topic(printer="rex") == "boardcast/v1/printer/rex/state"
    assert REX_STATE.filter() == "boardcast/v1/printer/+/state"
    assert REX_STATE.parameters == ("printer",)


@pytest.mark.parametrize("root", ["", "/", "a/", "/a", "a//b", "A", "a b", "a#", "+", "a\nb", "a\n"])
def test_a_root_that_cannot_stand_in_a_topic_is_refused(root: str) -> None:
    with pytest.raises(ValueError, match="topic root"):
        LINK_CHAT.topic(root)
    with pytest.raises(ValueError, match="topic root"):
        LINK_CHAT.filter(root)


@pytest.mark.parametrize("printer", ["", "+", "#", "a/b", "Ä", "rex\n"])
def test_a_parameter_that_cannot_stand_in_a_topic_is_refused(printer: str) -> None:
    with pytest.raises(ValueError, match="printer"):
        REX_STATE.topic(printer=printer)


def _of(*kinds: Kind) -> list[Channel]:
    return [channel for channel in CHANNELS if channel.kind in kinds]


@pytest.mark.parametrize("channel", _of(Kind.COMMAND), ids=lambda c: c.name)
def test_every_command_is_answered_by_its_owner_beside_it(channel: Channel) -> None:
    event = next(c for c in CHANNELS if c.address == channel.address.replace("/command", "/event"))
    assert event.publishers == channel.readers
    assert set(channel.publishers) <= set(event.readers)
    assert channel.verbs
    assert channel.text is not None
    assert channel.text.split()[0] in channel.verbs


@pytest.mark.parametrize("channel", _of(Kind.LINK), ids=lambda c: c.name)
def test_every_link_has_its_receipts_the_other_way(channel: Channel) -> None:
    receipt = next(c for c in CHANNELS if c.address == f"{channel.address}/receipt")
    assert (receipt.publishers, receipt.readers) == (channel.readers, channel.publishers)
    assert channel.payload is SenderFrame
    assert receipt.payload is ConsumerFrame
    assert channel.body is not None


def test_viewers_only_read_and_never_a_link() -> None:
    for channel in CHANNELS:
        assert Party.VIEWER not in channel.publishers
        if channel.kind in (Kind.LINK, Kind.RECEIPT):
            assert Party.VIEWER not in channel.readers
            assert Party.OPERATOR not in channel.publishers


def test_only_states_and_presence_are_retained() -> None:
    assert {channel.kind for channel in CHANNELS if channel.retained} == {Kind.STATE, Kind.PRESENCE}
