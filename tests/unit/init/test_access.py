"""The access list says what the table says; a real broker is asked in tests/compose."""

from __future__ import annotations

import pytest

from contracts.channels import CHANNELS, Kind, Party
from deploy.init.access import access_list


def sections(root: str = "boardcast") -> dict[str, list[str]]:
    """The lines of each user."""
    found: dict[str, list[str]] = {}
    for line in access_list(root).splitlines():
        if line.startswith("user "):
            lines = found.setdefault(line.removeprefix("user "), [])
        elif line.startswith("topic "):
            lines.append(line.removeprefix("topic "))
    return found


def test_every_party_has_a_section_and_nobody_else() -> None:
    assert set(sections()) == {party.value for party in Party}


def test_link_topics_are_for_their_two_ends_alone() -> None:
    for channel in CHANNELS:
        if channel.kind not in (Kind.LINK, Kind.RECEIPT):
            continue
        named = {user for user, lines in sections().items() for line in lines if line.endswith(f" {channel.topic()}")}
        assert named == {party.value for party in (*channel.publishers, *channel.readers)}
        assert len(named) == 2


def test_a_service_says_only_of_itself_that_it_is_there() -> None:
    lines = sections()["planner"]
    assert "write boardcast/v1/service/planner/availability" in lines
    assert "write boardcast/v1/dead_letter/planner" in lines
    assert not [line for line in lines if line.startswith("write") and "+" in line and "homeassistant" not in line]


def test_rex_bridge_never_speaks_for_the_ender() -> None:
    lines = sections()["rex_bridge"]
    assert "write boardcast/v1/printer/+/state" in lines
    assert {line for line in lines if line.startswith("deny")} == {
        f"deny boardcast/v1/printer/ender/{what}" for what in ("command", "event", "state", "availability")
    }


def test_the_viewer_only_reads() -> None:
    assert {line.split()[0] for line in sections()["viewer"]} == {"read"}


def test_the_topic_root_is_the_stacks_own() -> None:
    lines = [line for part in sections("house/two").values() for line in part]
    assert all(" house/two/v1/" in line or " homeassistant/" in line for line in lines)


@pytest.mark.parametrize("root", ["homeassistant", "homeassistant/boardcast"])
def test_a_topic_root_in_which_the_operator_could_speak_for_a_service_is_refused(root: str) -> None:
    with pytest.raises(ValueError, match="set BOARDCAST_TOPIC_ROOT to something beside it"):
        access_list(root)
    assert "user operator" in access_list("homeassistants")
