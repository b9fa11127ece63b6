"""Someone with Home Assistant's credential: asks for moves, gives commands, sees what is said."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from contracts import channels
from deploy.simulators.octoprint import Job
from tests.compose.house import House
from tests.harness.mqtt_probe import MqttProbe, Seen
from tests.harness.waiting import wait_until

ROOT = f"{channels.DEFAULT_ROOT}/{channels.VERSION}"
STATUS = channels.MOVE_STATUS.address
ENDER = channels.ENDER_STATE.address
TRY_S = 2
"""Seconds until a command that is not answered is given again."""
ENDS = {"drawn", "failed", "cancelled", "skipped"}


def _short_lines() -> Iterator[tuple[str, str]]:
    """From square to square, none over another; then from the beginning."""
    upward = [(f"{file}{rank}", f"{file}{rank + 1}") for file in "abcdefgh" for rank in range(1, 8)]
    across = [(f"{file}{rank}", f"{chr(ord(file) + 1)}{rank}") for file in "abcdefg" for rank in range(1, 9)]
    return itertools.cycle(upward + across)


_LINES = _short_lines()


def password_of(house: House, user: str) -> str:
    """As `init show` prints it."""
    for line in house.init("show").splitlines():
        words = line.split()
        if len(words) == 2 and words[0] == user:
            return words[1]
    raise AssertionError(f"init show says nothing of {user}")


class Person:
    """A house and a probe at its broker."""

    def __init__(self, house: House, probe: MqttProbe) -> None:
        self.house = house
        self.probe = probe
        self._number = 0

    def command(self, channel: channels.Channel, words: str, deadline_s: float = 30) -> dict[str, Any]:
        """Give a command until it is done, a lost one again; the answer."""
        return self._answered(channel, words, deadline_s, {"done"})

    def works(self, deadline_s: float) -> None:
        """Wait until planner and octo_bridge answer, be it with a refusal."""
        self.probe.wait_connected(deadline_s)
        self._answered(channels.BOARD_COMMAND, "accept on", deadline_s, {"done", "refused"})
        self._answered(channels.ENDER_COMMAND, "resume", deadline_s, {"done", "refused"})

    def _answered(self, channel: channels.Channel, words: str, deadline_s: float, accepted: set[str]) -> dict[str, Any]:
        events = channel.address.removesuffix("command") + "event"
        word, *arguments = words.split()

        def answer() -> dict[str, Any] | None:
            self._number += 1
            echo = f"{word}-{self._number}"
            mark = self.probe.mark()
            self.probe.publish(channel.address, {"command": word, "arguments": arguments, "id": echo})
            found: dict[str, Any] = self.probe.wait(
                events, lambda m: m.json.get("id") == echo, since=mark, deadline_s=TRY_S
            ).json
            return found if found["event"] in accepted else None

        found = wait_until(
            answer, deadline_s, f"an answer to '{words}'", ignore=(AssertionError, RuntimeError), poll_s=0.2
        )
        assert found is not None
        return found

    def ready(self) -> None:
        """Look at the plate, arm, and take off a latch if there is one."""
        if self.ender()["plate"] != "known":
            self.command(channels.BOARD_COMMAND, "confirm_empty")
        self.command(channels.ENDER_COMMAND, "arm 2")
        if self.ender()["latch"] != "none":
            self.command(channels.ENDER_COMMAND, "resume")

    def ask(self, request_id: str) -> None:
        """Ask for a line that nobody asked for before: where there is plastic enough, none is drawn."""
        from_square, to_square = next(_LINES)
        self.probe.publish(
            channels.MOVE_REQUEST.address, {"from": from_square, "to": to_square, "request_id": request_id}
        )

    def states(self, request_id: str) -> list[str]:
        """What was said of a move, in order; a repeated announcement once."""
        said = [m.json["state"] for m in self.probe.seen(STATUS) if m.json["request_id"] == request_id]
        return [state for index, state in enumerate(said) if state not in said[:index]]

    def end(self, request_id: str, deadline_s: float = 60) -> Seen:
        """The message that ended a move."""
        return self.probe.wait(
            STATUS, lambda m: m.json["request_id"] == request_id and m.json["state"] in ENDS, deadline_s=deadline_s
        )

    def drawn(self, request_id: str, deadline_s: float = 60) -> str:
        """Wait until the move is drawn; its id."""
        ended = self.end(request_id, deadline_s).json
        assert ended["state"] == "drawn", ended
        return str(ended["move_id"])

    def drawings_of(self, move_id: str) -> list[Job]:
        """Every job that the Virtual Printer ran for a move that is drawn; its log is written a little later."""
        return wait_until(
            lambda: [job for job in self.house.jobs() if _move(job) == move_id],
            10, lambda: f"{move_id} in the serial log, there are {[job.move for job in self.house.jobs()]}", poll_s=0.3,
        )  # fmt: skip

    def ender(self) -> dict[str, Any]:
        """The last state of the Ender."""
        state: dict[str, Any] = self.probe.wait(ENDER).json
        last = self.probe.last(ENDER)
        return last.json if last is not None else state

    def wait_ender(self, what: str, deadline_s: float = 60, **wanted: object) -> dict[str, Any]:
        """Wait until the Ender's state has these values."""
        wait_until(
            lambda: all(self.ender()[key] == value for key, value in wanted.items()),
            deadline_s, lambda: f"{what}; the Ender is {self.ender()}",
        )  # fmt: skip
        return self.ender()


def _move(job: Job) -> str:
    """A job is called after the planner's instance, the move, the number of the try and the planner's process."""
    return "-".join((job.move or "").split("-")[1:3])
