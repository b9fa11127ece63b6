"""What comes in on the command topic: words, typos, and what the broker kept from before."""

from __future__ import annotations

import pytest

from services.chassis.bus.port import Message
from services.octo_bridge.events import CommandBad, Commanded
from services.octo_bridge.inbox import command_of


def test_a_command() -> None:
    found = command_of(Message("t", b"arm 2"))
    assert isinstance(found, Commanded)
    assert (found.command.command, found.command.arguments) == ("arm", ("2",))


@pytest.mark.parametrize("payload", [b"pause", b"resume", b"arm", b'{"command": "stop"}'])
def test_a_retained_command_is_never_obeyed(payload: bytes) -> None:
    found = command_of(Message("t", payload, retained=True))
    assert isinstance(found, CommandBad)
    assert "retain" in found.reason


def test_the_answer_to_a_retained_command_names_it() -> None:
    found = command_of(Message("t", b'{"command": "pause", "id": "mine"}', retained=True))
    assert isinstance(found, CommandBad)
    assert (found.word, found.id) == ("pause", "mine")


@pytest.mark.parametrize("payload", [b"", b"puase", b"\xff\xfe", b"{", b"arm 1 2", b"[" * 3000, b"pause\x00"])
def test_what_is_not_understood_is_answered(payload: bytes) -> None:
    found = command_of(Message("t", payload))
    assert isinstance(found, CommandBad)
    assert found.reason
