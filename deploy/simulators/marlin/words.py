"""A command and its words."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_COMMAND = re.compile(r"([GMT])\s*(\d+)\s*(.*)", re.DOTALL)
_WORD = re.compile(r"([A-Z])\s*([+-]?(?:\d+\.?\d*|\.\d+))?")


@dataclass(frozen=True)
class Command:
    """`code` is e.g. "G1"; `words` has None for a letter that came without a number; `rest` is the text after it."""

    code: str
    rest: str
    text: str
    words: dict[str, float | None] = field(default_factory=dict)

    def number(self, letter: str) -> float | None:
        """The number after *letter*, None without one."""
        return self.words.get(letter)

    def has(self, letter: str) -> bool:
        """Whether *letter* occurs, with a number or without."""
        return letter in self.words


def parse(text: str) -> Command | None:
    """The command of a line, None when it starts with none. As for Marlin, blanks between words are optional."""
    match = _COMMAND.match(text)
    if match is None:
        return None
    words: dict[str, float | None] = {}
    for letter, number in _WORD.findall(match[3]):
        words.setdefault(letter, float(number) if number else None)
    return Command(f"{match[1]}{int(match[2])}", match[3], text, words)
