"""`python -m tests.chaos SEED=7 FAULTS=100`, and more of the same form.

KINDS=kill,freeze BROKER=persistent PRINTER=virtual MUTANT=NAME OUT=FOLDER
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from tests.chaos import mutation, report
from tests.chaos.campaign import Campaign
from tests.chaos.faults import KINDS, sequence
from tests.chaos.printers import UNABLE
from tests.chaos.recovery import samples

PIECE = 50
"""Faults in one world; then everything begins anew, so that logs stay short."""


def main(words: list[str]) -> int:
    """0 when every promise was kept."""
    options = dict(word.split("=", 1) for word in words)
    seed, count = int(options.pop("SEED", "1")), int(options.pop("FAULTS", "100"))
    kinds = [name for name in options.pop("KINDS", "").split(",") if name]
    persistent = options.pop("BROKER", "") == "persistent"
    virtual = options.pop("PRINTER", "") == "virtual"
    mutant = mutation.environment(name) if (name := options.pop("MUTANT", "")) else None
    out = Path(options.pop("OUT", "") or tempfile.mkdtemp(prefix="chaos-"))
    unknown = [name for name in kinds if name not in KINDS]
    if options or unknown:
        print(f"unknown: {[*options, *unknown]}\n{__doc__}\nkinds: {', '.join(KINDS)}", file=sys.stderr)
        return 2
    able = [name for name in kinds or KINDS if not (virtual and name in UNABLE)]
    faults = sequence(seed, count, able)
    pieces: list[dict[str, object]] = []
    for index in range(0, count, PIECE):
        folder = out / f"seed-{seed}-piece-{index // PIECE}"
        folder.mkdir(parents=True)
        result = Campaign(folder, seed * 1000 + index, persistence=persistent, mutant=mutant, virtual=virtual).run(
            faults[index : index + PIECE]
        )
        pieces.append(report.as_dict(seed, result))
        report.write(out / f"seed-{seed}.json", pieces)
        print(report.table(samples(result.story)))
        print({key: value for key, value in pieces[-1].items() if key not in {"recovery", "struck"}})
        if result.verdicts or result.figures["unrecovered"]:
            again = " ".join(words) or f"SEED={seed} FAULTS={count}"
            print(f"FAILED. Logs and databases: {folder}\nagain: make chaos {again}", file=sys.stderr)
            return 1
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
