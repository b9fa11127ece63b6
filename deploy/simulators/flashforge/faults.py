"""What goes wrong between a printer and its client, each a setting that can be changed at any moment."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

SECOND_CLIENT = ("control", "error", "refuse", "silent")
"""The ways in which a printer treats a client that is not the first."""


@dataclass
class Faults:
    """All off."""

    delay: float = 0.0
    """Seconds before a reply."""
    segment: int = 0
    """Bytes a TCP segment, 0 for the reply in one piece."""
    merge: bool = False
    """Before each reply the end of another one, in the same segment."""
    no_cmd: bool = False
    no_ok: bool = False
    double_ok: bool = False
    silent: bool = False
    """Takes connections and commands, and never answers."""
    reset_after: int = 0
    """Resets the connection instead of the n-th reply of it, 0 never."""
    second_client: str = "control"

    def change(self, wanted: dict[str, Any]) -> None:
        """Set some of them. Raises ValueError for a name or value that is none."""
        known = {field.name: type(getattr(self, field.name)) for field in fields(self)}
        for name, value in wanted.items():
            if name not in known:
                raise ValueError(f"no fault is called {name}; known: {', '.join(known)}")
            setattr(self, name, known[name](value))
        if self.second_client not in SECOND_CLIENT:
            raise ValueError(f"second_client is one of {', '.join(SECOND_CLIENT)}")


def dressed(lines: list[str], code: str, eol: str, faults: Faults, twice: bool) -> bytes:
    """The reply as it stands on the wire."""
    text = [] if faults.no_cmd else [f"CMD {code} Received."]
    text += lines
    if not faults.no_ok:
        text.append("ok")
    if twice:
        text += ["Control Success V2.1.", "ok"]
    elif faults.double_ok:
        text.append("ok")
    rest = "ok" + eol if faults.merge else ""
    return (rest + "".join(line + eol for line in text)).encode()
