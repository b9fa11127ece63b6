"""Requests and replies of the FlashForge protocol on TCP 8899, as bytes: pure, and prepared for whatever arrives.

A request is ``~M119\r\n``. A reply is ``CMD M119 Received.``, lines, ``ok``, in arbitrary segments and with CR LF or
LF. Some firmware leaves out the first or the last of these, some says ``ok`` twice. So:

- a reply with its own ``CMD`` line ends at ``ok``, at once;
- what comes before that line is a leftover of the command before, or a reply without a ``CMD`` line: it counts only
  when nothing more has come for a while;
- a reply without ``ok`` ends when nothing more has come for a while, one to a question not before it says something;
- a reply to a question that breaks off within a line is none;
- nothing, however it drips, lasts longer than the command's deadline.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

COMMAND_DEADLINE = 2.0
"""Seconds for a whole reply."""
QUIET = 0.25
"""Seconds without a byte after which an unfinished reply counts as finished."""
MAX_REPLY = 16384
"""Bytes; a printer's longest reply has about 400."""

READS = frozenset({"M27", "M105", "M115", "M119"})
"""Questions: their replies say something between ``CMD`` and ``ok``."""
_HEADER = re.compile(r"^CMD\s+([A-Z]\d+)\b", re.IGNORECASE)
_TURNED_AWAY = re.compile(r"^error\b.*\bconnected", re.IGNORECASE)
_CONTROL_TAKEN = re.compile(r"^control success", re.IGNORECASE)
_REFUSED = re.compile(r"^control failed", re.IGNORECASE)
_WHOLE = re.compile(rf"ok$|{_TURNED_AWAY.pattern}|{_REFUSED.pattern}", re.IGNORECASE)
"""What is whole without an end of line."""


class NoReply(Exception):
    """Nothing that could be a reply came within the deadline."""


class NotThisProtocol(Exception):
    """More came than any printer says."""


@dataclass(frozen=True)
class Reply:
    """What was said to one command: the lines between ``CMD`` and ``ok``, without blank ones."""

    command: str
    lines: tuple[str, ...]

    @property
    def refused(self) -> bool:
        """Whether the printer said that somebody else has control, or that control has to be taken first."""
        return any(_REFUSED.match(line) for line in self.lines)

    @property
    def turned_away(self) -> bool:
        """Whether the printer said that another program holds its one connection."""
        return any(_TURNED_AWAY.match(line) for line in self.lines)


def request(command: str) -> bytes:
    """The bytes that ask for *command*, for example ``M601 S1``."""
    return f"~{command}\r\n".encode("ascii")


class Exchange:
    """One command and what comes back. Gets bytes and times, does no I/O; times are seconds of one monotonic clock."""

    def __init__(self, command: str, now: float, within: float = COMMAND_DEADLINE) -> None:
        self.command = command
        self._code = command.split()[0].upper()
        self._end = now + within
        self._last = now
        self._size = 0
        self._rest = b""
        self._ours = False
        self._skipping = False
        self._closed = False
        self._acknowledged = False
        self._lines: list[str] = []

    @property
    def deadline(self) -> float:
        """When :meth:`expire` is to be called unless bytes come before."""
        if self._half:
            return self._end
        order_heard = self._acknowledged or (self._ours and self._code not in READS)
        begun = bool(self._lines or self._rest.strip() or order_heard)
        return min(self._end, self._last + QUIET) if begun else self._end

    def feed(self, data: bytes, now: float) -> Reply | None:
        """The reply if *data* completes it. Raises NotThisProtocol when it is far too long."""
        self._last = now
        self._size += len(data)
        if self._size > MAX_REPLY:
            raise NotThisProtocol(f"{self._size} bytes in reply to {self.command}")
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            reply = self._take(_text(line))
            if reply is not None:
                return reply
        return None

    def expire(self, *, ended: bool = False) -> Reply:
        """The reply as far as it came, at the deadline or, *ended*, at the end of the connection.

        Raises NoReply, and NotThisProtocol for what does not even begin like a reply.
        """
        half = self._half
        if half:
            raise self._broken_off(half)
        reply = self._take(_text(self._rest))
        if reply is not None:
            return reply
        # Firmware without an "ok" is quiet after its reply; it does not hang up.
        if ended and self._lines and self._code in READS and not self._closed and not self._reply().refused:
            raise self._broken_off(self._lines[-1])
        if not (self._lines or self._ours or self._acknowledged):
            raise NoReply(f"no reply to {self.command}")
        return self._reply()

    @property
    def _half(self) -> str:
        """What has come of a line, in the reply to a question; "" where it needs no end to be known for what it is."""
        # Half a line reads as another one ("byte 96/100" of 1000), and what is missing after it changes the rest: a
        # print without its MoveMode is no paused one.
        rest = _text(self._rest)
        return "" if self._code not in READS or _WHOLE.match(rest) else rest

    def _take(self, line: str) -> Reply | None:
        header = _HEADER.match(line)
        if header:
            # Whatever was collected belongs to an earlier command; what follows may belong to one as well.
            self._ours = header[1].upper() == self._code
            self._skipping = not self._ours
            self._closed = False
            self._lines = []
        elif line.lower() == "ok":
            if self._ours:
                return self._reply()
            self._skipping = False
            self._closed = True
            self._acknowledged = self._code not in READS
            if all(_CONTROL_TAKEN.match(said) for said in self._lines):
                self._lines = []  # the second half of the reply to an M601
        elif line and not self._skipping:
            self._lines.append(line)
            if _TURNED_AWAY.match(line):
                return self._reply()
        return None

    def _broken_off(self, last: str) -> NoReply | NotThisProtocol:
        text = f"the reply to {self.command} breaks off at {last[:40]!r}"
        return NoReply(text) if self._ours else NotThisProtocol(text)

    def _reply(self) -> Reply:
        return Reply(self.command, tuple(self._lines))


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").strip()
