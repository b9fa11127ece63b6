"""The file `.env` beside compose.yaml: read, and changed line by line so that what a person wrote stays."""

from __future__ import annotations

import re
from collections.abc import Mapping

from deploy.init.places import Places, write

_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*")
_QUOTED = re.compile(r"""(['"])(.*?)\1\s*(?:#.*)?""")
_COMMENT = re.compile(r"(?:^|\s+)#.*")


class BadValue(ValueError):
    """A value that cannot stand in the file."""


def read(places: Places) -> dict[str, str]:
    """The settings in the file; none when there is no file."""
    found = {}
    for line in _lines(places):
        match = _LINE.fullmatch(line)
        if match:
            found[match[1]] = _plain(match[2])
    return found


def _plain(value: str) -> str:
    """*value* as Compose reads it: without quotes, and without a comment behind them or behind a blank."""
    quoted = _QUOTED.fullmatch(value)
    return quoted[2] if quoted else _COMMENT.sub("", value)


def change(places: Places, values: Mapping[str, str]) -> None:
    """Set *values*, each in its line if it has one. Raises BadValue."""
    wanted = {name: _quoted(name, value) for name, value in values.items()}
    lines, told = [], set()
    for line in _lines(places):
        match = _LINE.fullmatch(line)
        if match and match[1] in wanted:
            if match[1] not in told:
                lines.append(f"{match[1]}={wanted[match[1]]}")
            told.add(match[1])
        else:
            lines.append(line)
    lines += [f"{name}={value}" for name, value in wanted.items() if name not in told]
    write(places.dotenv, "\n".join([*lines, ""]), places.project_owner)


def _quoted(name: str, value: str) -> str:
    if any(ord(character) < 32 for character in value) or "'" in value:
        raise BadValue(f"{name}: a value here is one line without a single quote")
    # In single quotes Compose takes everything as it stands, a dollar sign too.
    return value if re.fullmatch(r"[A-Za-z0-9_./:,=@+-]*", value) else f"'{value}'"


def _lines(places: Places) -> list[str]:
    return places.dotenv.read_text(encoding="utf-8").splitlines() if places.dotenv.exists() else []
