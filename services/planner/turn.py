"""One step under way: the state as it has become so far, and what the rim is asked to do.

A Turn lives within one call of the step; from outside the step is a pure function. Every change of a move goes through
:meth:`Turn.change`, so that no change is forgotten in the database or on the bus.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from contracts.board import DrawnLine
from contracts.chat import ChatReply
from contracts.events import Event, EventKind
from contracts.moves import ENDS, MoveState
from contracts.plan import Control, ControlWord, Revoke
from services.chassis.clock import Now
from services.planner import laying, queue, reporting
from services.planner.effects import Effect, Keep, Reply, Say, Send, Tell
from services.planner.game import Game, Move, Setup
from services.planner.rules import Rules

_REASON = 500
UNTAKEN_MOST = 100
"""With more messages to the bridge that have no receipt, it is told nothing more that a person can say again."""


class Turn:
    """The state and the effects of the step so far."""

    def __init__(self, game: Game, setup: Setup, now: Now, untaken: int = 0) -> None:
        self.game = game
        self.setup = setup
        self.now = now
        self.untaken = untaken
        """So many messages to the bridge have no receipt."""
        self.effects: list[Effect] = []

    @property
    def rules(self) -> Rules:
        """The rules as they are now, changes by ``set`` included."""
        return self.setup.rules.with_changes(dict(self.game.header.changes))

    def header(self, **changes: Any) -> None:
        """Change the header."""
        self.game = replace(self.game, header=replace(self.game.header, **changes))

    def do(self, effect: Effect) -> None:
        """Ask the rim for *effect*."""
        self.effects.append(effect)

    # --- moves -----------------------------------------------------------------------------------------------------

    def change(self, move: Move, state: MoveState | None = None, **changes: Any) -> Move:
        """*move* with *changes*, stored; said aloud when its *state* is another one than before."""
        after = replace(move, state=state or move.state, **changes)
        moves = dict(self.game.moves)
        if after.state in ENDS:
            moves.pop(after.id, None)
            self.game = queue.ended(replace(self.game, moves=moves, last=after), after)
            self._count_end(after)
        else:
            moves[after.id] = after
            self.game = replace(self.game, moves=moves)
        self.do(Keep(after))
        if after.state is not move.state:
            self.tell(after)
        return after

    def accept(self, move: Move) -> None:
        """Take *move* into the game."""
        self.game = replace(self.game, moves={**self.game.moves, move.id: move})
        self.do(Keep(move))
        self.tell(move)

    def end(self, move: Move, state: MoveState, reason: str | None, *, quietly: bool = False) -> None:
        """The one end of *move*; *quietly* leaves chat alone, where somebody took it out on purpose."""
        laid = state is MoveState.DRAWN and not move.dry
        drawn_on = self.game.header.board if laid else None
        if move.dry and state is MoveState.DRAWN:
            reason = reason or "a dry run: nothing lies on the plate"
        after = self.change(move, state, reason=_cut(reason), job=None, revoked=None, recalled=None, drawn_on=drawn_on)
        if laid:
            # As when the rows are read: what was drawn before the board was changed has no place on this one.
            if self.setup.geometry.has(after.start, after.end):
                lines = (*self.game.lines, drawn_line(after, self.setup))
                self.game = replace(self.game, lines=lines, drew=self.game.drew | {after.user})
            self.game, keep = laying.drawn(self.game, move)
            self.do(keep)
        elif not quietly and state is not MoveState.DRAWN:
            self.reply_to(after, f"{after.start} to {after.end} was not drawn: {reason or state.value}")

    def plan_again(self, move: Move, **changes: Any) -> None:
        """*move* gets a new run as soon as it can, under its ordinal unless a later one was drawn meanwhile.

        Who draws the board again, or reads its heights from the rows, does so in the order of the ordinals.
        """
        overtaken = any(line.ordinal > (move.ordinal or 0) for line in self.game.lines)
        ordinal = None if overtaken else move.ordinal
        again = {"ordinal": ordinal, "job": None, "epoch": None, "after": None, "strokes": (), "share": None}
        self.change(move, MoveState.PLANNED, **{**again, "revoked": None, "recalled": None, **changes})

    def take_out(self, move: Move, reason: str) -> None:
        """*move* is not to be drawn: it ends now, or when the bridge has given it back."""
        if not move.outstanding:
            self.end(move, MoveState.SKIPPED, reason, quietly=True)
        elif move.revoked is None:
            after = self.change(move, revoked=reason)
            if move.recalled is None:
                self.revoke(after, reason)

    def recall(self, move: Move, reason: str) -> None:
        """The run of *move* is not to begin; the move is planned again when the bridge has given it back."""
        # Once: the answer is certain to come, and a bridge that is away would find all the others when it is back.
        if move.revoked is None and move.recalled is None:
            self.revoke(self.change(move, recalled=reason), reason)

    def revoke(self, move: Move, reason: str) -> None:
        """Ask the bridge for the run of *move* back."""
        if move.job is not None:
            self.do(Send(Revoke(planner=self.game.header.instance, job_id=move.job, reason=_cut(reason) or "revoked")))

    def _count_end(self, move: Move) -> None:
        name = move.state.value
        self.header(**{name: getattr(self.game.header, name) + 1})

    # --- what others are told --------------------------------------------------------------------------------------

    def tell(self, move: Move) -> None:
        """Publish where *move* stands."""
        self.do(Tell(reporting.status(move, queue.position(self.game, move), self.now)))

    def say(self, kind: EventKind, reason: str | None = None, **fields: Any) -> None:
        """Publish an event of the board."""
        self.do(Say(Event(event=kind, reason=_cut(reason), time=self.now.wall, **fields)))

    def reply_to(self, move: Move, text: str) -> None:
        """Answer the chat message that asked for *move*, if one did."""
        if move.channel is not None:
            self.reply(text, move.user.source, move.channel, move.message_id, move.user.id)

    def reply(self, text: str, source: str, channel: str, message_id: str | None, user_id: str | None) -> None:
        """Answer in chat. *text* is never a viewer's."""
        self.do(
            Reply(
                ChatReply(
                    text=text[:_REASON],
                    source=source,
                    channel=channel,
                    reply_to=message_id,
                    user_id=user_id,
                    time=self.now.wall,
                )
            )
        )

    def refuses_more(self) -> str | None:
        """Why the bridge is told nothing more that can be said again, None when it is."""
        if self.untaken < UNTAKEN_MOST:
            return None
        return "the printer's bridge takes nothing that it is told: start octo_bridge, or wait for it, and say it again"

    def control(self, word: ControlWord, by: str, command_id: str | None = None) -> None:
        """Ask something of the machine, at once."""
        header = self.game.header
        self.do(Send(Control(planner=header.instance, command=word, epoch=header.epoch or 0, by=by, id=command_id)))


def drawn_line(move: Move, setup: Setup) -> DrawnLine:
    """*move* as a line of the drawing."""
    segment = setup.geometry.segment(move.start, move.end)
    return DrawnLine(
        move_id=move.id,
        ordinal=move.ordinal or 0,
        from_square=move.start,
        to_square=move.end,
        x1=round(segment.x1, 3),
        y1=round(segment.y1, 3),
        x2=round(segment.x2, 3),
        y2=round(segment.y2, 3),
        share=1.0 if move.share is None else round(move.share, 3),
        user=move.user.ref(),
    )


def _cut(reason: str | None) -> str | None:
    return None if reason is None else reason[:_REASON]
