"""What a viewer can write. The table is the agreement; the properties say what no text may ever do."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.planner.grammar import Draw, Refusal, Silence, Word, normalize, parse
from services.planner.plastic.geometry import BoardGeometry

BOARD = BoardGeometry()
SQUARES = [f"{file}{rank}" for file in "abcdefgh" for rank in range(1, 9)]
squares = st.sampled_from(SQUARES)

DRAWS = {
    "a1 h8": ("a1", "h8"),
    "h8 a1": ("h8", "a1"),
    "A1-H8": ("a1", "h8"),
    "a1h8": ("a1", "h8"),
    "e2e4": ("e2", "e4"),
    "from a1 to h8": ("a1", "h8"),
    "a1→h8": ("a1", "h8"),
    "ａ１ ｈ８": ("a1", "h8"),
    "a1\u200bh8": ("a1", "h8"),
    "a1 h8 🎉": ("a1", "h8"),
    "a1 h8❤️": ("a1", "h8"),
    "А1 Н8": ("a1", "h8"),  # Cyrillic
    "с3 е5": ("c3", "e5"),  # Cyrillic
    "!draw a1 h8": ("a1", "h8"),
    "!line a1 h8": ("a1", "h8"),
    "!MOVE a1-h8 please": ("a1", "h8"),
    "  a1   h8  ": ("a1", "h8"),
    "@streamer a1 h8": ("a1", "h8"),
    "lovin it a1 then b2": ("a1", "b2"),  # known false positive, see prefix_only
}
REFUSED = ["a1 a1", "z9 a1", "a11 h88", "i9 j1", "!draw a1", "!draw", "!draw a1 b2 c3", "!draw z9 a1", "!draw hello"]
SILENT = [
    "beach1 of g8 fame",
    "Nf3 e5",
    "https://example.org/a1/h8",
    "look www.example.org/a1-h8 now",
    "example.org/a1-h8",
    "@a1 h8",
    "a1 b2 c3",
    "a1h8 b2",
    "a1",
    "hello",
    "",
    "banana12 e4rth",
    "r2d2 c3po",
    "see you m8, b4 ten",
    "a1 h8" + " " * 200 + "x",
]


@pytest.mark.parametrize(("text", "line"), DRAWS.items())
def test_draws(text: str, line: tuple[str, str]) -> None:
    assert parse(text, BOARD) == Draw(*line)


@pytest.mark.parametrize("text", REFUSED)
def test_is_refused_with_a_reason(text: str) -> None:
    assert isinstance(parse(text, BOARD), Refusal)


@pytest.mark.parametrize("text", SILENT)
def test_is_chat(text: str) -> None:
    assert parse(text, BOARD) == Silence()


def test_other_commands_are_words() -> None:
    assert parse("!Queue  me ", BOARD) == Word("queue", "me")
    assert parse("!drawing a1 h8", BOARD) == Word("drawing", "a1 h8")


@pytest.mark.parametrize(
    ("text", "word", "rest"),
    [
        ("!ban Анна", "ban", "Анна"),
        (" \u200b！BАN\t twitch:UCabcDEF \u200b", "ban", "twitch:UCabcDEF"),
        ("!ban@Troll", "ban", "@Troll"),
        ("!lo\u0308schen x", "löschen", "x"),
        ("!ban می\u200cخواهم", "ban", "می\u200cخواهم"),
        ("!ban", "ban", ""),
    ],
)
def test_what_follows_a_word_is_as_it_was_written(text: str, word: str, rest: str) -> None:
    assert parse(text, BOARD) == Word(word, rest)


def test_with_prefix_only_a_bare_line_is_chat() -> None:
    assert parse("lovin it a1 then b2", BOARD, prefix_only=True) == Silence()
    assert parse("!draw a1 b2", BOARD, prefix_only=True) == Draw("a1", "b2")


def test_larger_boards_have_more_squares() -> None:
    assert parse("a1 l12", BoardGeometry(squares=12)) == Draw("a1", "l12")
    assert isinstance(parse("a1 m12", BoardGeometry(squares=12)), Refusal)


@given(st.text(max_size=250))
def test_whatever_is_written_only_squares_of_the_board_come_out(text: str) -> None:
    meant = parse(text, BOARD)
    if isinstance(meant, Draw):
        assert meant.start in SQUARES
        assert meant.end in SQUARES
        assert meant.start != meant.end
    elif isinstance(meant, Refusal):
        assert re.fullmatch(r"[a-z0-9 :,]+", meant.reason), "a reason quotes nothing but squares"


_plain = st.characters(blacklist_categories=("L", "N", "M", "Cs"))
# As they are compared: a circled letter is a letter then.
_noise = st.text(_plain.filter(lambda character: not re.search(r"[\w!@.:/]", normalize(character))), max_size=10)


@given(squares, squares, _noise, _noise, st.sampled_from([" ", "-", "→", " to ", "\u200b", ", ", ""]))
def test_two_squares_in_any_dress_are_a_line_in_the_order_written(
    start: str, end: str, before: str, after: str, between: str
) -> None:
    meant = parse(f"{before}{start}{between}{end.upper()}{after}", BOARD)
    assert meant == (Draw(start, end) if start != end else Refusal("a line needs two different squares"))


@given(squares, squares, st.text("abcdefghiklmnoq1234567890", min_size=1, max_size=5))
def test_a_square_within_a_word_is_none(start: str, end: str, glue: str) -> None:
    assert not isinstance(parse(f"x{glue}{start} {end}", BOARD), Draw)


@given(st.lists(squares, min_size=3, max_size=8))
def test_three_squares_are_chat_and_with_a_command_refused(many: list[str]) -> None:
    assert parse(" ".join(many), BOARD) == Silence()
    assert isinstance(parse("!draw " + " ".join(many), BOARD), Refusal)
