"""The pure core on a bench: feed it, look at what it became and what it asked for; no database, no bus."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from contracts.board import BOARD_VERBS
from contracts.chat import ChatBody
from contracts.commands import BadCommand, parse_command
from contracts.events import Event
from contracts.moves import MoveStatus
from contracts.plan import JobEnd, Run
from services.chassis.clock import Now
from services.planner import handlers
from services.planner.effects import Effect, Reply, Say, Send, Tell
from services.planner.game import Game, Header, Setup
from services.planner.inputs import ChatHeard, Commanded, Input, OutcomeHeard, Requested, Started
from services.planner.plastic.heightmap import HeightMap
from services.planner.requests import read_request
from services.planner.settings import PlannerSettings
from tests.unit.planner.model_bridge import ModelBridge

T = TypeVar("T", bound=Effect)
START = datetime(2026, 1, 1, tzinfo=UTC)


@cache
def usual() -> Setup:
    """Made once: it never changes, and most of these tests want nothing else."""
    return setup()


def setup(**settings: Any) -> Setup:
    """Without the wait between two moves of one user, if *settings* do not say otherwise."""
    return Setup.of(PlannerSettings(data_dir=Path("unused"), **{"cooldown_user": 0, **settings}))


class Bench:
    """A core with a model of the bridge that takes what it sends at once, and speaks when it is told to."""

    def __init__(self, **settings: Any) -> None:
        self.setup = setup(**settings) if settings else usual()
        bare = HeightMap.empty(self.setup.profile)
        self.game = Game(Header(instance="0badcafe", shape=self.setup.shape), bare, bare)
        self.effects: list[Effect] = []
        self.bridge = ModelBridge()
        self.seconds = 0.0
        self.untaken = 0
        self.feed(Started())

    def feed(self, event: Input) -> list[Effect]:
        """One step; what it asked for."""
        now = Now(START + timedelta(seconds=self.seconds), self.seconds)
        self.game, effects = handlers.step(self.setup, self.game, event, now)
        self.effects += effects
        for effect in effects:
            if isinstance(effect, Send):
                self.bridge.take(effect.body)
        return list(effects)

    def listen(self) -> None:
        """Take everything the bridge has said."""
        while self.bridge.said:
            self.feed(OutcomeHeard(self.bridge.said.pop(0)))

    def ready(self) -> Bench:
        """The bridge is heard and the plate confirmed."""
        self.bridge.begin()
        self.listen()
        assert self.command("confirm_empty").event == "done"
        return self

    def ask(self, payload: str) -> MoveStatus:
        """A request over MQTT; its first answer."""
        return self.ask_bytes(payload.encode())

    def ask_bytes(self, payload: bytes) -> MoveStatus:
        """The same with any payload."""
        effects = self.feed(Requested(read_request(payload, self.setup.geometry)))
        return next(effect.status for effect in effects if isinstance(effect, Tell))

    def chat(self, body: ChatBody, *, seen: bool = False) -> list[Effect]:
        """A body of link/chat."""
        return self.feed(ChatHeard(body, seen, self.untaken))

    def command(self, text: str) -> Event:
        """A board command; its one answer."""
        return self.command_bytes(text.encode())

    def command_bytes(self, payload: bytes) -> Event:
        """The same with any payload."""
        try:
            effects = self.feed(Commanded(parse_command(payload, BOARD_VERBS), self.untaken))
        except BadCommand as bad:
            effects = self.feed(Commanded(bad))
        answers = [e.event for e in effects if isinstance(e, Say) and e.event.event in ("done", "refused")]
        assert len(answers) == 1, f"answered {len(answers)} times"
        return answers[0]

    def draw(self, count: int = 1) -> None:
        """Let the bridge draw the next *count* moves."""
        for _ in range(count):
            self.begin()
            self.end("drawn")

    def begin(self) -> None:
        """Let the bridge begin the next run."""
        while self.bridge.running is None and self.bridge.advance():
            self.listen()
        assert self.bridge.running is not None, "nothing to begin"
        self.listen()

    def end(self, end: str) -> None:
        """Let the running job end so, and whatever is stale be answered."""
        assert self.bridge.finish(JobEnd(end))
        self.listen()

    def settle(self) -> None:
        """Let the bridge answer whatever is stale or begin a run."""
        while self.bridge.advance():
            self.listen()

    def of(self, kind: type[T]) -> list[T]:
        """All effects of one kind so far."""
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def runs(self) -> list[Run]:
        """All runs sent so far."""
        return [effect.body for effect in self.of(Send) if isinstance(effect.body, Run)]

    def states(self, move_id: str) -> list[str]:
        """The states of a move, as said."""
        return [e.status.state.value for e in self.of(Tell) if e.status.move_id == move_id]

    def replies(self) -> list[str]:
        """Texts of all chat replies so far."""
        return [effect.reply.text for effect in self.of(Reply)]
