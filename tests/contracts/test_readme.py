"""The README names every command there is, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.board import BOARD_VERBS
from contracts.commands import Verbs
from contracts.printers import ENDER_VERBS, REX_VERBS

README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.mark.parametrize(
    ("topic", "verbs"),
    [("board/command", BOARD_VERBS), ("printer/ender/command", ENDER_VERBS), ("printer/rex/command", REX_VERBS)],
)
def test_the_table_of_commands_is_the_contract(topic: str, verbs: Verbs) -> None:
    row = next(line for line in README.read_text(encoding="utf-8").splitlines() if line.startswith(f"| `{topic}`"))
    named = row.split("|", 2)[2].strip(" |").replace("\\|", "|")
    assert named == ", ".join(f"`{verb.usage}`" for verb in verbs.values())
