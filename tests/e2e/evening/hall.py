"""An evening under way: the stack, the recorded chat, and the person beside the printer."""

from __future__ import annotations

from pathlib import Path

from contracts import channels
from deploy.simulators.octoprint import Job
from deploy.stack import Stack
from tests.e2e.evening import chat
from tests.e2e.evening.watch import Watch
from tests.e2e.main_road.table import Table
from tests.harness.mqtt_probe import MqttProbe
from tests.harness.waiting import wait_until

AFTER = 400.0
"""Seconds after the last word within which everything has come to its end: ten on a machine that has time."""
LOOK_EVERY = 0.25


class Hall:
    """The stack on one evening, all of which is said *within* so many seconds."""

    def __init__(self, folder: Path, evening: chat.Evening, within: float) -> None:
        self.evening = evening
        self._within = within
        self._recording = folder / "evening.jsonl"
        length = evening.said[-1].received_at - evening.said[0].received_at
        settings = {
            "BOARDCAST_LOG_LEVEL": "info",
            "BOARDCAST_CHAT_SOURCE": "file",
            "BOARDCAST_CHAT_FILE": str(self._recording),
            "BOARDCAST_CHAT_FILE_SPEED": str(length.total_seconds() / within),
            # Wall time, of which such an evening has little: a second of it is some minutes there.
            "BOARDCAST_COOLDOWN_USER": "1",
        }
        self.stack = Stack(folder / "stack", services=("planner", "octo_bridge"), settings=settings)
        self._probe: MqttProbe | None = None
        self._done_at = 0
        self.table: Table
        self.watch: Watch

    def open(self) -> None:
        """Start everything and arm the printer; then the chat begins."""
        chat.write(self.evening, self._recording)
        self.stack.start()
        self._probe = MqttProbe(self.stack.broker.url, f"{self.stack.root}/v1")
        self._probe.start()
        self.table, self.watch = Table(self.stack, self._probe), Watch(self._probe)
        self.table.ready()
        self.stack.service("chat_ingest").start()
        self.stack.wait_for_health("chat_ingest")

    def close(self) -> None:
        """End everything."""
        if self._probe is not None:
            self._probe.stop()
        self.stack.stop()

    def log(self, service: str) -> Path:
        """Where a service's log is."""
        return self.stack.folder / "log" / f"{service}.log"

    def until_over(self) -> None:
        """Return when everything was said and taken, every move has ended, and the picture is as new as that."""
        wait_until(self._is_over, self._within + AFTER, self._stands, poll_s=LOOK_EVERY)

    def _is_over(self) -> bool:
        self.watch.look()
        self._tend()
        said = len(self.evening.said)
        # The chat's own count comes by itself, once a second; what the planner took does not imply it.
        heard = self.watch.chat.get("received", 0) >= said
        return heard and self.watch.taken >= said and not self.watch.waits and self._picture_is_new()

    def _tend(self) -> None:
        """Do what the board says that it waits for, as the person beside the printer does.

        A full board is not taken off before everything on it has been shown; and what was said before the last thing
        that was done is no longer so.
        """
        board = self.watch.board
        if self.watch.boards <= self._done_at or board["plate"] == "known":
            return
        if board["plate"] == "unknown":
            self.table.answer(channels.BOARD_COMMAND, "confirm_empty", "done")
        elif not board["counts"]["planned"] + board["counts"]["printing"] and self._picture_is_new():
            self.table.answer(channels.BOARD_COMMAND, "new_board", "done")
        self.watch.look()
        self._done_at = self.watch.boards

    def _picture_is_new(self) -> bool:
        # By the moves, not by board/state, which may be as old as the picture.
        return sum(map(len, self.watch.pictures.values())) == len(self.watch.drawn())

    def jobs(self) -> list[Job]:
        """The files of which a line reached the printer, by its serial log."""
        return self.stack.octoprint.serial_log.jobs()

    def _stands(self) -> str:
        watch = self.watch
        said = f"{watch.taken} of {len(self.evening.said)} taken, {len(watch.waits)} moves wait: {watch.waits[:5]}"
        return "\n".join([f"the end of the evening; {said}", str(watch.board), *self.table.tails()])
