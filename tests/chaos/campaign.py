"""One piece of a campaign: a world, traffic, a person, and faults one after the other."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from contracts import channels
from tests.chaos.checker import OBEY_S, Verdict, check
from tests.chaos.eras import apart
from tests.chaos.faults import KINDS, SERVICES, Fault
from tests.chaos.links import OUTCOME, PLAN
from tests.chaos.person import Person
from tests.chaos.story import Said, Story, Struck
from tests.chaos.strikes import strike
from tests.chaos.strikes.data import copy
from tests.chaos.traffic import Traffic
from tests.chaos.world import HEATERS_OFF_AFTER, World
from tests.harness.mqtt_probe import MqttProbe

TICK_S = 0.03
RECOVER_WITHIN_S = 60.0
END_WITHIN_S = 120.0
COPY_EVERY = 4
ANSWER_WITHIN_S = 5.0
HELD_S = OBEY_S + 2.0
"""The judge gives a pause so long before it must hold; it is held for longer than that."""
WATCHED = {
    channels.MOVE_STATUS.address, channels.BOARD_STATE.address, channels.BOARD_EVENT.address,
    channels.ENDER_STATE.address, channels.ENDER_EVENT.address, PLAN, OUTCOME,
}  # fmt: skip


@dataclass
class Result:
    """What a piece showed."""

    story: Story
    verdicts: list[Verdict]
    figures: dict[str, object] = field(default_factory=dict)


class Campaign:
    """Everything of one piece."""

    def __init__(
        self, folder: Path, seed: int, *, persistence: bool = False, mutant: Mapping[str, str] | None = None,
        rate: float = 3.0, steering: bool = True, virtual: bool = False, say: Callable[[str], None] = print,
    ) -> None:  # fmt: skip
        self.world = World(folder, persistence=persistence, mutant=mutant, virtual=virtual)
        self.probe = MqttProbe(self.world.broker.url, "boardcast/v1")
        self.truth = self.world.printer.truth(self.world.octoprint)
        self.person = Person(self.world, self.probe, self.truth, seed)
        self.traffic = Traffic(self.probe, self.person, seed, rate=rate, steering=steering)
        self._folder = folder
        self._say = say
        self.struck: list[Struck] = []
        self.unrecovered: list[str] = []
        self._copied: dict[str, float] = {}

    def run(self, faults: list[Fault]) -> Result:
        """Start, strike, wait for the end of every move, look. Raises what keeps it from going on at all."""
        began = time.time()
        try:
            self.world.start()
            self.probe.start()
            self._until(lambda: len(self.truth.drawn) >= 2, RECOVER_WITHIN_S)
            for fault in faults:
                self._one(fault)
                if self.unrecovered:
                    break  # whatever came after would tell of nothing else
            self.finish()
            story = self.story(began)
        finally:
            self.probe.stop()
            self.world.stop()
        story.write(self._folder / "story.json")
        return Result(story, check(story), self.figures(story))

    def finish(self) -> None:
        """Nobody asks for more, and every move comes to its end."""
        self.traffic.stopped = True
        done = self._until(
            lambda: not self.traffic.unanswered and not self.person.work() and not self.person.unanswered, END_WITHIN_S
        )
        if not done:
            self._say(f"not all came to an end: {self.traffic.unanswered} unanswered, {self.person.board}")
        self._for(1.0)

    def tick(self) -> None:
        """Everybody does a little."""
        self.truth.update()
        self.world.supervise()
        self.person.tick()
        self.traffic.tick()
        time.sleep(TICK_S)  # the person and the traffic act in steps of it

    def _one(self, fault: Fault) -> None:
        self._for(fault.after)
        if fault.number % COPY_EVERY == 0:
            for service in SERVICES:
                if copy(self.world, service):
                    self._copied[service] = time.time()
        kind = KINDS[fault.kind]
        if kind.upon_pause:
            self._pause()
        began = time.time()
        heal = strike(self.world, fault)
        self._for(fault.seconds)
        heal()
        if kind.upon_pause:
            self._for(HELD_S)
            self.person.hands_off = False
        ended = time.time()
        if fault.name == "data_lost:planner":
            self.person.counts_from = ended
            self._copied.pop(fault.target, None)
        copied = self._copied.get(fault.target) if fault.kind == "data_restored" else None
        self.struck.append(Struck(fault.kind, fault.target, began, ended, kind.doubt, copied))
        recovered = self._until(lambda: bool(self.truth.drawn) and self.truth.drawn[-1][0] > ended, RECOVER_WITHIN_S)
        took = f"{self.truth.drawn[-1][0] - ended:.1f} s" if recovered else "NOT RECOVERED"
        if not recovered:
            self.unrecovered.append(fault.name)
        self._say(f"{fault.number:4} {fault.name:32} {fault.seconds:4.1f} s, next drawn after {took}")

    def _pause(self) -> None:
        """Return in the moment in which it is answered, or when it has not been for a while."""
        self.person.hands_off = True
        self.person.say(channels.ENDER_COMMAND.address, "pause")
        end = time.monotonic() + ANSWER_WITHIN_S
        while self.person.unanswered and time.monotonic() < end:
            self.person.tick()
            time.sleep(0.001)  # the answer comes on the probe's thread; the fault is to meet the moment behind it

    def _for(self, seconds: float) -> None:
        self._until(lambda: False, seconds)

    def _until(self, condition: Callable[[], bool], seconds: float) -> bool:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.tick()
            if condition():
                return True
        return condition()

    # --- what is kept -----------------------------------------------------------------------------------------------

    def story(self, began: float) -> Story:
        """All that was seen, with the export of every board."""
        shift = time.time() - time.monotonic()
        said = [
            Said(seen.time_s + shift, seen.topic, seen.json)
            for seen in self.probe.seen()
            if seen.topic in WATCHED and not seen.retained
        ]
        self.truth.update()
        now = time.time()
        return Story(
            began, now, said, self.struck, self.truth.files(), self.truth.hot(now), self.person.words,
            self.export(), HEATERS_OFF_AFTER, self.truth.heated,
        )  # fmt: skip

    def export(self) -> list[dict[str, object]]:
        """Every move of every board, by the planner's own subcommand."""
        listed = self.world.call("planner", "board", "list").stdout.splitlines()[1:]
        moves: list[dict[str, object]] = []
        for number in (line.split()[0] for line in listed):
            done = self.world.call("planner", "board", "export", number, "--json")
            assert done.returncode == 0, done.stderr
            for move in json.loads(done.stdout)["moves"]:
                moves.append({key: move[key] for key in ("move_id", "ordinal", "state", "reason")})
        return moves

    def figures(self, story: Story) -> dict[str, object]:
        """Counts for the report."""
        moves = apart(story).export
        return {
            "faults": len(self.struck),
            "asked": self.traffic.asked,
            "refused": self.traffic.refused,
            "moves": len(moves),
            "drawn": sum(move["state"] == "drawn" for move in moves),
            "uncertain": sum(word.word.startswith("resolve") and word.answered is not None for word in story.words),
            "restarts by themselves": self.world.restarts,
            "person": dict(self.person.did),
            "unrecovered": self.unrecovered,
            "seconds": round(story.ended - story.began, 1),
        }
