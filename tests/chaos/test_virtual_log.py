"""What the Virtual Printer's log says, told as of a printer that forgets what a real one forgets."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.story import File
from tests.chaos.truth import Truth
from tests.chaos.virtual_log import VirtualLog

HOME = ["N0 M110 N0*125", "N1 G28 X Y*1", "N2 G28 Z*1", "N3 G90*1", "N4 M83*1"]
LINE = [
    "N5 G0 X10 Y10 F6000*1",
    "N6 G1 X40 Y50 E2.5 F2400*1",
    "N7 M400*1",
    "N8 M118 E1 move:0123abcd-1-1-1-beef:a1:done*1",
]


class Log:
    """Written as the Virtual Printer writes it, a second a line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.second = 0
        self.truth = Truth(path, VirtualLog().records)

    def write(self, *lines: str, answer: bool = False) -> None:
        with self.path.open("a") as log:
            for line in lines:
                self.second += 1
                arrow = ">>>" if answer else "<<<"
                log.write(f"2026-01-31 12:00:{self.second:02},123 {arrow} {line}\n")

    def files(self) -> list[File]:
        self.truth.update()
        return [file for file in self.truth.files() if file.plastic > 0 or file.job is not None]


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "log")


def test_a_file_is_drawn_when_its_last_line_came(log: Log) -> None:
    log.write(*HOME, *LINE[:-1])
    [file] = log.files()
    assert (file.job, file.plastic, file.blind) == (None, 50.0, False)
    log.write(LINE[-1])
    [file] = log.files()
    assert file.job == "0123abcd-1-1-1-beef"
    assert [job for _, job in log.truth.drawn] == ["0123abcd-1-1-1-beef"]
    assert log.truth.whole("1-1")


def test_what_is_sent_again_and_what_another_connection_writes_again_counts_once(log: Log) -> None:
    log.write(*HOME, *LINE[:2], LINE[1])
    log.write(LINE[3])  # out of turn: the printer asks for the one before
    text = log.path.read_text().splitlines(keepends=True)
    log.path.write_text("".join(line + line for line in text))
    [file] = log.files()
    assert (file.job, file.plastic) == (None, 50.0)


@pytest.mark.parametrize("why", ["reset", "motors", "never"])
def test_motion_from_an_unknown_place_is_blind(log: Log, why: str) -> None:
    if why != "never":
        log.write(*HOME)
    if why == "reset":
        log.write("start", answer=True)
    elif why == "motors":
        log.write("N5 M84*1")
    log.write("N4 M110 N4*1", *LINE)
    assert [file.blind for file in log.files()] == [True]


def test_motors_that_are_only_to_be_let_go_later_keep_the_place(log: Log) -> None:
    log.write(*HOME, "M84 S7200", *LINE)
    assert [file.blind for file in log.files()] == [False]


def test_a_heater_that_is_on_while_nothing_moves_is_seen_until_a_reset(log: Log) -> None:
    log.write("M104 S205.0", *["M105"] * 20)
    log.write("start", answer=True)
    log.truth.update()
    [hot] = log.truth.hot(0.0)
    assert hot.ended - hot.began == pytest.approx(21)
