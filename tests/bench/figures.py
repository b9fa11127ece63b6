"""What a bench returns, and the small table that it is printed as.

A bench is one file in this folder called ``bench_<what>.py`` with a function ``run() -> list[Figure]`` and a docstring
whose first line is its title. It is found by its name.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One line of a table. *met* is None where nothing is aimed at."""

    what: str
    value: str
    aim: str = ""
    met: bool | None = None


def table(title: str, figures: list[Figure]) -> str:
    """*figures* as text."""
    rows = [(f.what, f.value, f.aim, {True: "met", False: "missed", None: ""}[f.met]) for f in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [f"{w:{widths[0]}}  {v:>{widths[1]}}  {a:{widths[2]}}  {m}".rstrip() for w, v, a, m in rows]
    return "\n".join([title, *(f"  {line}" for line in lines)])
