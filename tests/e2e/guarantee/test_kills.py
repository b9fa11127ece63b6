"""kill -9 of everything in the middle of moves: each accepted move has one end, and it is the true one."""

from __future__ import annotations

import random
import threading
from collections import Counter

import pytest

from contracts import channels
from tests.e2e.guarantee.floor import BOARD, Floor
from tests.e2e.main_road.table import ENDS, squares
from tests.harness.waiting import wait_until

AHEAD = 4
"""So many moves are asked for at once: enough for two in the printer's hands and some that wait."""


class Night:
    """Parts that die at moments drawn from a seed, and a person who asks for moves and settles what is uncertain."""

    def __init__(self, floor: Floor, seed: int, moves: int) -> None:
        self.floor = floor
        self.random = random.Random(seed)
        self.wanted = squares(seed, moves)
        self.asked = 0
        self.doubts: list[tuple[str, str]] = []
        """Every move that was uncertain, and how the person settled it."""

    def spend(self, kills: list[str]) -> None:
        """Kill the parts one after the other, evenly over the moves, and see all moves to their end."""
        self.random.shuffle(kills)
        for number, victim in enumerate(kills):
            due = number * len(self.wanted) // (len(kills) + 1)
            self._wait_ended(due)
            self._strike(number, victim)
        self._wait_ended(len(self.wanted))

    def _wait_ended(self, due: int) -> None:
        wait_until(lambda: self._look() >= due, 180, lambda: f"move {due} to end; {self._summary()}", poll_s=0.1)

    def _strike(self, number: int, victim: str) -> None:
        print(f"kill {number}: {victim} with {self._ended()} moves ended")
        if victim == "octoprint":
            self._ask()
            wait_until(self._drawing, 60, lambda: f"a move to be drawn; {self._summary()}", poll_s=0.005)
            self.floor.stack.octoprint.kill()
            self.floor.stack.octoprint.start()
            return
        threading.Event().wait(self.random.uniform(0, 0.5))  # the moment is the point
        if victim == "broker":
            self.floor.stack.broker.kill()
            self.floor.stack.broker.start()
            self.floor.probe.wait_connected()
        else:
            self.floor.stack.restart(victim)

    def _drawing(self) -> bool:
        self._look()
        status = self.floor.printer.status()
        return bool(status["moving"]) and status["at"][2] < 1 and status["nozzle"][0] > 190

    def _look(self) -> int:
        """Be the person for a moment; how many moves have ended."""
        self._ask()
        self._settle()
        return self._ended()

    def _ask(self) -> None:
        while self.asked < min(self._ended() + AHEAD, len(self.wanted)):
            self.floor.table.insist(self.wanted[self.asked], f"k{self.asked}")
            self.asked += 1

    def _settle(self) -> None:
        board = self.floor.probe.last(BOARD)
        if board is None or not board.json["counts"]["uncertain"]:
            return
        for move, state in self.floor.moves().items():
            if state == "uncertain":
                # Look at the plate, which here is the printer's log.
                whole = move in self.floor.drawn()
                how = "drawn" if whole else self.random.choice(["redraw", "skip"])
                self.doubts.append((move, how))
                self.floor.table.answer(channels.BOARD_COMMAND, f"resolve {how} {move}", "done")

    def _ended(self) -> int:
        return sum(state in ENDS for state in self.floor.moves().values())

    def _summary(self) -> str:
        return f"{self.floor.moves()} {self.floor.table.summary()}"


def check(floor: Floor, night: Night, killed: int) -> None:
    """By the printer's own log; *killed* is how often OctoPrint was."""
    said, drawn = floor.moves(), Counter(floor.drawn())
    print("settled:", night.doubts)
    assert len(said) == len(night.wanted)
    assert set(said.values()) <= ENDS, said
    wrong = {move: (state, drawn[move]) for move, state in said.items() if drawn[move] != (state == "drawn")}
    assert not wrong, f"said and how often really drawn: {wrong}; settled: {night.doubts}; {floor.table.summary()}"
    begun = [job for job in floor.printer.witness.jobs() if job.drawn and job.move is None]
    lost = [move for move, how in night.doubts if how != "drawn"]
    assert len(begun) <= len(lost), "plastic of a move that was not said to be uncertain"
    assert len(night.doubts) <= killed, "only a death of OctoPrint leaves a doubt"
    skipped = {move for move, how in night.doubts if how == "skip"}
    assert {move for move, state in said.items() if state != "drawn"} == skipped | floor.full_lines()
    ends = floor.ends_told()
    assert not [move for move, told in ends.items() if len(told) > 1], ends
    assert floor.printer.witness.moved_unknown("XY") == []


@pytest.mark.timeout(240)
@pytest.mark.chaos
def test_a_few_kills_of_everything_leave_each_move_one_true_end(floor: Floor) -> None:
    # At this speed the firmware's own limit for a dead host is over in 45 s of a person's waiting.
    floor.start(dead_man="0")
    night = Night(floor, seed=3, moves=12)
    night.spend(["planner", "octo_bridge"] * 2 + ["broker", "octoprint"])
    check(floor, night, killed=1)


@pytest.mark.chaos
@pytest.mark.timeout(1200)
def test_fifty_kills_in_sixty_moves_leave_each_move_one_true_end(floor: Floor) -> None:
    # At this speed the firmware's own limit for a dead host is over in 45 s of a person's waiting.
    floor.start(dead_man="0")
    night = Night(floor, seed=4, moves=60)
    night.spend(["planner", "octo_bridge"] * 20 + ["broker", "octoprint"] * 5)
    check(floor, night, killed=5)
    assert night.doubts, "OctoPrint never died in mid-move"
