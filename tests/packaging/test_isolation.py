"""Services know each other through contracts alone: the import rules bite, and an extra is enough for its service."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SERVICES = ("chat_ingest", "planner", "octo_bridge", "rex_bridge")


def run(command: list[str | Path], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run *command* in *folder* without this project's settings and search path."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("BOARDCAST_", "PYTHONPATH"))}
    return subprocess.run(command, cwd=folder, env=clean | environment, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The packages and the rules about them, to plant something in."""
    for name in ("contracts", "services", "deploy", "tests"):
        shutil.copytree(REPOSITORY / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    return tmp_path


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    program = (
        "import sys; sys.path.insert(0, ''); from importlinter.cli import lint_imports_command; lint_imports_command()"
    )
    return run([sys.executable, "-c", program, "--no-cache"], folder)


def test_nothing_is_found_where_nothing_is_planted(copy: Path) -> None:
    untouched = lint_imports(copy)
    assert untouched.returncode == 0, untouched.stdout + untouched.stderr


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("services/planner/grammar.py", "import services.octo_bridge.settings"),
        ("services/planner/grammar.py", "import paho.mqtt.client"),
        ("contracts/text.py", "import services.chassis.log"),
        ("services/chassis/clock.py", "import contracts.moves"),
        ("services/octo_bridge/settings.py", "import deploy.stack"),
    ],
)
def test_a_planted_import_is_found(copy: Path, module: str, line: str) -> None:
    target = copy / module
    target.write_text(target.read_text() + f"\n{line}\n")
    planted = lint_imports(copy)
    assert planted.returncode != 0, planted.stdout
    assert line.removeprefix("import ").split(".")[0] in planted.stdout


@pytest.mark.timeout(240)
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_passes_its_check_with_its_extra_alone(tmp_path: Path, service: str) -> None:
    environment = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    source = tmp_path / "source"
    source.mkdir()
    for name in ("contracts", "services"):
        shutil.copytree(REPOSITORY / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "requirements.lock"):
        shutil.copy(REPOSITORY / name, source)
    extra = service.replace("_", "-")
    pip: list[str | Path] = [environment / "bin/pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "-c", "requirements.lock", f".[{extra}]"], cwd=source, check=True)
    outside = tmp_path / "outside"
    outside.mkdir()
    result = run(
        [environment / "bin/python", "-m", f"services.{service}", "check"],
        outside,
        BOARDCAST_OCTOPRINT_URL="http://127.0.0.1:1",
        BOARDCAST_OCTOPRINT_API_KEY="not-shown",
        BOARDCAST_REX_PRINTERS="rex=127.0.0.1",
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "BOARDCAST_TOPIC_ROOT=boardcast" in result.stdout
    assert "nothing is missing" in result.stdout
    assert "not-shown" not in result.stdout
