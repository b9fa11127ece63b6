"""octoprint.log as a witness: what it says between two marks that the bridge itself put there.

A mark is a GET of a file that does not exist: OctoPrint logs the 404 with its address. So a slice is known to be
whole when both of its marks are found, whatever the clocks of the two machines say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_STARTED = re.compile(r"Print job started - origin: local, path: (?P<path>.*?), owner:")
_JOB_LOGGER = " - octoprint.printer.standard.job - INFO - "
_PROCESS = re.compile(r"octoprint\.startup - INFO - Starting OctoPrint ")
_CONNECTED = re.compile(r'Changing monitoring state from "[^"]*" to "(Detecting serial|Opening serial|Connecting)')
_BEGUN = re.compile(_STARTED.pattern + r'|Changing monitoring state from "Starting" to "(?P<state>[^"]*)"')
_PAUSED = re.compile(r'Changing monitoring state from "[^"]*" to "Paus(ing|ed)"')
_LOST = frozenset({"Offline", "Offline after error", "Error"})
_RESET = re.compile(r"External reset\?")


@dataclass(frozen=True)
class Slice:
    """What the log says since a mark. With *whole* false it says nothing at all."""

    whole: bool
    restarted: bool = False
    """OctoPrint was started in between."""
    reconnected: bool = False
    """The serial port was opened in between."""
    reset: bool = False
    """The printer began anew in between."""
    started: tuple[str, ...] = ()
    """Paths of the files whose print was started."""
    stillborn: tuple[str, ...] = ()
    """Those of them of which not a line was sent: OctoPrint lost the printer while it still said Starting.

    A line of a file waits in OctoPrint's queue behind the change to Printing. (OctoPrint 1.11, octoprint.util.comm,
    `startPrint`.)
    """
    forgot: tuple[str, ...] = ()
    """Those of them behind whose start the printer began anew, its port was opened, or OctoPrint was started."""
    overtaken: tuple[str, ...] = ()
    """Those of them before whose start, and behind that of the file before, any of this happened."""
    paused: tuple[str, ...] = ()
    """Those of them that were paused."""
    verbose: bool = False
    """Such lines are known to be written at all: the level of their logger is known to let them through."""

    def forgets(self, path: str | None) -> bool:
        """Whether the printer may have begun anew behind the start of this file."""
        anything = self.restarted or self.reconnected or self.reset
        return path in self.forgot or (anything and path not in self.started)


def cut(text: str, begin: str | None, end: str, *, verbose: bool) -> Slice:
    """The slice between the marks; *text* is the log, rotated files first, *verbose* what its levels say."""
    last = text.rfind(end)
    first = text.find(begin) if begin is not None else -1
    if last < 0 or first < 0 or first > last:
        return Slice(whole=False)
    part = text[first:last]
    return Slice(
        whole=True,
        restarted=_PROCESS.search(part) is not None,
        reconnected=_CONNECTED.search(part) is not None,
        reset=_RESET.search(part) is not None,
        started=tuple(found["path"] for found in _STARTED.finditer(part)),
        stillborn=_stillborn(part),
        forgot=_forgot(part),
        overtaken=_overtaken(part),
        paused=_paused(part),
        verbose=verbose or _JOB_LOGGER in text,
    )


def _begun_anew(part: str) -> list[int]:
    return [found.end() for what in (_PROCESS, _CONNECTED, _RESET) for found in what.finditer(part)]


def _paused(part: str) -> tuple[str, ...]:
    started = list(_STARTED.finditer(part))
    ends = [*(found.start() for found in started[1:]), len(part)]
    return tuple(
        found["path"]
        for found, end in zip(started, ends, strict=False)
        if _PAUSED.search(part, found.end(), end) is not None
    )


def _overtaken(part: str) -> tuple[str, ...]:
    anew, before, paths = _begun_anew(part), 0, []
    for found in _STARTED.finditer(part):
        if any(before <= at <= found.start() for at in anew):
            paths.append(found["path"])
        before = found.end()
    return tuple(paths)


def _forgot(part: str) -> tuple[str, ...]:
    last = max(_begun_anew(part), default=-1)
    started = {found["path"]: found.start() for found in _STARTED.finditer(part)}
    return tuple(path for path, at in started.items() if at < last)


def _stillborn(part: str) -> tuple[str, ...]:
    last: dict[str, bool] = {}
    path: str | None = None
    for found in _BEGUN.finditer(part):
        if found["path"] is not None:
            path = found["path"]
            last[path] = False
        elif path is not None:
            last[path] = found["state"] in _LOST
    return tuple(path for path, stillborn in last.items() if stillborn)
