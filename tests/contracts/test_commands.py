"""Commands from strangers: understood, or refused with a reason; never anything else."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.board import BOARD_VERBS
from contracts.channels import CHANNELS
from contracts.commands import MAX_COMMAND_BYTES, BadCommand, Command, parse_command
from contracts.events import Event, EventKind
from contracts.examples import EXAMPLES, TEXTS
from contracts.printers import ENDER_VERBS
from tests.contracts.moments import AT

_WORDS = st.text(string.ascii_letters + string.digits + "_-.:", min_size=1, max_size=12)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["command", "arguments", "id", "x"]), inner),
)
_COMMAND_LIKE = st.fixed_dictionaries(
    {"command": _JSON | st.sampled_from(list(ENDER_VERBS))}, optional={"arguments": _JSON, "id": _JSON, "x": _JSON}
)


def _answer(payload: bytes) -> Event:
    """The one answer that a service makes of any payload."""
    try:
        command = parse_command(payload, ENDER_VERBS)
    except BadCommand as error:
        return Event(event=EventKind.REFUSED, command=error.word, id=error.command_id, reason=str(error), time=AT)
    return Event(event=EventKind.DONE, command=command.command, id=command.id, time=AT)


@given(st.binary(max_size=200))
@example(b"")
@example(b"\x00")
@example(b"\xff\xfe")
@example(b"[" * MAX_COMMAND_BYTES)
@example(b"x" * (1 << 20))
@example(b'{"command":"pause","id":"' + b"9" * 5000 + b'"}')
@example(b'{"command":"pause","id":' + b"9" * 4000 + b"}")
@example(b'{"command":"pause","x":1,"id":"\\ud800"}')
@example(b'{"command":"\\ud800"}')
@example(b'{"command":"pause","command":"stop"}')
@example(b'"pause"')
@example("\u2028arm\u2028".encode())
@example(b"arm " + b"9 " * 9)
@example(b"a" * 41)
def test_any_bytes_are_obeyed_or_refused_and_always_answered(payload: bytes) -> None:
    answer = _answer(payload)
    assert Event.model_validate_json(answer.to_bytes()) == answer
    if answer.event is EventKind.REFUSED:
        assert answer.reason


@given(_COMMAND_LIKE)
def test_any_json_is_obeyed_or_refused_and_always_answered(value: object) -> None:
    answer = _answer(json.dumps(value).encode())
    assert Event.model_validate_json(answer.to_bytes()) == answer


@given(st.sampled_from(sorted(BOARD_VERBS)), st.lists(_WORDS, max_size=3), st.none() | st.text("ab-1", min_size=1))
def test_text_and_json_mean_the_same(word: str, arguments: list[str], echo: str | None) -> None:
    in_json = Command(command=word, arguments=tuple(arguments), id=echo).model_dump_json().encode()
    in_text = " ".join([word.upper(), *arguments]).encode()
    if BOARD_VERBS[word].least <= len(arguments) <= BOARD_VERBS[word].most:
        assert parse_command(in_json, BOARD_VERBS) == Command(command=word, arguments=tuple(arguments), id=echo)
        assert parse_command(in_text, BOARD_VERBS) == Command(command=word, arguments=tuple(arguments))
    else:
        for payload in (in_json, in_text):
            with pytest.raises(BadCommand, match="wrong number of arguments; usage: "):
                parse_command(payload, BOARD_VERBS)


def test_every_example_is_understood_by_its_own_channel() -> None:
    for channel in CHANNELS:
        if channel.verbs is None:
            continue
        for sent in EXAMPLES[channel.name]:
            assert isinstance(sent, Command)
            assert parse_command(sent.model_dump_json().encode(), channel.verbs) == sent
        for text in TEXTS[channel.name]:
            assert parse_command(text.encode(), channel.verbs).command == text.split()[0]


def test_a_refusal_names_what_would_be_understood_and_echoes_the_id() -> None:
    with pytest.raises(BadCommand, match=r"'dance' is not a command here; known: arm \[HOURS\], disarm") as refused:
        parse_command(b'{"command":"dance","id":"7"}', ENDER_VERBS)
    assert refused.value.command_id == "7"
    with pytest.raises(BadCommand, match="hour") as refused:
        parse_command(b'{"command":"arm","hour":2,"id":"8"}', ENDER_VERBS)
    assert refused.value.command_id == "8"


def test_a_known_verb_is_named_even_when_it_is_used_wrongly() -> None:
    with pytest.raises(BadCommand) as refused:
        parse_command(b"pause now", ENDER_VERBS)
    assert refused.value.word == "pause"


@pytest.mark.parametrize("retained", [True, False])
def test_a_word_that_is_none_is_not_repeated_as_it_stands(retained: bool) -> None:
    """It would reach dashboards and terminals in the answer, with whatever steers them in it."""
    payload = json.dumps({"command": "\u202egarble\x07\x1b[2J", "id": "7"}).encode()
    with pytest.raises(BadCommand) as caught:
        parse_command(payload, ENDER_VERBS, retained=retained)
    assert (caught.value.word, caught.value.command_id) == (None, "7")
    assert str(caught.value).isprintable()
