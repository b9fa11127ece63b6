"""What a viewer can write: moves, words, and everything else, which is chat and gets no answer.

The text of a viewer ends here: what comes out is squares of the board and words of ours. Only what follows a word comes
out as it was written, since it may name somebody.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from services.planner.plastic.geometry import BoardGeometry

MOST_CHARACTERS = 200
DRAW_WORDS = frozenset({"draw", "line", "move"})
VIEWERS_WORDS = frozenset({"queue", "undo", "help", "board"})
MODERATORS_WORDS = frozenset({"pause", "resume", "stop", "skip", "clear", "resolve", "ban", "unban"})
WORDS = DRAW_WORDS | VIEWERS_WORDS | MODERATORS_WORDS

_LOOKALIKES = str.maketrans("авсԁеԍнһ", "abcdeghh")
"""Cyrillic letters that look like a to h, some of them only as capitals; after case folding."""
_HIDDEN = {"Cf", "Cc", "Zl", "Zp"}
_LINK = re.compile(r"\w://|\bwww\.|\b[\w-]+\.[a-z]{2,}(/|\b(?=\s|$))")
_MENTION = re.compile(r"@\w+")
_COMMAND = re.compile(r"!(\w+)")
_SAID = re.compile(r"\w+")
_WORD = re.compile(r"[^\W_]+")
_SQUARE = re.compile(r"[a-z][1-9][0-9]?")
_PAIR = re.compile(r"([a-z][1-9][0-9]?)([a-z][1-9][0-9]?)")
_CONNECTORS = frozenset({"from", "to", "and", "then"})


@dataclass(frozen=True, slots=True)
class Draw:
    """A line from *start* to *end*, both on the board and different."""

    start: str
    end: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Somebody meant a move, and it cannot be one. The reason quotes nothing but squares."""

    reason: str


@dataclass(frozen=True, slots=True)
class Word:
    """A ``!word`` that is none for drawing."""

    word: str
    rest: str
    """What follows it, as it was written: Анна is another name than Ahha, and an identity may tell case apart."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Chat."""


Utterance = Draw | Refusal | Word | Silence


def parse(
    text: str, board: BoardGeometry, *, prefix_only: bool = False, words: Mapping[str, str] | None = None
) -> Utterance:
    """What *text* means on *board*. With *prefix_only* a move needs its ``!draw``, or what *words* has for it."""
    if len(text) > MOST_CHARACTERS:
        return Silence()
    plain = normalize(text)
    command = _COMMAND.match(plain)
    if command is None:
        return Silence() if prefix_only else _bare(plain, board)
    if (words or {}).get(command[1], command[1]) not in DRAW_WORDS:
        return Word(command[1], _behind_command(text))
    return _ordered(plain[command.end() :], board)


def renamed(words: Mapping[str, str]) -> dict[str, str]:
    """*words* as they are compared, more of them for ours. Raises ValueError for what nobody could say or mean."""
    said = {normalize(word).removeprefix("!"): normalize(ours).removeprefix("!") for word, ours in words.items()}
    for word, ours in said.items():
        if not _SAID.fullmatch(word):
            raise ValueError(f"{word!r} cannot be said in chat: a word is letters, digits and _")
        if ours not in WORDS:
            raise ValueError(f"{word!r} stands for {ours!r}, which is none of ours: {', '.join(sorted(WORDS))}")
    return said


def normalize(text: str) -> str:
    """NFKC, case folded, Cyrillic look-alikes made Latin, hidden characters as blanks."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    shown = "".join(" " if _is_hidden(c) else c for c in folded)
    return shown.translate(_LOOKALIKES).strip()


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) in _HIDDEN


def _behind_command(text: str) -> str:
    """What follows the ``!word`` that *text* begins with. Hidden characters within it stay: some scripts need them."""
    hidden = "".join(c for c in text if c.isspace() or _is_hidden(c))
    written = text.strip(hidden)
    end = 1
    while end < len(written) and (_SAID.match(written[end]) or unicodedata.combining(written[end])):
        end += 1
    return written[end:].strip(hidden)


def _ordered(rest: str, board: BoardGeometry) -> Draw | Refusal:
    """After ``!draw``: whatever is wrong is answered."""
    squares, _ = _squares(_MENTION.sub(" ", rest), board)
    if len(squares) != 2:
        return Refusal(f"a line needs two squares, such as a1 {board.last}")
    return _line(squares[0], squares[1], board)


def _bare(plain: str, board: BoardGeometry) -> Draw | Refusal | Silence:
    """Without a command: only exactly two squares are meant as a move, and links and names never are."""
    if _LINK.search(plain):
        return Silence()
    squares, others = _squares(_MENTION.sub(" ", plain), board)
    if len(squares) != 2:
        return Silence()
    off = not board.has(*squares)
    # "see you m8, b4 ten" is talk; "z9 a1" alone is meant.
    return Silence() if off and others else _line(squares[0], squares[1], board)


def _line(start: str, end: str, board: BoardGeometry) -> Draw | Refusal:
    for square in (start, end):
        if not board.has(square):
            return Refusal(f"{square} is off the board: it goes from a1 to {board.last}")
    if start == end:
        return Refusal("a line needs two different squares")
    return Draw(start, end)


def _squares(plain: str, board: BoardGeometry) -> tuple[list[str], bool]:
    """What looks like squares, in the order written, and whether there were other words."""
    squares: list[str] = []
    others = False
    for word in _WORD.findall(plain):
        if _SQUARE.fullmatch(word):
            squares.append(word)
        elif (pair := _PAIR.fullmatch(word)) and board.has(pair[1], pair[2]):
            squares += pair.groups()
        elif word not in _CONNECTORS:
            others = True
    return squares, others
