"""Every mutation still finds what it breaks, and the mutant is what a process with it imports."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from deploy.stack import REPOSITORY
from tests.chaos.mutation import MUTATIONS, environment, mutate

_SHOW = "import sys, importlib, inspect; print(importlib.import_module(sys.argv[1]).__loader__.get_code(sys.argv[1]))"


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_changes_the_source_and_the_mutant_can_be_imported(name: str) -> None:
    for module in sorted({module for module, _, _ in MUTATIONS[name]}):
        source = (REPOSITORY / f"{module.replace('.', '/')}.py").read_text()
        assert mutate(name, module, source) != source
        done = subprocess.run(
            [sys.executable, "-c", _SHOW, module], cwd=REPOSITORY, env={**os.environ, **environment(name)},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert module.replace(".", "/") in done.stdout


def test_a_mutation_that_finds_nothing_says_so() -> None:
    with pytest.raises(ValueError, match="stands 0 times"):
        mutate("epoch_ignored", "services.octo_bridge.handlers_jobs", "nothing here")
