"""What the broker saw of an evening, read once as it comes: a whole evening is too much to be read again and again."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import defaultdict
from typing import Any

from contracts.board import BoardDrawing, DrawnLine
from contracts.chat import ChatReply
from contracts.links import SENDER_FRAME, Batch, Data, Hello, Lost
from contracts.moves import ENDS, MoveState, MoveStatus
from tests.harness.mqtt_probe import MqttProbe, Seen


class Watch:
    """Statuses, pictures, replies, and what the chat link carried and when the planner had taken it."""

    def __init__(self, probe: MqttProbe) -> None:
        self._probe = probe
        self._mark = 0
        # The serial log has wall time, the probe's is monotonic.
        self._wall = time.time() - time.monotonic()
        self._taken: list[int] = []
        self._taken_at: list[float] = []
        self.told: dict[str, list[MoveStatus]] = defaultdict(list)
        self.refused: dict[str, int] = defaultdict(int)
        """How many requests were refused, by reason."""
        self.pictures: dict[int, tuple[DrawnLine, ...]] = {}
        self.replies: list[ChatReply] = []
        self.link: dict[int, dict[str, Any]] = {}
        """Bodies of the chat link by sequence number."""
        self.board: dict[str, Any] = {}
        self.boards = 0
        """How often the board has said how it is."""
        self.chat: dict[str, Any] = {}

    def look(self) -> None:
        """Read what came since the last look."""
        news = self._probe.seen(since=self._mark)
        self._mark += len(news)
        for seen in news:
            self._read(seen)

    def _read(self, seen: Seen) -> None:
        match seen.topic:
            case "move/status":
                self._status(MoveStatus.model_validate_json(seen.payload))
            case "board/drawing":
                drawing = BoardDrawing.model_validate_json(seen.payload)
                self.pictures[drawing.board] = drawing.lines
            case "board/state":
                self.board = seen.json
                self.boards += 1
            case "chat/state":
                self.chat = seen.json
            case "chat/reply":
                self.replies.append(ChatReply.model_validate_json(seen.payload))
            case "link/chat":
                self._carried(SENDER_FRAME.validate_json(seen.payload))
            case "link/chat/receipt" if (frame := seen.json)["kind"] == "receipt":
                self._taken.append(frame["upto"])
                self._taken_at.append(seen.time_s + self._wall)

    def _carried(self, frame: Hello | Data | Batch | Lost) -> None:
        frames = frame.frames if isinstance(frame, Batch) else (frame,)
        self.link.update({each.seq: each.body for each in frames if isinstance(each, Data)})

    def _status(self, status: MoveStatus) -> None:
        if status.move_id is None:
            self.refused[status.reason or ""] += 1
        else:
            self.told[status.move_id].append(status)

    @property
    def taken(self) -> int:
        """So many messages of the chat link the planner has taken."""
        return self._taken[-1] if self._taken else 0

    def taken_at(self, seq: int) -> float:
        """When the planner had taken message *seq* at the latest, in seconds since the epoch."""
        return self._taken_at[bisect_left(self._taken, seq)]

    def planned_at(self, move: str) -> float:
        """When *move* was first given to the bridge, in seconds since the epoch, by the planner's own word."""
        return min(told.time.timestamp() for told in self.told[move] if told.state is MoveState.PLANNED)

    @property
    def waits(self) -> list[str]:
        """Moves that have not ended."""
        return [move for move, told in self.told.items() if told[-1].state not in ENDS]

    def ends(self, move: str) -> list[MoveState]:
        """Every end that *move* was said to have."""
        return [status.state for status in self.told[move] if status.state in ENDS]

    def drawn(self) -> list[str]:
        """Moves that were said to be drawn, in the order of their ordinals."""
        found = [move for move, told in self.told.items() if told[-1].state is MoveState.DRAWN]
        return sorted(found, key=lambda move: max(status.ordinal or 0 for status in self.told[move]))

    def moves_of(self, user_id: str) -> list[str]:
        """Moves of a user in the order in which they were accepted."""
        return [move for move, told in self.told.items() if told[0].user is not None and told[0].user.id == user_id]

    def move_for(self, message_id: str, user_id: str) -> str | None:
        """The move that a chat message became: its user's accepted moves and the answers to them go in step."""
        answered = [r.reply_to for r in self.replies if r.user_id == user_id and "in the queue" in r.text]
        moves = self.moves_of(user_id)
        assert len(answered) == len(moves), f"{len(answered)} acceptances for {len(moves)} moves of {user_id}"
        return moves[answered.index(message_id)] if message_id in answered else None
