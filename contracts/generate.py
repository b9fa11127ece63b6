"""`python -m contracts.generate [--check]`: contracts/v1 from the table of channels, or whether it is up to date."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from contracts.asyncapi import document, wire
from contracts.channels import BY_NAME, CHANNELS, JSON, VERSION
from contracts.examples import BODIES, EXAMPLES, TEXTS
from contracts.schemas import payloads, schema_of

FOLDER = Path(__file__).parent / VERSION


def files() -> dict[str, str]:
    """Every generated file by its path below contracts/v1."""
    found = {f"{snake(name)}.schema.json": _text(schema_of(name, kind)) for name, kind in payloads().items()}
    found["asyncapi.json"] = _text(document())
    for channel in CHANNELS:
        found[f"examples/{channel.name}.json"] = _text(_examples(channel.name))
    return found


def stale(folder: Path, wanted: Mapping[str, str]) -> list[str]:
    """Which files of *folder* differ from *wanted*, are missing there, or are there and should not be; sorted."""
    present = {str(path.relative_to(folder)): path for path in folder.rglob("*.json")} if folder.is_dir() else {}
    return sorted(
        name
        for name in {*wanted, *present}
        if name not in wanted or name not in present or present[name].read_text(encoding="utf-8") != wanted[name]
    )


def write(folder: Path, wanted: Mapping[str, str]) -> None:
    """Make *folder* hold exactly *wanted*."""
    for name in stale(folder, wanted):
        path = folder / name
        if name in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[name], encoding="utf-8")
        else:
            path.unlink()


def snake(name: str) -> str:
    """``MoveRequest`` as ``move_request``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def main(argv: Sequence[str] | None = None) -> int:
    """0 when the files are up to date (or were written), 1 when --check found stale ones."""
    parser = argparse.ArgumentParser(prog="python -m contracts.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if a file is stale")
    arguments = parser.parse_args(argv)
    wanted = files()
    if not arguments.check:
        write(FOLDER, wanted)
        return 0
    outdated = stale(FOLDER, wanted)
    for name in outdated:
        print(f"contracts/{VERSION}/{name} is stale; run `make contracts` and commit what it writes", file=sys.stderr)
    return 1 if outdated else 0


def _examples(name: str) -> dict[str, list[Any]]:
    """As they stand on the wire: JSON values, bodies of a link, plain texts; what is none of them as base64."""
    examples = EXAMPLES[name]
    if BY_NAME[name].content_type != JSON:
        return {"base64": list(examples)}
    found = {
        "json": [wire(example) for example in examples if not isinstance(example, str)],
        "bodies": [wire(body) for body in BODIES.get(name, ())],
        "text": [*(str(example) for example in examples if isinstance(example, str)), *TEXTS.get(name, ())],
    }
    return {key: values for key, values in found.items() if values}


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())
