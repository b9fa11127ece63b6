"""The whole stack with a person at it: asks for moves, steers, and watches what is said and what is really drawn."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from typing import Any

from contracts import channels
from deploy.simulators.octoprint import Job
from deploy.stack import Stack
from tests.harness.mqtt_probe import MqttProbe, Seen
from tests.harness.waiting import wait_until

ENDS = {"drawn", "failed", "cancelled", "skipped"}
SQUARES = [f"{file}{rank}" for file in "abcdefgh" for rank in range(1, 9)]


def squares(seed: int, count: int) -> list[tuple[str, str]]:
    """*count* moves from a seed."""
    rng = random.Random(seed)
    return [(a, b) for a, b in (rng.sample(SQUARES, 2) for _ in range(count))]


class Table:
    """A running stack and a probe at its broker."""

    def __init__(self, stack: Stack, probe: MqttProbe) -> None:
        self.stack = stack
        self.probe = probe
        self._taken_off: set[int] = set()
        self.resolves = False
        """Whether the person has uncertain moves drawn again."""

    def ready(self) -> None:
        """Confirm the empty plate and arm, as the demo and a person do."""
        self.answer(channels.BOARD_COMMAND, "confirm_empty", "done")
        self.answer(channels.ENDER_COMMAND, "arm", "done")

    def answer(self, channel: channels.Channel, words: str, expected: str, deadline_s: float = 30) -> dict[str, Any]:
        """Give a command until it is answered as expected, and return the answer; a lost command is given again."""
        events = channel.address.removesuffix("command") + "event"
        command, *arguments = words.split()
        number = 0

        def answered() -> dict[str, Any] | None:
            nonlocal number
            number += 1
            echo = f"{command}-{self.probe.mark()}-{number}"
            self.probe.publish(channel.address, {"command": command, "arguments": arguments, "id": echo})
            found = wait_until(lambda: self._events(events, echo), 5, f"an answer to '{words}'")
            return found[0] if found[0]["event"] == expected else None

        found = wait_until(answered, deadline_s, f"'{words}' to be {expected}", ignore=(AssertionError,), poll_s=0.3)
        assert found is not None
        return found

    def _events(self, topic: str, echo: str) -> list[dict[str, Any]]:
        return [seen.json for seen in self.probe.seen(topic) if seen.json.get("id") == echo]

    def request(self, move: tuple[str, str], request_id: str) -> None:
        """Ask for a move in JSON."""
        self.probe.publish("move/request", {"from": move[0], "to": move[1], "request_id": request_id})

    def insist(self, move: tuple[str, str], request_id: str, deadline_s: float = 60) -> None:
        """Ask for a move until it is accepted: move/request is an open topic and promises nothing by itself."""

        def accepted() -> bool:
            self.probe.wait_connected()
            self.request(move, request_id)
            try:
                self.probe.wait("move/status", lambda m: m.json["request_id"] == request_id, deadline_s=1)
            except AssertionError:
                return False
            return True

        wait_until(accepted, deadline_s, f"{request_id} to be accepted")

    def statuses(self) -> dict[str, list[dict[str, Any]]]:
        """What was said of each move, by move id."""
        by_move: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for seen in self.probe.seen("move/status"):
            status = seen.json
            if status["move_id"]:
                by_move[status["move_id"]].append(status)
        return by_move

    def states(self, move_id: str) -> list[str]:
        """The states of one move in the order told, repeats left out."""
        found: list[str] = []
        for status in self.statuses()[move_id]:
            if status["state"] not in found:
                found.append(status["state"])
        return found

    def wait_ended(self, count: int, deadline_s: float) -> dict[str, list[dict[str, Any]]]:
        """Return all statuses when *count* moves have ended."""

        def ended() -> bool:
            self.tend()
            return sum(any(s["state"] in ENDS for s in told) for told in self.statuses().values()) >= count

        wait_until(ended, deadline_s, lambda: f"{count} moves to end; {self.summary()}", poll_s=0.2)
        return self.statuses()

    def tend(self) -> None:
        """Take a full board off the printer, as the person beside it does."""
        board = self.probe.last("board/state")
        if self.resolves and board is not None and board.json["counts"]["uncertain"]:
            # Without waiting for the answer: the state may be older than the resolve before, and this one refused.
            self.probe.publish(channels.BOARD_COMMAND.address, "resolve redraw")
        if board is not None and board.json["plate"] == "full" and board.json["board"] not in self._taken_off:
            self._taken_off.add(board.json["board"])
            self.answer(channels.BOARD_COMMAND, "new_board", "done")
            self.answer(channels.BOARD_COMMAND, "confirm_empty", "done")

    def summary(self) -> str:
        """Where things stand, for the message of a failure."""
        counts: dict[str, int] = defaultdict(int)
        for told in self.statuses().values():
            counts[told[-1]["state"]] += 1
        board, ender = self.probe.last("board/state"), self.probe.last("printer/ender/state")
        return "\n".join([f"moves: {dict(counts)}", _short(board), _short(ender), *self.tails()])

    def tails(self) -> list[str]:
        """The ends of the services' logs."""
        return [process.tail(15) for process in self.stack.services.values()]

    def drawn_jobs(self) -> list[Job]:
        """The files that ran to their end, by the Virtual Printer's serial log."""
        return [job for job in self.stack.octoprint.serial_log.jobs() if job.move is not None]

    def started_jobs(self) -> list[Job]:
        """Every file of which a line reached the printer."""
        return self.stack.octoprint.serial_log.jobs()

    def drawn_moves(self) -> list[str]:
        """Move ids in the order in which the serial log says that they were drawn: a job's id is made of its move's."""
        return ["-".join((job.move or "").split("-")[1:3]) for job in self.drawn_jobs()]


def _short(seen: Seen | None) -> str:
    return "(none)" if seen is None else f"{seen.topic}: {json.dumps(seen.json)[:1500]}"
