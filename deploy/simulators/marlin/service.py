"""The rim: a firmware between a serial port, a clock, a log and a control connection. It decides nothing."""

from __future__ import annotations

import json
import select
import signal
import socket
import time
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

from deploy.simulators.marlin.clock import Clock
from deploy.simulators.marlin.control import carry_out
from deploy.simulators.marlin.firmware import Firmware
from deploy.simulators.marlin.hold import MOMENTS, Moment
from deploy.simulators.marlin.port import Port
from deploy.simulators.marlin.settings import Settings
from deploy.simulators.ports import LOOPBACK

SETTLE_S = 0.05
"""A host opens, closes and opens again within this time (OctoPrint does on Debian); it is one opening."""
_CLOSED_POLL_S = 0.005
_LONGEST_POLL_S = 0.25


class Service:
    """One printer with its power on."""

    def __init__(self, settings: Settings, link: Path, log: Path, speed_up: float, control_port: int) -> None:
        self.firmware = Firmware(settings)
        self.muted = False
        self.port = Port(link)
        self._settings = settings
        self._log_path = log
        self._speed_up = speed_up
        self._control_port = control_port
        self._opened_at: float | None = None
        self._hold: Moment | None = None
        self._running = True

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT; SIGUSR1 resets the printer, SIGUSR2 drops the line. Raises OSError."""
        self._clock = Clock(self._speed_up)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(number, self._on_signal)
        self._log_path.parent.mkdir(parents=True, exist_ok=True)
        with (
            self._log_path.open("a", encoding="utf-8") as log,
            socket.create_server((LOOPBACK, self._control_port)) as control,
        ):
            self.reset("power")
            self._write(log)
            self.port.plug()
            print(self.port.link, flush=True)
            try:
                self._serve(log, control)
            finally:
                self.port.remove()

    def reset(self, why: str) -> None:
        """Press the reset button."""
        self.firmware.reset(self._clock.now(), why)

    def drop(self) -> None:
        """The cable comes off and is put back: the host's port is gone, a new one has the same name."""
        self.firmware.machine.record("dropped_line")
        self.port.unplug()
        self.port.plug()

    def hold(self, moment: str) -> None:
        """Hold the time at the next *moment* of `hold.MOMENTS`. Raises KeyError."""
        self._hold = MOMENTS[moment]

    def go_on(self) -> None:
        """Wait for no such moment any more, and let the time go on."""
        self._hold = None
        self._clock.go_on()

    def status(self) -> dict[str, Any]:
        """The truth at this moment."""
        machine = self.firmware.machine
        heaters = {name: [heater.temperature, heater.target] for name, heater in machine.heaters.items()}
        return {
            "t": machine.now,
            "at": list(machine.body.point),
            "known": machine.body.known,
            "powered": "".join(sorted(machine.body.powered)),
            "moving": not machine.planner.empty,
            "halted": self.firmware.halted,
            "open": self.port.is_open,
            "held": self._clock.stopped,
            **heaters,
        }

    def _serve(self, log: TextIO, control: socket.socket) -> None:
        while self._running:
            self._listen()
            self._go_on()
            # Before a word of it is said: who hears it may look here at once.
            self._write(log)
            self._speak()
            self._wait(control, log)

    def _write(self, log: TextIO) -> None:
        records = self.firmware.take_records()
        if records:
            wall = round(time.time(), 3)
            log.write("".join(json.dumps({"wall": wall, **record}) + "\n" for record in records))
            log.flush()

    def _speak(self) -> None:
        replies = self.firmware.take_replies()
        if not self.muted and not self._held_in_reset:
            self.port.write("".join(f"{reply}\n" for reply in replies))

    @property
    def _held_in_reset(self) -> bool:
        """The opening holds the reset line for a moment; a processor in reset neither hears nor speaks."""
        return self._opened_at is not None and self._settings.reset_on_open

    def _listen(self) -> None:
        opened, lines = self.port.look()
        if opened:
            self._opened_at = time.monotonic()
        if self._opened_at is not None and time.monotonic() - self._opened_at >= SETTLE_S:
            self._opened_at = None
            self.firmware.machine.record("opened")
            if self._settings.reset_on_open:
                self.reset("port opened")
        if self._held_in_reset:
            return
        for line in lines:
            self.firmware.receive(line, self._now())

    def _go_on(self) -> None:
        self.firmware.advance(self._now())
        while self._clock.skips and (moment := self.firmware.next_work()) is not None:
            self._clock.skip_to(moment)
            self.firmware.advance(self._clock.now())

    def _now(self) -> float:
        """The time; however late this process is, nothing at which the time is to be held is passed over."""
        self._look_for_hold()
        while self._hold is not None and (due := self.firmware.next_event()) is not None and due <= self._clock.now():
            self.firmware.advance(due)
            self._look_for_hold()
        return self._clock.now()

    def _look_for_hold(self) -> None:
        moment = self._hold(self.firmware) if self._hold is not None else None
        if moment is not None:
            self._clock.stop_at(moment)
            self._hold = None

    def _wait(self, control: socket.socket, log: TextIO) -> None:
        timeout = _LONGEST_POLL_S
        due = self.firmware.next_event()
        if due is not None:
            timeout = min(timeout, self._clock.real_seconds_until(due))
        waited: list[socket.socket | int] = [control]
        if self.port.is_open:
            waited.append(self.port.fileno)
        if not self.port.is_open or self._opened_at is not None:
            # An open port without a host is always readable: it hangs up.
            timeout = min(timeout, _CLOSED_POLL_S)
        writable = [self.port.fileno] if self.port.has_more_to_send else []
        # Packet mode tells of a flush as of urgent data.
        ready, _, _ = select.select(waited, writable, [self.port.fileno] if self.port.is_open else [], timeout)
        if control in ready:
            self._answer(control, log)

    def _answer(self, control: socket.socket, log: TextIO) -> None:
        connection, _ = control.accept()
        with connection:
            connection.settimeout(1)
            try:
                with connection.makefile("r") as lines:
                    answer = carry_out(self, lines.readline())
                self._write(log)
                connection.sendall(json.dumps(answer).encode() + b"\n")
            except OSError:
                # Whoever asked has gone; the printer goes on.
                return

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGUSR1:
            self.reset("signal")
        elif number == signal.SIGUSR2:
            self.drop()
        else:
            self._running = False
