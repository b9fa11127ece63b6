"""A job's id names one job for ever, also when the planner's data comes from a backup."""

from __future__ import annotations

from dataclasses import replace

from contracts.plan import Run
from services.planner.effects import Send
from services.planner.game import Setup
from tests.unit.planner.bench import Bench


def _job(bench: Bench) -> str:
    bench.ask("a1 h8")
    runs = [effect.body for effect in bench.effects if isinstance(effect, Send) and isinstance(effect.body, Run)]
    return runs[-1].job_id


def test_a_restored_planner_does_not_name_its_jobs_like_those_it_forgot() -> None:
    first, restored = Bench().ready(), Bench().ready()
    restored.setup = replace(restored.setup, process="1")
    assert _job(first).rsplit("-", 1)[0] == _job(restored).rsplit("-", 1)[0], "the same move, counted again"
    assert _job(first) != _job(restored)


def test_every_process_has_a_name_of_its_own() -> None:
    settings = Bench().setup.settings
    assert Setup.of(settings, "a").process != Setup.of(settings, "b").process
