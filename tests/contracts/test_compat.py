"""The comparison with the last release, on releases made up in a repository of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contracts import compat
from contracts.channels import CHANNELS
from contracts.generate import files, write

NOW = files()
Edit = Callable[[Any], Any]


def _before(name: str, edit: Edit) -> dict[str, str]:
    """The files of a release in which *name* was another."""
    content = json.loads(NOW[name])
    edit(content)
    return NOW | {name: json.dumps(content)}


def test_a_version_is_compatible_with_itself() -> None:
    assert compat.problems(NOW, NOW) == []


def test_every_payload_of_every_channel_is_compared() -> None:
    assert {name for name in NOW if name.endswith(".schema.json")} == set(compat.uses())
    assert len(CHANNELS) == sum(name.startswith("examples/") for name in NOW)


GONE: dict[str, tuple[str, Edit, str]] = {
    "a channel": (
        "asyncapi.json", lambda d: d["channels"].update(old={"address": "x"}), "old: the channel was removed"),
    "an address": (
        "asyncapi.json", lambda d: d["channels"]["move_status"].update(address="{root}/v1/moves"), "address changed"),
    "a retained flag": (
        "asyncapi.json", lambda d: d["channels"]["move_status"].update({"x-retained": True}), "x-retained changed"),
    "a verb": (
        "asyncapi.json", lambda d: d["channels"]["ender_command"]["x-verbs"].update(dance={}),
        "x-verbs 'dance' was removed"),
    "the text form": (
        "asyncapi.json", lambda d: d["channels"]["move_status"]["messages"].update(text={}),
        "messages 'text' was removed"),
    "a reader": (
        "asyncapi.json", lambda d: d["channels"]["link_chat"]["x-readers"].append("viewer"),
        "viewer is no longer among x-readers"),
    "a field": (
        "chat_state.schema.json", lambda d: d["properties"].update(mood={"type": "string"}),
        "payload.mood: was removed"),
    "what an example says": (
        "examples/link_plan.json", lambda d: d["bodies"].append({"kind": "dance"}),
        "bodies example 4 is no longer understood"),
    "an example of a command": (
        "examples/ender_command.json", lambda d: d["text"].append("dance"), "text example 4 is no longer understood"),
}  # fmt: skip


@pytest.mark.parametrize("planted", GONE)
def test_what_was_promised_and_is_gone_is_named(planted: str) -> None:
    name, edit, message = GONE[planted]
    found = compat.problems(_before(name, edit), NOW)
    assert any(message in line and line.startswith(name) for line in found), found


def test_a_schema_that_is_gone_is_named() -> None:
    assert compat.problems(NOW | {"mood.schema.json": "{}"}, NOW) == ["mood.schema.json: was removed"]


def _git(repository: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "core.hooksPath=/dev/null"]
    subprocess.run(["git", "-C", str(repository), *identity, *arguments], check=True, capture_output=True)


def _release(repository: Path, tag: str, contents: dict[str, str]) -> None:
    write(repository / "contracts" / "v1", contents)
    _git(repository, "add", "-A")
    _git(repository, "commit", "-q", "--allow-empty", "-m", tag)
    _git(repository, "tag", tag)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """An empty git repository."""
    _git(tmp_path, "init", "-q")
    return tmp_path


BROKEN = _before("chat_state.schema.json", lambda d: d["properties"].update(mood={"type": "string"}))


def test_without_a_release_it_says_so_and_passes(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compat.main(repository) == 0
    assert "no release yet" in capsys.readouterr().out


def test_a_broken_release_fails_with_the_place(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _release(repository, "v1.0.0", BROKEN)
    assert compat.main(repository) == 1
    assert "contracts/v1/chat_state.schema.json: payload.mood: was removed" in capsys.readouterr().err


def test_the_newest_release_counts_and_only_it(repository: Path) -> None:
    _release(repository, "v1.1.0", BROKEN)
    _release(repository, "v1.9.0", BROKEN | {"gone.schema.json": "{}"})
    _release(repository, "v1.10.0", NOW)
    _git(repository, "tag", "vnext")
    assert compat.last_release(repository) == "v1.10.0"
    assert compat.main(repository) == 0


def test_before_1_0_a_break_is_said_and_allowed(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _release(repository, "v0.3.0", BROKEN)
    assert compat.main(repository) == 0
    said = capsys.readouterr()
    assert "payload.mood: was removed" in said.err
    assert "draft" in said.out
