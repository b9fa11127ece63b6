"""`python -m contracts.compat`: whether contracts/v1 still keeps what the last release promised.

v1 is a draft until release 1.0; until then what would break is shown and not refused.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from contracts.base import Order
from contracts.channels import BY_NAME, CHANNELS, VERSION, Channel, Kind
from contracts.commands import BadCommand, parse_command
from contracts.differences import Use, breaking
from contracts.generate import files, snake
from contracts.schemas import name_of

_USES = {
    Kind.REQUEST: Use.ORDER, Kind.COMMAND: Use.ORDER, Kind.LINK: Use.LINK, Kind.RECEIPT: Use.LINK,
    Kind.EVENT: Use.NEWS, Kind.STATE: Use.NEWS, Kind.PRESENCE: Use.NEWS, Kind.DEAD_LETTER: Use.NEWS,
}  # fmt: skip
REPOSITORY = Path(__file__).parent.parent


def problems(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """What of the files *old* of contracts/v1 is broken by the files *new*, each with its file and place."""
    found: list[str] = []
    if "asyncapi.json" in old:
        found += [f"asyncapi.json: {line}" for line in _channel_problems(_load(old), _load(new))]
    for name, use in uses().items():
        if name in old and name in new:
            lines = breaking(json.loads(old[name]), json.loads(new[name]), use)
            found += [f"{name}: {line}" for line in lines]
    found += [f"{name}: was removed" for name in old if name.endswith(".schema.json") and name not in new]
    for name, text in old.items():
        if name.startswith("examples/"):
            found += [f"{name}: {line}" for line in _example_problems(Path(name).stem, json.loads(text))]
    return found


def uses() -> dict[str, Use]:
    """Which way the payload of each schema file goes."""
    found: dict[str, Use] = {}
    for channel in CHANNELS:
        for kind in (channel.payload, channel.body):
            if kind is not None:
                order = isinstance(kind, type) and issubclass(kind, Order)
                found[f"{snake(name_of(kind))}.schema.json"] = Use.ORDER if order else _USES[channel.kind]
    return found


def _load(contents: Mapping[str, str]) -> dict[str, Any]:
    channels: dict[str, Any] = json.loads(contents["asyncapi.json"])["channels"]
    return channels


def _channel_problems(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    found: list[str] = []
    for name, before in old.items():
        after = new.get(name)
        if after is None:
            found.append(f"{name}: the channel was removed")
            continue
        for key in ("address", "x-kind", "x-retained"):
            if before.get(key) != after.get(key):
                found.append(f"{name}: {key} changed from {before.get(key)} to {after.get(key)}")
        for key in ("messages", "x-verbs"):
            found += [f"{name}: {key} '{gone}' was removed" for gone in before.get(key, {}).keys() - after.get(key, {})]
        for key in ("x-publishers", "x-readers"):
            gone = set(before.get(key, ())) - set(after.get(key, ()))
            found += [f"{name}: {party} is no longer among {key}" for party in sorted(gone)]
    return found


def _example_problems(name: str, examples: Mapping[str, list[Any]]) -> list[str]:
    """What an earlier version said must still be understood by today's models."""
    channel = BY_NAME.get(name)
    if channel is None:
        return []  # told already: the channel was removed
    found: list[str] = []
    for key, values in examples.items():
        for number, value in enumerate(values, start=1):
            try:
                _parse(channel, key, value)
            except (ValidationError, BadCommand) as error:
                found.append(f"{key} example {number} is no longer understood: {str(error)[:300]}")
    return found


def _parse(channel: Channel, key: str, value: Any) -> None:
    if key == "bodies":
        TypeAdapter(channel.body).validate_python(value)
    elif channel.verbs is not None:
        parse_command(value.encode() if key == "text" else json.dumps(value).encode(), channel.verbs)
    elif key == "json":
        TypeAdapter(channel.payload).validate_json(json.dumps(value))
    elif channel.kind is Kind.PRESENCE:
        TypeAdapter(channel.payload).validate_python(value)


def last_release(repository: Path) -> str | None:
    """The newest tag v1.2.3 that HEAD stands on; None where there is none, or no git."""
    tags = _git(repository, "tag", "--list", "v*", "--merged", "HEAD", "--sort=-version:refname")
    return next((tag for tag in tags.split() if re.fullmatch(r"v\d+(\.\d+)*", tag)), None)


def released(repository: Path, tag: str) -> dict[str, str]:
    """The files of contracts/v1 at *tag* by their path below it."""
    folder = f"contracts/{VERSION}/"
    names = _git(repository, "ls-tree", "-r", "--name-only", tag, folder).split()
    return {name.removeprefix(folder): _git(repository, "show", f"{tag}:{name}") for name in names}


def _git(repository: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(repository), *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout


def main(repository: Path = REPOSITORY) -> int:
    """0 when nothing is broken, or nothing binds yet; 1 with a line a break."""
    tag = last_release(repository)
    if tag is None:
        print("contracts: no release yet (no tag v*), nothing to compare with")
        return 0
    found = problems(released(repository, tag), files())
    draft = tag.startswith("v0.")
    for line in found:
        print(f"contracts/{VERSION}/{line}", file=sys.stderr)
    if found and draft:
        print(f"contracts: {len(found)} breaks since {tag}; {VERSION} is a draft until 1.0, so they are allowed")
    elif found:
        print(f"contracts: {len(found)} breaks since {tag}; only optional additions are allowed, "
              "anything else is a new version beside this one", file=sys.stderr)  # fmt: skip
    else:
        print(f"contracts: compatible with {tag}")
    return 1 if found and not draft else 0


if __name__ == "__main__":
    sys.exit(main())
