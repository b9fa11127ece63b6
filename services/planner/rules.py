"""The rules of the game that a person may change while it runs, with ``set KEY VALUE``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

_MOST = 5000
_SWITCHES = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}


@dataclass(frozen=True, slots=True)
class Rules:
    """Caps count moves that have not begun to be drawn."""

    waiting_per_user: int = 3
    waiting_operator: int = 300
    waiting_total: int = 500
    cooldown_user: int = 5
    """Seconds between two moves of one viewer, and ..."""
    cooldown_all: int = 0
    """... of any viewers."""
    prefix_only: bool = False
    reply_accepted: bool = True

    def changed(self, key: str, value: str) -> Rules:
        """These rules with *key* set to what *value* says. Raises ValueError with a reason for whoever asked."""
        known = {field.name for field in fields(self)}
        if key not in known:
            raise ValueError(f"there is no such setting; known: {', '.join(sorted(known))}")
        change: dict[str, Any] = {key: _read(key, value, type(getattr(self, key)))}
        return replace(self, **change)

    def with_changes(self, changes: Mapping[str, str]) -> Rules:
        """These rules with all of *changes*; one that no longer makes sense is left out."""
        rules = self
        for key, value in changes.items():
            try:
                rules = rules.changed(key, value)
            except ValueError:
                continue
        return rules


def _read(key: str, value: str, kind: type) -> bool | int:
    if kind is bool:
        if value.lower() not in _SWITCHES:
            raise ValueError(f"{key} is on or off")
        return _SWITCHES[value.lower()]
    if not (value.isascii() and value.isdigit() and len(value) <= 6 and 0 <= int(value) <= _MOST):
        raise ValueError(f"{key} is a whole number from 0 to {_MOST}")
    return int(value)
