"""Moves that come in at a set rate by MQTT and by chat, and what people do beside: undo, bans, pause, cancel, stop."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from contracts import channels
from tests.chaos.person import BOARD, ENDER, Person
from tests.harness.mqtt_probe import MqttProbe

AHEAD = 6
"""So many moves wait at most."""
_AGAIN_S = 2.0
_FILES = "abcdefgh"


@dataclass
class _Ask:
    """A request that nobody has answered yet. Both topics are open ones: they promise nothing until `move/status`."""

    key: str
    topic: str
    payload: dict[str, Any]
    sent: float = 0.0


class Traffic:
    """Called often; never waits."""

    def __init__(
        self, probe: MqttProbe, person: Person, seed: int, *, rate: float = 3.0, steering: bool = True
    ) -> None:
        """*rate* is in moves a second; without *steering* nobody does anything but ask."""
        self._probe = probe
        self._person = person
        self._rng = random.Random(f"traffic {seed}")
        self._every = 1 / rate
        self._steering = steering
        self._asked_at = 0.0
        self._open: list[_Ask] = []
        self._later: list[tuple[float, Callable[[], None]]] = []
        self._read = 0
        self._messages = 0
        self.asked = 0
        self.answered = 0
        self.refused = 0
        self.stopped = False
        """Whether nobody asks for more."""

    @property
    def unanswered(self) -> int:
        """Requests that wait for an answer."""
        return len(self._open)

    def tick(self) -> None:
        """Ask, repeat, steer."""
        now = time.time()
        self._listen()
        for due, action in [item for item in self._later if item[0] <= now]:
            self._later.remove((due, action))
            action()
        if not self.stopped and now - self._asked_at >= self._every and self._room():
            self._asked_at = now
            self._ask()
            if self._steering and not self._later and self._rng.random() < 0.12:
                self._steer(now)
        for ask in self._open:
            if now - ask.sent > _AGAIN_S and self._probe.connected:
                ask.sent = now
                if "message_id" in ask.payload:
                    # A viewer whom nobody answered writes again: the same message again would be known already.
                    self._messages += 1
                    ask.payload["message_id"] = f"m{self._messages}"
                self._probe.send(ask.topic, ask.payload)

    def _room(self) -> bool:
        return len(self._open) + self._person.work() < AHEAD and bool(self._person.board)

    def _listen(self) -> None:
        mark = self._probe.mark()
        for seen in self._probe.seen(channels.MOVE_STATUS.address, since=self._read):
            status = seen.json
            user = (status.get("user") or {}).get("id")
            for ask in [ask for ask in self._open if ask.key in (status["request_id"], user)]:
                self._open.remove(ask)
                self.answered += 1
                self.refused += status["state"] == "refused"
        self._read = mark

    def _ask(self) -> None:
        self.asked += 1
        start, end = self._move()
        if self._rng.random() < 0.4:
            key = f"viewer-{self.asked}"
            line = {"user_id": key, "text": f"{start} {end}", "message_id": "", "channel": "chaos"}
            self._open.append(_Ask(key, channels.CHAT_MESSAGE.address, line))
        else:
            key = f"r{self.asked}"
            self._open.append(_Ask(key, channels.MOVE_REQUEST.address, {"from": start, "to": end, "request_id": key}))

    def _move(self) -> tuple[str, str]:
        file, rank = self._rng.randrange(8), self._rng.randrange(1, 9)
        across, up = self._rng.choice([(1, 0), (0, 1), (1, 1), (-1, 1)])
        other = file + across if 0 <= file + across < 8 else file - across
        above = rank + up if rank + up <= 8 else rank - up
        return f"{_FILES[file]}{rank}", f"{_FILES[other]}{above}"

    def _steer(self, now: float) -> None:
        say = self._person.say
        choice = self._rng.choice(["undo", "skip", "ban", "pause", "cancel", "stop", "disarm"])
        if choice in {"undo", "skip"}:
            say(BOARD, choice)
        elif choice == "ban":
            user = f"mqtt_chat:viewer-{self.asked}"
            say(BOARD, f"ban {user}")
            self._later.append((now + self._rng.uniform(0.5, 2), lambda: say(BOARD, f"unban {user}")))
        else:
            self._hold(choice, now)

    def _hold(self, word: str, now: float) -> None:
        """The person holds the printer for a while; letting it go on is then the person's own business."""
        self._person.hands_off = True
        self._person.say(ENDER, word)
        self._later.append((now + self._rng.uniform(1, 4), self._let_go))

    def _let_go(self) -> None:
        self._person.hands_off = False
