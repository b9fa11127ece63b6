"""Lines with numbers and checksums, as Marlin's `queue.cpp` takes or refuses them."""

from __future__ import annotations

import re
from dataclasses import dataclass

_INTEGER = re.compile(r"\s*[+-]?\d+")


@dataclass(frozen=True)
class Accepted:
    """A line that is carried out."""

    text: str
    """Without number and checksum."""
    numbered: bool
    last: int
    """The last line number from now on."""


@dataclass(frozen=True)
class Refused:
    """A line that must be sent again."""

    error: str


def checksum(text: str) -> int:
    """XOR of the bytes before the `*`."""
    value = 0
    for byte in text.encode():
        value ^= byte
    return value


def numbered(number: int, text: str) -> str:
    """What a host sends for line *number*."""
    body = f"N{number} {text}"
    return f"{body}*{checksum(body)}"


def strip_comment(raw: str) -> str:
    """What is left of a received line: no comment, no white space around it."""
    return raw.split(";", 1)[0].strip()


def check(line: str, last: int) -> Accepted | Refused:
    """Judge a line without comment; *last* is the number of the last one that was accepted.

    A line without a number is always accepted. With one, `M110` apart, it must follow *last* and carry a checksum.
    """
    if not line.startswith("N"):
        return Accepted(line.split("*", 1)[0].rstrip(), False, last)
    sets_number = "M110" in line
    number_at = line.rfind("N") if sets_number else 0
    number = _integer(line[number_at + 1 :])
    if number != last + 1 and not sets_number:
        return Refused(f"Line Number is not Last Line Number+1, Last Line: {last}")
    star = line.rfind("*")
    if star < 0:
        return Refused(f"No Checksum with line number, Last Line: {last}")
    if _integer(line[star + 1 :]) != checksum(line[:star]):
        return Refused(f"checksum mismatch, Last Line: {last}")
    return Accepted(re.sub(r"^N\s*-?\d+\s*", "", line[:star]).rstrip(), True, number)


def _integer(text: str) -> int:
    """As C's strtol: what is no number is 0."""
    match = _INTEGER.match(text)
    return int(match[0]) if match else 0
