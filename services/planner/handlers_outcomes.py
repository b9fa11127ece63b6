"""What the bridge says of runs and of the machine."""

from __future__ import annotations

from dataclasses import replace

from contracts.board import Plate
from contracts.events import EventKind
from contracts.moves import MoveState
from contracts.plan import JobEnd, JobEnded, JobStarted, MachineNotice, PlanRefused, RevokeTooLate
from services.planner import laying
from services.planner.game import Move
from services.planner.handlers_planning import FULL_AMONG, board_is_full
from services.planner.inputs import Outcome, OutcomesMissed, OutcomeUnreadable
from services.planner.settings import UncertainPolicy
from services.planner.turn import Turn

_PLAIN_ENDS = {
    JobEnd.DRAWN: MoveState.DRAWN,
    JobEnd.FAILED: MoveState.FAILED,
    JobEnd.CANCELLED: MoveState.CANCELLED,
}
_BEGUN = "the bridge said that it had begun, and then that it refuses it: one of that is wrong"
"""Plastic of it lies there, perhaps, and it is drawn at this moment, perhaps: it has not failed for certain."""


def heard(turn: Turn, body: Outcome) -> None:
    """Take one body of the outcome link. A job that is nobody's present run says nothing any more."""
    if isinstance(body, JobStarted) or (isinstance(body, JobEnded) and body.end in _PLAIN_ENDS):
        turn.game = replace(turn.game, moved_at=turn.now.mono)
    match body:
        case JobStarted():
            move = turn.game.by_job(body.job_id)
            if move is not None and move.state is MoveState.PLANNED:
                turn.change(move, MoveState.PRINTING, revoked=None, recalled=None)
        case JobEnded():
            move = turn.game.by_job(body.job_id)
            if move is not None and body.end is JobEnd.STALE:
                # It speaks of the machine as it is: a bridge that lost its data counts its epochs from the start.
                turn.header(epoch=body.epoch)
            else:
                _new_epoch(turn, body.epoch)
            if move is not None:
                _ended(turn, move, body)
        case RevokeTooLate():
            move = turn.game.by_job(body.job_id)
            if move is not None:
                turn.change(move, revoked=None, recalled=None)
                turn.say(EventKind.PROBLEM, f"too late: {move.id} had begun and is drawn", move_id=move.id)
        case MachineNotice():
            _machine(turn, body)
        case PlanRefused():
            _plan_refused(turn, body)


def unreadable(turn: Turn, event: OutcomeUnreadable) -> None:
    """The end of a job may be among what could not be read; then nobody knows what became of its move."""
    job = event.body.get("job_id")
    move = turn.game.by_job(job) if isinstance(job, str) else None
    turn.say(
        EventKind.PROBLEM, f"an outcome could not be understood: {event.reason}", move_id=move.id if move else None
    )
    if move is not None and move.outstanding:
        _uncertain(turn, move, "the bridge's word on it could not be understood")


def missed(turn: Turn, event: OutcomesMissed) -> None:
    """Ends may have been lost: every run that is with the bridge is in doubt, and must not begin any more."""
    # The epoch stays: who begins the history may be a forger, and a bridge that really lost its data says its own, in a
    # notice or in the stale answer to the next run.
    in_doubt(turn, event.reason)
    turn.say(EventKind.PROBLEM, f"outcomes of the printer's bridge are lost: {event.reason}")


def in_doubt(turn: Turn, reason: str) -> None:
    """Nobody knows what became of the runs that are with the bridge; what has not begun must not."""
    for move in turn.game.outstanding():
        turn.revoke(move, "its outcome would not be understood")
        _uncertain(turn, move, reason)


def _new_epoch(turn: Turn, epoch: int) -> None:
    """Epochs only grow; an end that is told again may name an old one."""
    known = turn.game.header.epoch
    if known is None or epoch > known:
        turn.header(epoch=epoch)


def _ended(turn: Turn, move: Move, body: JobEnded) -> None:
    end = body.end
    if end in _PLAIN_ENDS:
        if end is JobEnd.DRAWN:
            turn.header(drawn_job=body.job_id, drawn_job_epoch=move.epoch, refusals=0, refusal=None)
        turn.end(move, _PLAIN_ENDS[end], body.reason)
        if end is not JobEnd.DRAWN and move.outstanding:
            turn.game = laying.began(turn.game, move)
        _full(turn)
    elif end in (JobEnd.UNCERTAIN, JobEnd.UNKNOWN):
        _uncertain(turn, move, body.reason)
    elif move.state is MoveState.UNCERTAIN:
        # A bridge that lost its data would say the same of a job that it had drawn before: only a person can settle it.
        return
    elif end is JobEnd.REFUSED:
        _refused(turn, move, body.reason)
    elif move.revoked is not None:
        turn.end(move, MoveState.SKIPPED, move.revoked, quietly=True)
        _given_back(turn, move)
    else:
        # Stale, or given back because the board ends: it is planned again under the ordinal that it has. Also one that
        # had begun: OctoPrint starts a file of which not a line is sent when the cable falls out, and the bridge finds
        # that out.
        stale = move.stale + 1 if end is JobEnd.STALE else 0
        turn.plan_again(move, stale=stale)
        _given_back(turn, move)


def _given_back(turn: Turn, move: Move) -> None:
    turn.game, keep = laying.given_back(turn.game, move)
    turn.do(keep)


def _refused(turn: Turn, move: Move, reason: str | None) -> None:
    if move.state is MoveState.PRINTING:
        return _uncertain(turn, move, _BEGUN)
    text = reason or "no reason given"
    turn.header(refusals=turn.game.header.refusals + 1, refusal=text[:200])
    turn.end(move, MoveState.FAILED, f"refused by the printer's bridge: {text}")
    _given_back(turn, move)


def _uncertain(turn: Turn, move: Move, reason: str | None) -> None:
    after = turn.change(move, MoveState.UNCERTAIN, reason=reason, revoked=None, recalled=None)
    if move.outstanding:
        turn.game = laying.began(turn.game, move)
    turn.say(EventKind.UNCERTAIN, reason, move_id=move.id)
    policy = turn.setup.settings.uncertain_policy
    if policy is UncertainPolicy.REDRAW:
        turn.plan_again(after, stale=0, reason="uncertain, drawn again by BOARDCAST_UNCERTAIN_POLICY")
    elif policy is UncertainPolicy.SKIP:
        turn.end(after, MoveState.SKIPPED, "uncertain, skipped by BOARDCAST_UNCERTAIN_POLICY")


def _machine(turn: Turn, body: MachineNotice) -> None:
    before = turn.game.header
    turn.header(epoch=body.epoch)
    turn.header(refusals=0, refusal=None)
    for move in list(turn.game.moves.values()):
        if move.stale and before.epoch != turn.game.header.epoch:
            turn.change(move, stale=0)
    # That the bridge knows its plate says nothing about ours: known is only what a person confirmed to this planner.
    if body.plate is Plate.UNKNOWN and before.plate is not Plate.UNKNOWN:
        turn.header(plate=Plate.UNKNOWN)


def _plan_refused(turn: Turn, body: PlanRefused) -> None:
    move = turn.game.by_job(body.job_id) if body.job_id is not None else None
    turn.say(EventKind.PROBLEM, f"the bridge could not read a plan: {body.reason}", move_id=move.id if move else None)
    if move is not None and move.outstanding:
        _refused(turn, move, body.reason)


def _full(turn: Turn) -> None:
    """The board is full when lines can hardly be drawn any more, or when there are as many as anybody can read."""
    header, lines = turn.game.header, turn.game.lines
    if header.plate is not Plate.KNOWN or not lines:
        return
    newest = [line.share for line in lines[-FULL_AMONG:]]
    crowded = len(newest) == FULL_AMONG and sum(newest) / FULL_AMONG < turn.setup.settings.board_full_below
    if crowded or len(lines) >= turn.setup.settings.board_lines:
        board_is_full(turn)
