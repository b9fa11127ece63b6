"""Every kind of fault that a campaign knows, and how a seed becomes a sequence of them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

SERVICES = ("chat_ingest", "planner", "octo_bridge")
BROKER, OCTOPRINT, PRINTER = "broker", "octoprint", "printer"


@dataclass(frozen=True)
class Kind:
    """One way in which a part fails."""

    name: str
    targets: tuple[str, ...]
    least: float = 0.0
    most: float = 0.0
    """Seconds that it lasts, drawn evenly between these."""
    doubt: bool = False
    """Whether a move in hand may honestly be uncertain after it: OctoPrint's host died, or a memory was lost."""
    upon_pause: bool = False
    """Whether it strikes in the moment in which a pause is answered, which then has to hold for a while."""


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("kill", (*SERVICES, BROKER), 0.0, 1.0),
        Kind("kill_upon_pause", ("octo_bridge",), 0.0, 1.0, upon_pause=True),
        Kind("kill_upon_upload", ("octo_bridge",), 0.0, 1.0),
        Kind("kill_octoprint", (OCTOPRINT,), 0.0, 1.0, doubt=True),
        Kind("freeze", (*SERVICES, BROKER, OCTOPRINT), 0.3, 6.0),
        Kind("serial_drop", (PRINTER,)),
        Kind("serial_reset", (PRINTER,)),
        Kind("serial_error", (PRINTER,)),
        Kind("serial_lost_ok", (PRINTER,)),
        Kind("serial_mute", (PRINTER,), 0.5, 6.0),
        Kind("http_reset_before", (OCTOPRINT,), 0.5, 3.0),
        Kind("http_reset_after", (OCTOPRINT,), 0.5, 3.0),
        Kind("http_500", (OCTOPRINT,), 0.5, 3.0),
        Kind("http_503", (OCTOPRINT,), 0.5, 3.0),
        Kind("http_409", (OCTOPRINT,), 0.5, 3.0),
        Kind("http_timeout_after", (OCTOPRINT,), 0.5, 5.0),
        Kind("http_upload_timeout", (OCTOPRINT,), 0.5, 5.0),
        Kind("http_slow_body", (OCTOPRINT,), 0.5, 5.0),
        Kind("http_half_open", (OCTOPRINT,), 0.5, 6.0),
        Kind("net_cut", SERVICES, 0.0, 3.0),
        Kind("net_delay", SERVICES, 0.5, 4.0),
        Kind("net_one_way_up", SERVICES, 0.5, 4.0),
        Kind("net_one_way_down", SERVICES, 0.5, 4.0),
        Kind("net_lossy", SERVICES, 1.0, 4.0),
        Kind("disk_full", SERVICES, 0.5, 4.0),
        Kind("disk_read_only", SERVICES, 0.5, 4.0),
        Kind("clock_ahead", SERVICES),
        Kind("clock_back", SERVICES),
        Kind("data_lost", SERVICES, doubt=True),
        Kind("data_restored", SERVICES, doubt=True),
    )
}


@dataclass(frozen=True)
class Fault:
    """One fault of a campaign."""

    number: int
    kind: str
    target: str
    seconds: float
    """How long it lasts."""
    after: float
    """Seconds from the recovery of the one before: the moment is the point, so it is drawn too."""
    draw: int
    """For whatever else a strike has to draw."""

    @property
    def name(self) -> str:
        """Kind and target."""
        return f"{self.kind}:{self.target}"


def sequence(seed: int, count: int, kinds: Sequence[str] = ()) -> list[Fault]:
    """*count* faults from a seed; every kind and target comes once before one comes again. Raises KeyError."""
    rng = random.Random(f"faults {seed}")
    chosen = [KINDS[name] for name in kinds or KINDS]
    every = [(kind, target) for kind in chosen for target in kind.targets]
    found: list[Fault] = []
    while len(found) < count:
        rng.shuffle(every)
        for kind, target in every[: count - len(found)]:
            seconds = round(rng.uniform(kind.least, kind.most), 3)
            after = round(rng.uniform(0, 1.5), 3)
            found.append(Fault(len(found), kind.name, target, seconds, after, rng.randrange(1 << 30)))
    return found
