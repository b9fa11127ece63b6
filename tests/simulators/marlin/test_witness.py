from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from deploy.simulators.marlin.settings import Settings
from deploy.simulators.marlin.witness import Witness
from tests.simulators.marlin.bench import Bench

LINE = ("G90", "M83", "G1 Z5", "G1 X50 Y50", "G1 Z0.25", "G1 E5", "G1 X100 E2.5", "G1 Y100 E2.5", "G1 E-5", "M400")


def written(bench: Bench, path: Path) -> Witness:
    path.write_text("".join(json.dumps(record) + "\n" for record in bench.records))
    return Witness(path)


def draw(bench: Bench, name: str) -> None:
    bench.numbered(0, "M110 N0")
    bench.send(*LINE, f"M118 E1 move:{name}:a1:done")


@pytest.fixture
def bench() -> Bench:
    ready = Bench()
    ready.hot()
    ready.send("G28")
    return ready


def test_segments_belong_to_the_job_whose_mark_ends_their_file(bench: Bench, tmp_path: Path) -> None:
    draw(bench, "1-1")
    draw(bench, "1-2")
    witness = written(bench, tmp_path / "log")
    assert witness.done() == ["1-1", "1-2"]
    for job in witness.jobs()[-2:]:
        assert job.attempt == 1
        assert [(segment.start, segment.end, segment.e) for segment in job.drawn] == [
            ((50, 50, 0.25), (100, 50, 0.25), 2.5),
            ((100, 50, 0.25), (100, 100, 0.25), 2.5),
        ]


def test_without_new_line_numbers_the_mark_alone_parts_two_jobs(bench: Bench, tmp_path: Path) -> None:
    bench.send(*LINE, "M118 E1 move:1-1:a1:done", *LINE, "M118 E1 move:1-2:a1:done")
    assert [(job.move, len(job.drawn)) for job in written(bench, tmp_path / "log").jobs()[-2:]] == [
        ("1-1", 2),
        ("1-2", 2),
    ]


def test_a_missing_m118_hides_no_job_from_the_witness(tmp_path: Path) -> None:
    bench = Bench(Settings(has_m118=False))
    bench.hot()
    draw(bench, "1-1")
    assert written(bench, tmp_path / "log").done() == ["1-1"]


def test_a_reset_ends_a_job_without_a_name(bench: Bench, tmp_path: Path) -> None:
    bench.numbered(0, "M110 N0")
    bench.send(*LINE[:6], "M400", "G1 X100 E2.5 F600")
    bench.wait(2)
    bench.firmware.reset(bench.now, "button")
    bench.wait(2)
    bench.hot()
    draw(bench, "1-2")
    *_, cut, whole = written(bench, tmp_path / "log").jobs()
    assert (cut.move, cut.drawn[-1].cut, whole.move) == (None, True, "1-2")
    assert 0 < cut.drawn[-1].e < 2.5


def test_a_cold_job_drew_nothing_and_says_how_much_is_missing(tmp_path: Path) -> None:
    bench = Bench()
    bench.send("G28")
    draw(bench, "1-1")
    job = written(bench, tmp_path / "log").jobs()[-1]
    assert (job.move, job.drawn, job.dropped_e) == ("1-1", (), 10)


def test_moves_from_an_unknown_position_are_found(bench: Bench, tmp_path: Path) -> None:
    draw(bench, "1-1")
    bench.send("M84", "G91", "G1 Z10", "M400", "G90", "G28 X Y")
    witness = written(bench, tmp_path / "log")
    assert [segment.unknown for segment in witness.moved_unknown()] == ["Z"]
    assert witness.moved_unknown("XY") == []


def test_heaters_are_known_over_time(tmp_path: Path) -> None:
    bench = Bench()
    bench.send("M104 S60")
    bench.wait(60)
    heaters = written(bench, tmp_path / "log").heaters()
    assert heaters[-1].nozzle == pytest.approx(60, abs=1)
    assert all(-1 <= b.nozzle - a.nozzle <= 5 for a, b in pairwise(heaters))


def test_a_half_written_line_is_left_out_and_a_missing_log_is_empty(bench: Bench, tmp_path: Path) -> None:
    witness = written(bench, tmp_path / "log")
    count = len(witness.records())
    with witness.path.open("a") as log:
        log.write('{"kind": "mo')
    assert len(witness.records()) == count
    assert Witness(tmp_path / "none").jobs() == []
