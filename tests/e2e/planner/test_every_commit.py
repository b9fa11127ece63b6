"""The planner dies at each of its commits in turn: queue, map, history and what is drawn are as without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.planner.mortal import Death, MortalStack
from tests.e2e.planner.story import Story

_PROFILE = "[purge]\nafter = 0\n"
"""After every pause, however short: a planner that was started again does not know how long the nozzle was idle."""


async def told(folder: Path, death: Death) -> tuple[dict[str, Any], int]:
    """What is left of the story when *death* comes, and how often it came."""
    stack = MortalStack(folder, death, profile=folder.with_name("profile.toml"), board_lines=100)
    await stack.start()
    try:
        story = Story(stack)
        await story.tell()
        return story.facts(), stack.deaths
    finally:
        death.at = 0  # the end of the test is none of the story
        await stack.stop()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_killed_at_every_commit_it_goes_on_as_if_it_had_not_been(tmp_path: Path, after: bool) -> None:
    (tmp_path / "profile.toml").write_text(_PROFILE)
    without, deaths = await told(tmp_path / "without", Death(at=0, after=after))
    assert deaths == 0
    at = 0
    while True:
        at += 1
        death = Death(at=at, after=after)
        facts, deaths = await told(tmp_path / f"killed-{at}-", death)
        if not deaths:
            break
        for name, fact in without.items():
            assert facts[name] == fact, f"{name} differs after a kill at commit {at}"
    assert at > 60, "the story became short"
