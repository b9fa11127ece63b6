"""The person beside the printer: looks at what is said and at the plate, and does what the operations page says."""

from __future__ import annotations

import random
import re
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from contracts import channels
from tests.chaos.story import Word
from tests.chaos.truth import Truth
from tests.chaos.world import World
from tests.harness.mqtt_probe import MqttProbe

_AGAIN_S = 3.0
_GIVE_UP_S = 12.0
_PAUSE_S = 2.0
_ADOPT_AGAIN_S = 10.0
_MOVE = re.compile(r"`resolve drawn (\d+-\d+)`")
BOARD, ENDER = channels.BOARD_COMMAND.address, channels.ENDER_COMMAND.address


@dataclass
class _Open:
    """A command without an answer yet."""

    topic: str
    word: str
    echo: str
    said: float
    sent: float
    move: str | None


class Person:
    """Called often; never waits."""

    def __init__(self, world: World, probe: MqttProbe, truth: Truth, seed: int) -> None:
        self._world = world
        self._probe = probe
        self._truth = truth
        self._rng = random.Random(f"person {seed}")
        self._number = 0
        self._open: list[_Open] = []
        self._read = 0
        self._last: dict[str, float] = {}
        self.words: list[Word] = []
        self.did: Counter[str] = Counter()
        """How often the person had to do what, steering apart."""
        self.hands_off = False
        """Whether the person holds the printer on purpose just now."""
        self.counts_from = 0.0
        """Since when the planner has counted its moves: what it lost before bears the same names."""
        self.board: dict[str, Any] = {}
        self.ender: dict[str, Any] = {}

    def say(self, topic: str, words: str, move: str | None = None) -> None:
        """Give a command, again if nobody answers: what was said to a dead broker is gone."""
        self._number += 1
        now = time.time()
        self._open.append(_Open(topic, words, f"p{self._number}", now, 0.0, move))

    def tick(self) -> None:
        """Look, and do what is to be done."""
        self._listen()
        self._send()
        if self.board and self.ender:
            self._settle()
            if not self.hands_off:
                self._make_ready()

    @property
    def unanswered(self) -> int:
        """Commands that wait for an answer."""
        return len(self._open)

    def work(self) -> int:
        """Moves that have not ended, by the board's own word."""
        counts = self.board.get("counts", {})
        return sum(counts.get(key, 0) for key in ("waiting", "planned", "printing", "uncertain"))

    def _listen(self) -> None:
        mark = self._probe.mark()
        for seen in self._probe.seen(since=self._read):
            if seen.topic == channels.BOARD_STATE.address:
                self.board = seen.json
            elif seen.topic == channels.ENDER_STATE.address:
                self.ender = seen.json
            elif seen.topic in {channels.BOARD_EVENT.address, channels.ENDER_EVENT.address}:
                self._answered(seen.json)
        self._read = mark

    def _answered(self, event: dict[str, Any]) -> None:
        for one in [one for one in self._open if one.echo == event.get("id")]:
            self._open.remove(one)
            answered = time.time() if event["event"] == "done" else None
            self.words.append(Word(one.said, answered, one.word, one.move))

    def _send(self) -> None:
        now = time.time()
        for one in list(self._open):
            if now - one.said > _GIVE_UP_S:
                self._open.remove(one)
                self.words.append(Word(one.said, None, one.word, one.move))
            elif now - one.sent > _AGAIN_S and self._probe.connected:
                one.sent = now
                command, *arguments = one.word.split()
                arguments += [one.move] if one.move is not None else []
                self._probe.send(one.topic, {"command": command, "arguments": arguments, "id": one.echo})

    def _settle(self) -> None:
        found = _MOVE.search(self.board.get("held_reason") or "")
        if not self.board["counts"]["uncertain"] or found is None:
            return
        if time.time() - self._truth.moved_at < 1:
            return  # it still moves
        move = found[1]
        # Look at the plate, which here is the printer's log.
        how = "drawn" if self._truth.whole(move, self.counts_from) else self._rng.choice(["redraw", "skip"])
        self._once(BOARD, f"resolve {how}", move)

    def _make_ready(self) -> None:
        held = self.board.get("held_reason") or ""
        if "send adopt" in held and time.time() - self._last.get("adopt", 0.0) > _ADOPT_AGAIN_S:
            self._once(ENDER, "adopt")
        elif self.board["plate"] == "full":
            self._once(BOARD, "new_board")
        elif "unknown" in (self.board["plate"], self.ender["plate"]) and not self.board["counts"]["uncertain"]:
            self._once(BOARD, "confirm_empty")
        elif "refused" in held or "stale" in held:
            self._once(BOARD, "accept on")
        reason = self.ender["reason"] or ""
        if "doctor" in reason:
            self._doctor()
        elif self.ender["latch"] != "none":
            self._once(ENDER, "resume")
        elif not self.ender["armed"]:
            self._once(ENDER, "arm")

    def _doctor(self) -> None:
        if time.time() - self._last.get("doctor", 0.0) > _PAUSE_S * 3:
            self._last["doctor"] = time.time()
            self.did["doctor"] += 1
            self._world.call("octo_bridge", "doctor")
            self.say(ENDER, "arm")

    def _once(self, topic: str, words: str, move: str | None = None) -> None:
        """Unless it was just said: the state may be older than the last word."""
        now = time.time()
        if now - self._last.get(words, 0.0) < _PAUSE_S or any(one.word == words for one in self._open):
            return
        self._last[words] = now
        self.did[words] += 1
        self.say(topic, words, move)
