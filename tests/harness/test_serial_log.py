"""The witness must be right about repeats, resends and files that never ended."""

from __future__ import annotations

from pathlib import Path

from deploy.simulators.octoprint import SerialLog

DAY = "2026-01-31 12:00:00"
FILE = ["G90", "M83", "G1 Z5 F300", "G1 X10 Y10 F6000", "G1 E5 F1500", "G1 X90 Y10 E4 F2400", "G1 E-5 F1500", "M400"]
DONE = "M118 E1 move:7-42:a1:done"
M110 = "M110 N0"


def numbered(commands: list[str], first_ms: int = 100) -> list[str]:
    """A file as the log has it: its numbers start at 1 after M110, one millisecond a line, each acknowledged."""
    records = []
    for number, command in enumerate([M110, *commands]):
        time = f"{DAY},{first_ms + number:03}"
        records += [f"{time} <<< N{number} {command}*{number}", "", f"{time} >>> ok"]
    return records


def log(folder: Path, *records: str) -> SerialLog:
    path = folder / "serial.log"
    path.write_text("\n".join(records))
    return SerialLog(path)


def test_missing_log_is_empty(tmp_path: Path) -> None:
    assert SerialLog(tmp_path / "none").jobs() == []


def test_job_with_its_motion_and_times(tmp_path: Path) -> None:
    (job,) = log(tmp_path, *numbered([*FILE, DONE, "M400"])).jobs()

    assert (job.move, job.attempt) == ("7-42", 1)
    assert job.drawn == ("G1 X90 Y10 E4 F2400",)
    assert len(job.motion) == 5
    assert job.started.microsecond == 101_000
    assert job.finished is not None
    assert job.finished.microsecond == 109_000


def test_lines_that_a_second_connection_writes_twice_count_once(tmp_path: Path) -> None:
    manual = [f"{DAY},050 <<< M104 S200", f"{DAY},050 >>> ok"]
    log_ = log(tmp_path, *[record for record in [*manual, *numbered([*FILE, DONE])] for _ in range(2)])

    assert [line.text for line in log_.lines()] == ["M104 S200", M110, *FILE, DONE]
    assert [job.drawn for job in log_.jobs()] == [("G1 X90 Y10 E4 F2400",)]


def test_line_sent_again_counts_once_but_the_same_line_of_the_next_file_does_not_vanish(tmp_path: Path) -> None:
    again = f"{DAY},150 <<< N6 G1 X90 Y10 E4 F2400*6"
    log_ = log(tmp_path, *numbered([*FILE, DONE]), again, *numbered([*FILE, DONE.replace("42", "43")], 200))

    assert [(job.move, len(job.drawn)) for job in log_.jobs()] == [("7-42", 1), ("7-43", 1)]
    assert log_.drawn() == ["7-42", "7-43"]


def test_line_written_in_pieces_counts_once(tmp_path: Path) -> None:
    records = numbered([*FILE, DONE])
    rest = f"{DAY},106 <<< G1 X90 Y10 E4 F2400*6"

    log_ = log(tmp_path, *records[:19], rest, *records[19:])
    assert [line.text for line in log_.lines()] == [M110, *FILE, DONE]


def test_a_move_drawn_twice_is_seen_twice(tmp_path: Path) -> None:
    jobs = log(tmp_path, *numbered([*FILE, DONE]), *numbered([*FILE, DONE], 200))

    assert jobs.drawn() == ["7-42", "7-42"]


def test_file_that_never_ended_has_no_move(tmp_path: Path) -> None:
    jobs = log(tmp_path, *numbered(FILE), *numbered([*FILE, DONE], 200)).jobs()

    assert [job.move for job in jobs] == [None, "7-42"]
    assert jobs[0].drawn == ("G1 X90 Y10 E4 F2400",)


def test_commands_outside_of_files_belong_to_no_job(tmp_path: Path) -> None:
    manual = [f"{DAY},050 <<< G1 X5 E1", f"{DAY},050 >>> ok", f"{DAY},051 <<< M104 S200", f"{DAY},051 >>> ok"]
    log_ = log(tmp_path, *manual, *numbered([*FILE, DONE]))

    assert [job.move for job in log_.jobs()] == ["7-42"]
    assert [line.text for line in log_.lines()][:2] == ["G1 X5 E1", "M104 S200"]
