"""One evening in a few minutes of text: whatever changes the planner's rows happens in it, always in the same order."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from contracts import channels
from contracts.chat import ChatBody, MessageDeleted, Role, UserCleared
from contracts.moves import ENDS
from contracts.plan import JobEnd
from services.chassis.clock import now
from services.planner.history import archive, formats, svg
from tests.e2e.planner.mortal import MortalStack
from tests.unit.planner.stack import message

_JOB = re.compile(r"[0-9a-f]{8}-(\d+-\d+-\d+)-[0-9a-f]{8}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(\+00:00|Z)")


class Story:
    """Tells it to a stack, waiting after each act until everybody has heard of it."""

    def __init__(self, stack: MortalStack) -> None:
        self._stack = stack
        self._said = 0
        self._ordered = 0
        stack.bridge.auto = False

    async def tell(self) -> None:
        """The whole story."""
        await self._quiet(lambda: self._stack.planner._state().header.epoch is not None, "the bridge's first word")
        await self._order("confirm_empty")
        await self._says("a1 c3", "u1", "1-1", "planned")
        await self._says("h1 f3", "u2", "1-2", "planned")
        await self._says("b1 b7", "u1", "1-3", "accepted")
        await self._says("c1 g5", "u3", "1-4", "accepted")
        await self._says("a1 c3", "u2", "1-5", "accepted")
        await self._begins("1-1")
        await self._ends("1-1", JobEnd.DRAWN)
        await self._says("!ban twitch:u3", "mod", "1-4", "skipped")
        await self._says("!undo", "u1", "1-3", "skipped")
        await self._begins("1-2")
        await self._ends("1-2", JobEnd.FAILED)  # what was planned behind it comes back stale
        await self._says("d1 d8", "u4", "1-6", "accepted")
        await self._begins("1-5")
        await self._ends("1-5", JobEnd.UNCERTAIN, really=True)
        await self._says("e1 e8", "u5", "1-7", "accepted")
        await self._says("!resolve redraw", "mod", "1-5", "planned")
        await self._begins("1-5")
        await self._ends("1-5", JobEnd.DRAWN)
        await self._hears(
            MessageDeleted(source="twitch", channel="channel", message_id=self._id(9), received_at=_now())
        )
        await self._order("ban u9")
        await self._order("set cooldown_all 0")
        await self._order("new_board")
        await self._settles()
        await self._order("confirm_empty")
        await self._says("f1 f8", "u6", "2-8", "accepted")
        await self._hears(UserCleared(source="twitch", channel="channel", user_id="u6", received_at=_now()))
        await self._settles()
        await self._says("g1 a7", "u7", "2-9", "planned")
        while self._stack.bridge.model.waiting:
            await self._begins(self._stack.bridge.model.waiting[0].move_id)
            running = self._stack.bridge.model.running
            assert running is not None
            await self._ends(running.move_id, JobEnd.DRAWN)
        await self._says("!unban twitch:u3", "mod")

    def facts(self) -> dict[str, Any]:
        """Everything that is left of it, times and random names aside."""
        stack = self._stack
        game, geometry = stack.planner._state(), stack.planner._setup.geometry
        with archive.reading(stack._store.path) as read:
            boards = [archive.board(read, number) for number in (1, 2)]
            plans = read("SELECT job, board, ordinal, laid, strokes FROM plans ORDER BY ordinal, job", ())
            moves = read("SELECT * FROM moves ORDER BY board, number", ())
        ends = [(s["move_id"], s["state"]) for s in stack.on(channels.MOVE_STATUS) if s["state"] in _ENDS]
        found = {
            "header": replace(game.header, instance=""),
            "queue": game.moves,
            "bans": sorted(game.bans.items()),
            "lines": game.lines,
            "map": (game.plastic, game.ahead),
            "moves": moves,
            "plans": plans,
            "history": [(formats.as_json(board), svg.write(board, geometry, 0.48)) for board in boards],
            "drawn": [(run.move_id, run.ordinal, run.gcode) for run in stack.bridge.model.drawn],
            "ends": sorted(set(ends)),
        }
        return {name: _TIME.sub("", _JOB.sub(r"\1", repr(value))) for name, value in found.items()}

    # --- acts ------------------------------------------------------------------------------------------------------

    async def _says(self, text: str, user: str, move: str = "", state: str = "") -> None:
        self._said += 1
        roles = (Role.MODERATOR,) if user == "mod" else ()
        self._stack.chat(message(text, user, self._id(self._said), *roles))
        await self._quiet(lambda: not move or state in self._stack.statuses(move), f"{move} is {state}")

    async def _hears(self, body: ChatBody) -> None:
        self._stack.chat(body)
        await self._quiet(lambda: True, "heard")

    async def _order(self, words: str) -> None:
        """A board command; MQTT would bring it again to a planner that died over it, and so does this."""
        self._ordered += 1
        name, *arguments = words.split()
        order_id = f"c{self._ordered}"
        order = {"command": name, "id": order_id, "arguments": arguments}

        def answered() -> bool:
            return bool(self._stack.answers(order_id))

        while not answered():
            deaths = self._stack.deaths
            self._stack.send(channels.BOARD_COMMAND, order)
            await self._quiet(lambda: answered() or self._stack.deaths > deaths, f"the answer to {words}")  # noqa: B023

    async def _begins(self, move: str) -> None:
        model = self._stack.bridge.model

        def begun() -> bool:
            if model.running is None and model.advance():
                self._stack.bridge.speak()
            return model.running is not None and model.running.move_id == move

        await self._quiet(begun, f"{move} begins")
        await self._quiet(lambda: "printing" in self._stack.statuses(move), f"{move} is printing")

    async def _ends(self, move: str, end: JobEnd, *, really: bool = False) -> None:
        assert self._stack.bridge.model.finish(end, really_drawn=really)
        self._stack.bridge.speak()
        await self._quiet(lambda: end.value in self._stack.statuses(move), f"{move} is {end.value}")

    async def _settles(self) -> None:
        await self._quiet(lambda: True, "nothing is under way")

    async def _quiet(self, condition: Callable[[], bool], what: str) -> None:
        """Everybody has receipts for everything, and *condition* holds."""
        await self._stack.until(lambda: condition() and self._stack.quiet(), what)

    @staticmethod
    def _id(number: int) -> str:
        return f"m{number}"


_ENDS = {state.value for state in ENDS}


def _now() -> Any:
    return now().wall
