"""A shop floor: the stack of services behind OctoPrint, the faithful printer, and the person who looks after both."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from contracts import channels
from contracts.chat import ChatMessage, ChatUser, Role
from deploy.simulators.marlin import Heat, MarlinPrinter
from deploy.simulators.octoprint import OctoPrint, Simulation
from deploy.stack import REPOSITORY, Stack
from services.chassis.store import Store
from tests.e2e.main_road.table import ENDS, Table
from tests.harness.mqtt_probe import MqttProbe
from tests.harness.waiting import wait_until

SPEED_UP = 60.0
BOARD, ENDER = "board/state", "printer/ender/state"


class Floor:
    """Everything that a test of the guarantee touches."""

    def __init__(self, folder: Path, printer: MarlinPrinter) -> None:
        self.printer = printer
        octoprint = OctoPrint(folder / "octoprint", simulation=Simulation(serial_port=str(printer.port)))
        self._settings = {"BOARDCAST_PRINTER_PORTS": str(printer.port)}
        self.stack = Stack(folder / "stack", octoprint=octoprint, services=("planner", "octo_bridge"),
                           settings=self._settings)  # fmt: skip
        self._table: Table | None = None

    @property
    def table(self) -> Table:
        """The person. Raises RuntimeError before the start."""
        if self._table is None:
            raise RuntimeError("the floor is not started")
        return self._table

    @property
    def probe(self) -> MqttProbe:
        """What the person sees."""
        return self.table.probe

    def start(self, **settings: str) -> None:
        """Start everything, have the doctor look at the printer, confirm the empty plate, arm."""
        told = self._settings | {f"BOARDCAST_{name.upper()}": value for name, value in settings.items()}
        self.stack = Stack(
            self.stack.folder, octoprint=self.stack.octoprint, services=("planner", "octo_bridge"), settings=told
        )
        self.stack.start()
        probe = MqttProbe(self.stack.broker.url, f"{self.stack.root}/v1")
        probe.start()
        self._table = Table(self.stack, probe)
        self.doctor()
        self.table.ready()

    def stop(self) -> None:
        """End everything; the printer is the fixture's."""
        if self._table is not None:
            self._table.probe.stop()
        self.stack.stop()

    def doctor(self) -> str:
        """Call the doctor beside the running bridge. Raises AssertionError if the printer does not pass."""
        done = subprocess.run(
            [sys.executable, "-m", "services.octo_bridge", "doctor"], cwd=REPOSITORY, capture_output=True, text=True,
            env={"PATH": ""} | self.stack.environment("octo_bridge"), timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def chat(self, text: str) -> None:
        """Have a moderator write this: chat_ingest is started for it, whether or not the broker is there."""
        message = ChatMessage(
            source="test", channel="test", message_id="1", text=text, received_at=datetime.now(UTC),
            user=ChatUser(id="1", name="Mod", roles=(Role.MODERATOR,)),
        )  # fmt: skip
        file = self.stack.folder / "chat.jsonl"
        file.write_bytes(message.to_bytes() + b"\n")
        chat = self.stack.service("chat_ingest")
        chat.environment |= {"BOARDCAST_CHAT_SOURCE": "file", "BOARDCAST_CHAT_FILE": str(file)}
        chat.start()
        self.stack.wait_for_health("chat_ingest")

    @contextmanager
    def mid_move(self, move: tuple[str, str], request_id: str) -> Iterator[None]:
        """Ask for the first move, and hold the printer's time in the middle of it: what is done within meets it there.

        The line takes a tenth of a second, and the state is told twice a second at most.
        """
        self.printer.hold("drawing")
        self.table.insist(move, request_id)
        wait_until(lambda: self.printer.status()["held"], 60, lambda: f"the drawing to begin; {self.table.summary()}")
        self.wait_ender(lambda s: s["state"] == "printing", "the bridge to say so")
        try:
            yield
        finally:
            self.printer.go_on()

    def wait_free(self) -> None:
        """Return when OctoPrint has finished with the last job: a move is known as drawn a moment before.

        In between it sends an M400 of its own.
        """
        octoprint = self.stack.octoprint
        wait_until(lambda: octoprint.state() == "Operational", 40, lambda: f"a free OctoPrint, not {octoprint.state()}")

    # --- what is said ---------------------------------------------------------------------------------------------

    def ender(self) -> Any:
        """The newest state of the machine."""
        last = self.probe.last(ENDER)
        assert last is not None
        return last.json

    def wait_ender(self, accept: Any, what: str, deadline_s: float = 30) -> Any:
        """The state of the machine when *accept* takes it."""
        wait_until(lambda: accept(self.ender()), deadline_s, lambda: f"{what}; {self.table.summary()}")
        return self.ender()

    def wait_asked_to_look(self) -> Any:
        """The state of the machine when it asks for a look, or to resume first.

        It has read OctoPrint's log by then: nothing that it has yet to hear of takes the person's word back.
        """
        asks = ("nobody knows what is on the plate", "send resume to go on")
        return self.wait_ender(
            lambda s: s["plate"] == "unknown" and any(words in (s["reason"] or "") for words in asks),
            "a machine that asks for a look at the plate",
        )

    def look_at_the_plate(self) -> None:
        """Confirm that it is empty, once more when asked once more, and arm.

        The machine's last epoch reaches the planner on another topic than the state that asks for a look: a word for
        the epoch before is not taken.
        """

        def known() -> bool:
            board = self.probe.last(BOARD)
            if self.ender()["plate"] == "known":
                return True
            if board is not None and board.json["plate"] == "unknown":
                # Without waiting for the answer: the state may be older than the last word, and this one refused.
                self.probe.publish(channels.BOARD_COMMAND.address, "confirm_empty")
            return False

        wait_until(known, 60, lambda: f"a known plate; {self.table.summary()}", poll_s=0.5)
        self.table.answer(channels.ENDER_COMMAND, "arm", "done")

    def counts(self) -> dict[str, int]:
        """How many moves the board says have ended, by end."""
        last = self.probe.last(BOARD)
        return {key: last.json["counts"][key] for key in sorted(ENDS)} if last is not None else {}

    def moves(self) -> dict[str, str]:
        """The state of every accepted move by its id, from the planner's own rows: a status may die with the broker."""
        return {move: state for move, (state, _) in self._rows().items()}

    def full_lines(self) -> set[str]:
        """Moves that ended because there was too much plastic on their way: what is drawn again lies on itself."""
        return {move for move, (state, reason) in self._rows().items() if state == "skipped" and "is full" in reason}

    def _rows(self) -> dict[str, tuple[str, str]]:
        database = Store(self.stack.data("planner"), "planner").path
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            rows = connection.execute(
                "SELECT board, number, state, reason FROM moves ORDER BY board, number"
            ).fetchall()
        return {f"{board}-{number}": (state, reason or "") for board, number, state, reason in rows}

    def ends_told(self) -> dict[str, list[str]]:
        """The different ends that were ever told of each move."""
        told = self.table.statuses()
        return {move: sorted({s["state"] for s in told[move]} & ENDS) for move in told}

    # --- what is true ---------------------------------------------------------------------------------------------

    def drawn(self) -> list[str]:
        """Move ids of the files that ran to their end and left plastic, in order, by the printer's own log."""
        return [move_of(job.move) for job in self.printer.witness.jobs() if job.move is not None and job.drawn]

    def heat(self) -> Heat:
        """Both heaters now."""
        status = self.printer.status()
        return Heat(0.0, *status["nozzle"], *status["bed"])

    def say_resolve(self, how: str) -> None:
        """Answer the question what became of the uncertain move."""
        self.table.answer(channels.BOARD_COMMAND, f"resolve {how}", "done")


def move_of(job_id: str) -> str:
    """The move's id within a job's."""
    found = re.fullmatch(r"[0-9a-f]{8}-(\d+-\d+)-\d+-[0-9a-f]+", job_id)
    assert found is not None, job_id
    return found[1]
