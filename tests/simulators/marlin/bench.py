"""A firmware on a bench: a host that waits for each `ok`, and time that passes at once."""

from __future__ import annotations

from typing import Any

from deploy.simulators.marlin.firmware import Firmware
from deploy.simulators.marlin.settings import Settings
from deploy.simulators.marlin.wire import numbered

_MANY_EVENTS = 100_000


class Bench:
    """`now` is the printer's time in s; replies and records are kept from the start."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.firmware = Firmware(settings or Settings())
        self.now = 0.0
        self.replies: list[str] = []
        self.records: list[dict[str, Any]] = []
        self.firmware.reset(0.0, "power")
        self.wait(5)

    def send(self, *lines: str) -> list[str]:
        """Send lines one after the other, each after the `ok` of the one before; the replies to all of them."""
        before = len(self.replies)
        for line in lines:
            start = len(self.replies)
            self.firmware.receive(line, self.now)
            self._collect()
            for _ in range(_MANY_EVENTS):
                if any(reply.startswith("ok") for reply in self.replies[start:]) or self.firmware.halted:
                    break
                self._next_event()
            else:
                raise AssertionError(f"no ok for {line!r}")
        return self.replies[before:]

    def numbered(self, number: int, text: str) -> list[str]:
        """Send a line with number and checksum."""
        return self.send(numbered(number, text))

    def push_in(self, *lines: str) -> None:
        """Send lines without waiting for anything."""
        for line in lines:
            self.firmware.receive(line, self.now)
        self._collect()

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
        self.firmware.advance(self.now)
        self._collect()

    def hot(self, nozzle: float = 200, bed: float = 0) -> None:
        """Be at these temperatures, with such targets."""
        self.send(f"M104 S{nozzle:g}", f"M140 S{bed:g}")
        self.firmware.machine.set_temperature("nozzle", nozzle)
        if bed:
            self.firmware.machine.set_temperature("bed", bed)

    def of(self, *kinds: str) -> list[dict[str, Any]]:
        """Records of these kinds so far."""
        return [record for record in self.records if record["kind"] in kinds]

    @property
    def at(self) -> tuple[float, ...]:
        """Where the nozzle really is, in mm."""
        return tuple(round(value, 4) for value in self.firmware.machine.body.point)

    @property
    def known(self) -> str:
        """Axes whose position the firmware knows."""
        return self.firmware.machine.body.known

    def _next_event(self) -> None:
        due = self.firmware.next_event()
        if due is None:
            raise AssertionError("the firmware waits for nothing and said no ok")
        self.now = max(self.now, due)
        self.firmware.advance(self.now)
        self._collect()

    def _collect(self) -> None:
        self.replies += self.firmware.take_replies()
        self.records += self.firmware.take_records()
