"""A bridge as its own process, between a real broker, a real OctoPrint and a planner with no game."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from contracts.plan import ControlWord
from deploy.simulators.mosquitto import Mosquitto
from deploy.simulators.octoprint import OctoPrint
from deploy.simulators.process import ChildProcess
from tests.e2e.octo_bridge.fake_planner import FakePlanner
from tests.harness.mqtt_probe import MqttProbe
from tests.harness.waiting import eventually

STATE, EVENT, COMMAND = "printer/ender/state", "printer/ender/event", "printer/ender/command"


@dataclass
class Bench:
    """Everything that a test touches."""

    folder: Path
    broker: Mosquitto
    octoprint: OctoPrint
    probe: MqttProbe
    planner: FakePlanner
    settings: dict[str, str] = field(default_factory=dict)
    process: ChildProcess | None = None

    def start_bridge(self, **settings: str) -> ChildProcess:
        """Start the bridge, again if it ended."""
        self.settings |= settings
        environment = {
            "BOARDCAST_BUS_URL": self.broker.url,
            "BOARDCAST_DATA_DIR": str(self.folder / "bridge"),
            "BOARDCAST_OCTOPRINT_URL": self.octoprint.url,
            "BOARDCAST_OCTOPRINT_API_KEY": self.octoprint.api_key,
            "BOARDCAST_LOG_FORMAT": "json",
        } | {f"BOARDCAST_{name.upper()}": value for name, value in self.settings.items()}
        command = [sys.executable, "-m", "services.octo_bridge"]
        self.process = ChildProcess("octo_bridge", command, self.folder / "bridge.log", environment=environment)
        self.process.start()
        return self.process

    async def state(self, accept: Callable[[Any], object], what: str, deadline_s: float = 40) -> dict[str, Any]:
        """The first retained state from now on that *accept* takes, the present one included."""

        def find() -> dict[str, Any] | None:
            last = self.probe.last(STATE)
            return last.json if last is not None and accept(last.json) else None

        found = await eventually(find, deadline_s, what)
        assert found is not None
        return found

    async def told(self, accept: Callable[[Any], object], what: str, since: int, deadline_s: float = 40) -> Any:
        """The first state after mark *since* that *accept* takes, even if it has passed by now."""

        def find() -> Any:
            return next((m.json for m in self.probe.seen(STATE, since=since) if accept(m.json)), None)

        return await eventually(find, deadline_s, what)

    async def event(self, accept: Callable[[Any], object], what: str, since: int = 0, deadline_s: float = 40) -> Any:
        """The first event after mark *since* that *accept* takes."""

        def find() -> Any:
            return next((m.json for m in self.probe.seen(EVENT, since=since) if accept(m.json)), None)

        return await eventually(find, deadline_s, what)

    async def command(self, text: str) -> Any:
        """Send a command and return its answer."""
        since = self.probe.mark()
        word = text.split()[0]
        self.probe.publish(COMMAND, text)
        return await self.event(lambda e: e["command"] == word and e["event"] in ("done", "refused"),
                                f"the answer to {text}", since)  # fmt: skip

    async def ready(self, **settings: str) -> None:
        """A bridge that is armed, with a plate that somebody has looked at."""
        self.start_bridge(**settings)
        await self.state(lambda s: s["link"] == "ok", "the bridge to reach the printer")
        assert (await self.command("arm"))["event"] == "done"
        await eventually(lambda: self.planner.epoch, 40, "the machine's epoch")
        self.planner.control(ControlWord.CONFIRM_EMPTY)
        await self.state(lambda s: s["plate"] == "known" and s["armed"], "the bridge to be ready")

    async def drawn(self, *numbers: int, deadline_s: float = 30) -> None:
        """Wait until the planner knows of these moves as drawn."""
        wanted = [f"1-{number}" for number in numbers]
        await eventually(lambda: set(wanted) <= set(self.planner.drawn()), deadline_s, f"moves {wanted} to be drawn")

    async def free(self) -> None:
        """Wait until OctoPrint has finished with the last job.

        A move is known as drawn a moment before that, and what a person asks of OctoPrint in between is turned down.
        """
        await eventually(lambda: self.octoprint.state() == "Operational", 40, "OctoPrint to be done with the last job")

    async def begun(self) -> None:
        """Wait until a job's first line is at the printer, and OctoPrint's log tells of its start.

        The bridge says that it is printing from the moment when it begins to upload; and OctoPrint, which writes its
        log in a thread, could be killed before that has written.
        """
        log = self.octoprint.basedir / "logs" / "octoprint.log"
        await eventually(lambda: self.octoprint.serial_log.jobs(), 40, "the job's first line")
        await eventually(lambda: "Print job started" in log.read_text(errors="replace"), 40, "the start in the log")

    def on_the_wire(self) -> list[str]:
        """Moves by the serial log, in order: every file that began, by its last line or by its own line."""
        return [move_of(job.move) for job in self.octoprint.serial_log.jobs() if job.move is not None]

    def tail(self, lines: int = 40) -> str:
        return self.process.tail(lines) if self.process is not None else ""


def move_of(job_id: str) -> str:
    """The move of a job id."""
    _, board, number, _ = job_id.split("-")
    return f"{board}-{number}"


@pytest.fixture
async def bench(tmp_path: Path, mosquitto: Mosquitto, octoprint: OctoPrint, probe: MqttProbe) -> AsyncIterator[Bench]:
    """The parts, with a planner that runs and a bridge that does not yet."""
    planner = FakePlanner(tmp_path / "planner", mosquitto.url)
    bench = Bench(tmp_path, mosquitto, octoprint, probe, planner)
    await planner.start()
    yield bench
    if bench.process is not None:
        bench.process.kill()
    await planner.stop()
