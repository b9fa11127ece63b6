"""Figures of one or more pieces, as JSON and as a table to read."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.chaos.campaign import Result
from tests.chaos.recovery import by_kind, samples

VERDICTS = (
    "lost", "drawn twice", "out of order", "falsely drawn", "falsely uncertain", "silent stall", "unsafe",
)  # fmt: skip


def as_dict(seed: int, result: Result) -> dict[str, object]:
    """What is kept of a piece."""
    counts = Counter(verdict.kind for verdict in result.verdicts)
    return {
        "seed": seed,
        **result.figures,
        "verdicts": {kind: counts[kind] for kind in VERDICTS},
        "what": [f"{v.kind}: {v.about}: {v.why}" for v in result.verdicts],
        "struck": dict(Counter(f"{s.kind}:{s.target}" for s in result.story.struck)),
        "recovery": samples(result.story),
    }


def write(path: Path, pieces: Sequence[dict[str, object]]) -> None:
    """As JSON."""
    path.write_text(json.dumps(list(pieces), indent=1))


def table(found: Sequence[tuple[str, float]]) -> str:
    """Recovery by kind, as Markdown."""
    rows = ["| fault | times | median s | 90 % s | longest s |", "|---|---|---|---|---|"]
    for kind in by_kind(found):
        rows.append(
            f"| {kind.kind} | {len(kind.seconds)} | {kind.median:.1f} | {kind.p90:.1f} | {max(kind.seconds):.1f} |"
        )
    return "\n".join(rows)
