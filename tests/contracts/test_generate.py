"""The generated files are what the models say, and a stale one is named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from contracts import generate
from contracts.channels import CHANNELS
from contracts.examples import BODIES, EXAMPLES, TEXTS

_PRINT = (
    "from contracts.generate import files; import hashlib; print(hashlib.sha256(repr(files()).encode()).hexdigest())"
)


def test_committed_files_are_up_to_date() -> None:
    assert generate.stale(generate.FOLDER, generate.files()) == []


@pytest.mark.parametrize("change", ["edited", "missing", "left over"])
def test_a_stale_file_is_found_and_mended(tmp_path: Path, change: str) -> None:
    wanted = generate.files()
    generate.write(tmp_path, wanted)
    assert generate.stale(tmp_path, wanted) == []
    name = "left_over.schema.json" if change == "left over" else "command.schema.json"
    if change == "missing":
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_text("{}", encoding="utf-8")
    assert generate.stale(tmp_path, wanted) == [name]
    generate.write(tmp_path, wanted)
    assert generate.stale(tmp_path, wanted) == []


def test_check_writes_nothing_and_says_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "FOLDER", tmp_path)
    assert generate.main(["--check"]) == 1
    assert "asyncapi.json is stale; run `make contracts`" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0


def test_the_same_in_every_process() -> None:
    """Sets iterate differently under every hash seed; none may reach a file."""
    seen = {
        subprocess.run(
            [sys.executable, "-c", _PRINT], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True,
            cwd=generate.FOLDER.parent.parent,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(seen) == 1


def test_every_channel_has_an_example_of_each_of_its_forms() -> None:
    assert set(EXAMPLES) == {channel.name for channel in CHANNELS}
    assert set(BODIES) == {channel.name for channel in CHANNELS if channel.body is not None}
    assert set(TEXTS) == {channel.name for channel in CHANNELS if channel.text is not None}
    assert all(EXAMPLES.values())
    assert all(BODIES.values())
