"""What the bridge knows of one printer, what it is about to do, and what it hears: all frozen."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from contracts.events import EventKind
from services.chassis.clock import Now
from services.rex_bridge.control import Order
from services.rex_bridge.estimate import Estimate
from services.rex_bridge.framing import COMMAND_DEADLINE, Reply
from services.rex_bridge.prints import Tracker
from services.rex_bridge.replies import Identity, Machine, Progress, Temperatures

# --- what the rim is to do next ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sleep:
    """Nothing until *until* (monotonic seconds) or until an order comes."""

    until: float


@dataclass(frozen=True)
class Open:
    """Connect."""


@dataclass(frozen=True)
class Ask:
    """Send *command* and wait for its reply; *optional* gives up without calling it a failure."""

    command: str
    within: float = COMMAND_DEADLINE
    optional: bool = False


@dataclass(frozen=True)
class Close:
    """Disconnect."""


Todo = Sleep | Open | Ask | Close

# --- what it hears -------------------------------------------------------------------------------------------------


class Trouble(StrEnum):
    """Why there is no reply of use. The rim tells the first four apart; the others are in the replies."""

    AWAY = "away"  # no route, no name, no answer to the connect
    REFUSED = "refused"  # the host is there and refuses the connection
    SILENT = "silent"  # connected, and no reply
    DROPPED = "dropped"  # the connection ended
    NOT_UNDERSTOOD = "not_understood"  # something else lives at this address
    TURNED_AWAY = "turned_away"  # "have been connected"
    NO_CONTROL = "no_control"  # "Control failed"


@dataclass(frozen=True)
class Due:
    """The time that was slept for has come."""


@dataclass(frozen=True)
class Opened:
    """Connected."""


@dataclass(frozen=True)
class Closed:
    """Disconnected, as asked for."""


@dataclass(frozen=True)
class Failed:
    """Connecting or asking failed; the connection is gone."""

    trouble: Trouble
    text: str


@dataclass(frozen=True)
class Answered:
    """The reply to what was asked."""

    reply: Reply


@dataclass(frozen=True)
class Ordered:
    """Somebody wants something of the printer."""

    order: Order


@dataclass(frozen=True)
class Stopping:
    """The service ends; nothing more is asked or heard."""


Heard = Due | Opened | Closed | Failed | Answered | Ordered | Stopping

# --- what follows from it ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Say:
    """An event. Must not be lost."""

    kind: EventKind
    print_id: str | None = None
    job: str | None = None
    reason: str | None = None
    command: str | None = None
    command_id: str | None = None


@dataclass(frozen=True)
class Show:
    """The state is to be published; *at_once* when it is the reading that was waited for."""

    at_once: bool = True


@dataclass(frozen=True)
class Post:
    """A look is over: the HTTP API gets the state."""


Effect = Say | Show | Post

# --- what is known -------------------------------------------------------------------------------------------------


class Reach(StrEnum):
    """How far the bridge gets."""

    UNTRIED = "untried"
    REACHED = "reached"
    BUSY = "busy"
    AWAY = "away"


@dataclass(frozen=True)
class Wire:
    """The connection, and what is left to ask in the present look."""

    open: bool = False
    opened_at: float = 0.0
    proven: bool = False
    """A reply has come over it."""
    identified: bool = False
    """M115 was asked over it."""
    control: bool = False
    """M601 was taken and not yet given back."""
    asks: tuple[Ask, ...] = ()
    closing: bool = False


@dataclass(frozen=True)
class Sent:
    """An order that the printer has and is yet to show to have obeyed."""

    order: Order
    until: float


@dataclass(frozen=True)
class Readings:
    """The newest of each."""

    machine: Machine | None = None
    temperatures: Temperatures | None = None
    progress: Progress | None = None
    identity: Identity | None = None


@dataclass(frozen=True)
class State:
    """One printer."""

    printer: str
    due: float
    boot: str | None = None
    """The boot of the machine, within which monotonic times outlive a restart."""
    wire: Wire = Wire()
    reach: Reach = Reach.UNTRIED
    reason: str | None = None
    failures: int = 0
    trouble_busy: bool = False
    trouble_since: float | None = None
    free_reads: bool = False
    """It has answered a question to which no M601 belonged: then "Control failed" means somebody else."""
    contact: Now | None = None
    looked_at: float | None = None
    """End of the last whole look."""
    readings: Readings = Readings()
    heat_at: float = 0.0
    """When the temperatures were asked for last."""
    orders: tuple[Order, ...] = ()
    sent: Sent | None = None
    tracker: Tracker = field(default_factory=Tracker)
    elapsed: float = 0.0
    """Seconds since the present print began, as of *looked_at*."""
    active: float = 0.0
    """The same without pauses, since it is watched."""
    estimate: Estimate = field(default_factory=Estimate)
