"""Texts that strangers wrote and that people and terminals will show."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.chat import ChatUser
from contracts.presence import DeadLetter, render_dead_letter
from contracts.text import DISPLAY_LENGTH, display_text, printable

_ANY = st.text(st.characters(), max_size=300)
_NASTY = "".join(chr(code) for code in (0x202E, 0x200B, 0xFEFF, 0, 7, 0x1B, 0x2028, 0xAD, 0xE0041, 0xFFFF))


@given(_ANY | st.text(st.sampled_from(_NASTY + "ab "), max_size=300))
@example(_NASTY)
@example("x" * 64)
@example("x" * 65)
@example("x" * 63 + " y")
@example(" " * 600 + "x")
def test_display_text_is_short_visible_and_settled(raw: str) -> None:
    shown = display_text(raw)
    assert len(shown) <= DISPLAY_LENGTH
    assert not any(unicodedata.category(c)[0] in "C" or unicodedata.category(c) in ("Zl", "Zp") for c in shown)
    assert shown == " ".join(shown.split(" "))
    assert shown == shown.strip()
    assert display_text(shown) == shown


@pytest.mark.parametrize("name", ["Ada", "Ада", "アダ", "O'Neil <3", "x" * 64, "👩 Ada"])
def test_display_text_leaves_ordinary_names_alone(name: str) -> None:
    assert display_text(name) == name


def test_display_text_hides_nothing_between_letters() -> None:
    assert display_text("a\u202eb\x1b[31mc\nd") == "a b [31mc d"
    assert display_text("y" * 65) == "y" * 63 + "…"
    assert ChatUser(id="1", name="A\u202eda").name == "A da"


@given(st.binary(max_size=500), st.integers(1, 300))
@example(b"\xff" * 300, 200)
@example("é\u202e".encode() * 100, 10)
def test_printable_is_one_short_line_of_ascii(raw: bytes, limit: int) -> None:
    line = printable(raw, limit)
    assert len(line) <= limit + 1
    assert line.removesuffix("…").isascii()
    assert line.isprintable()


@given(st.binary(max_size=2000), st.text(max_size=900))
def test_a_dead_letter_can_be_made_of_anything(payload: bytes, reason: str) -> None:
    letter = DeadLetter.model_validate_json(render_dead_letter("boardcast/v1/link/plan", reason, payload, 3))
    assert letter.size == len(payload)
    assert letter.count == 3
    assert letter.reason == reason[:500]
