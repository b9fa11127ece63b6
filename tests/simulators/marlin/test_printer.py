"""The printer as a process: its port, its log, and what can be done to it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.simulators.marlin import MarlinPrinter
from deploy.simulators.waiting import wait_until

DEADLINE_S = 40


class Host:
    """A program that has the printer's port open."""

    def __init__(self, port: Path) -> None:
        self._file = os.open(port, os.O_RDWR | os.O_NOCTTY)
        os.set_blocking(self._file, False)
        self.heard = ""

    def send(self, line: str) -> None:
        os.write(self._file, f"{line}\n".encode())

    def hears(self, text: str) -> None:
        def listen() -> bool:
            if text not in self.heard:
                self.heard += os.read(self._file, 4096).decode()
            return text in self.heard

        wait_until(listen, DEADLINE_S, lambda: f"{text!r}, heard {self.heard!r}", ignore=(BlockingIOError,))

    def hung_up(self) -> bool:
        try:
            return os.read(self._file, 1) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


@pytest.fixture
def printer(tmp_path: Path) -> Iterator[MarlinPrinter]:
    machine = MarlinPrinter(tmp_path, speed_up=100)
    machine.start()
    yield machine
    machine.stop()


@pytest.fixture
def host(printer: MarlinPrinter) -> Iterator[Host]:
    program = Host(printer.port)
    program.hears("Hardcoded Default Settings Loaded\n")
    yield program
    program.close()


def resets(printer: MarlinPrinter) -> list[str]:
    return [record["why"] for record in printer.witness.records("reset")]


def test_it_starts_anew_each_time_its_port_opens(printer: MarlinPrinter, host: Host) -> None:
    host.send("G28")
    host.hears("ok\n")
    assert printer.status()["known"] == "XYZ"
    host.close()
    wait_until(lambda: not printer.status()["open"], DEADLINE_S, "the port to be closed")
    again = Host(printer.port)
    again.hears("start\n")
    assert printer.status()["known"] == ""
    assert resets(printer) == ["power", "port opened", "port opened"]
    again.close()


def test_it_need_not(tmp_path: Path) -> None:
    printer = MarlinPrinter(tmp_path, speed_up=100, settings={"reset_on_open": "false"})
    printer.start()
    host = Host(printer.port)
    wait_until(lambda: printer.witness.records("opened"), DEADLINE_S, "the port to be open")
    host.send("M105")
    host.hears("ok T:")
    host.close()
    printer.stop()
    assert resets(printer) == ["power"]


def test_its_log_says_what_was_received_and_travelled(printer: MarlinPrinter, host: Host) -> None:
    for line in ("G28 X", "G1 X25 F3000", "M400"):
        host.heard = ""
        host.send(line)
        host.hears("ok\n")
    assert printer.witness.lines() == ["G28 X", "G1 X25 F3000", "M400"]
    segment = printer.witness.segments()[-1]
    assert (segment.start[0], segment.end[0], segment.known) == (0, 25, "X")


def test_errors_resets_and_silence_come_on_demand(printer: MarlinPrinter, host: Host) -> None:
    printer.say_error("MINTEMP triggered")
    host.hears("Error:MINTEMP triggered\n")
    host.heard = ""
    printer.reset()
    host.hears("start\n")
    host.hears("Hardcoded Default Settings Loaded\n")
    host.heard = ""
    printer.mute()
    host.send("G28 X")
    wait_until(lambda: printer.status()["known"] == "X", DEADLINE_S, "the muted printer to go on")
    assert host.heard == ""
    printer.unmute()
    host.send("M105")
    host.hears("ok T:")
    with pytest.raises(ValueError, match="there is: status"):
        printer.tell("dance")


def test_its_time_is_held_at_a_moment_however_late_it_looks(printer: MarlinPrinter, host: Host) -> None:
    printer.hold("homing")
    host.send("G28")
    printer.process.freeze()
    threading.Event().wait(1)  # longer than all of the homing takes
    printer.process.thaw()
    wait_until(lambda: printer.status()["held"], DEADLINE_S, "the moment")
    held = printer.status()
    assert held["known"] == "X"
    assert printer.status() == held
    printer.go_on()
    host.hears("ok\n")
    assert printer.status()["known"] == "XYZ"
    with pytest.raises(ValueError, match="dancing"):
        printer.hold("dancing")


def test_its_time_is_held_while_plastic_is_laid(printer: MarlinPrinter, host: Host) -> None:
    printer.hold("drawing")
    host.send("G28")
    host.hears("ok\n")
    host.send("M104 S210")
    printer.tell("temperature nozzle 210")
    for line in ("M83", "G1 Z0.25 F300", "G1 E5 F1500", "G1 X100 E4 F2400", "G1 Z5 F300"):
        host.send(line)
    wait_until(lambda: printer.status()["held"], DEADLINE_S, "the moment")
    printer.reset()
    cut = printer.witness.segments()[-1]
    assert cut.cut
    assert 0 < cut.e < 4
    printer.go_on()


def test_a_dropped_line_hangs_up_and_has_the_same_name_afterwards(printer: MarlinPrinter, host: Host) -> None:
    printer.drop()
    wait_until(host.hung_up, DEADLINE_S, "the host to notice")
    again = Host(printer.port)
    again.hears("start\n")
    again.close()


def test_signals_reset_it_and_drop_the_line(printer: MarlinPrinter, host: Host) -> None:
    os.kill(printer.process.pid, signal.SIGUSR1)
    wait_until(lambda: resets(printer)[-1] == "signal", DEADLINE_S, "a reset")
    os.kill(printer.process.pid, signal.SIGUSR2)
    wait_until(lambda: printer.witness.records("dropped_line"), DEADLINE_S, "a drop")


def test_a_killed_printer_starts_again_under_the_same_name(printer: MarlinPrinter) -> None:
    printer.kill()
    printer.start()
    host = Host(printer.port)
    host.hears("start\n")
    host.close()
    assert resets(printer)[:2] == ["power", "power"]


def test_with_an_infinite_speed_up_nothing_takes_time(tmp_path: Path) -> None:
    printer = MarlinPrinter(tmp_path, speed_up=float("inf"))
    printer.start()
    host = Host(printer.port)
    host.hears("start\n")
    for line in ("G28", "M190 S60", "M109 S200", "G4 S3600"):
        host.heard = ""
        host.send(line)
        host.hears("ok\n")
    status = printer.status()
    assert status["nozzle"] == [200, 200]
    assert status["t"] > 3600
    host.close()
    printer.stop()


def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no setting 'colour'"):
        MarlinPrinter(tmp_path, settings={"colour": "red"}).start()
