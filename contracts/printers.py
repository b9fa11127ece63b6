"""The printers: state with every key always there, null when unknown, and the words that steer them."""

from __future__ import annotations

from pydantic import AwareDatetime, Field

from contracts.base import OpenEnum, Payload
from contracts.board import Plate
from contracts.commands import Verb, Verbs
from contracts.events import Event
from contracts.text import MoveId, Reason


class EnderStatus(OpenEnum):
    """What the Ender is doing, as far as it can be known."""

    OFFLINE = "offline"
    IDLE = "idle"
    HEATING = "heating"
    PRINTING = "printing"
    PAUSING = "pausing"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    FINISHING = "finishing"
    FOREIGN = "foreign"
    ERROR = "error"
    UNKNOWN = "unknown"


class Link(OpenEnum):
    """How far the bridge gets: to OctoPrint, and through it to the printer."""

    NO_OCTOPRINT = "no_octoprint"
    STARTING = "starting"
    WRONG_KEY = "wrong_key"
    NO_PRINTER = "no_printer"
    PRINTER_ERROR = "printer_error"
    REFUSED_PORT = "refused_port"
    OK = "ok"
    UNKNOWN = "unknown"


class Heaters(OpenEnum):
    """What octo_bridge wants of the heaters."""

    OFF = "off"
    HEATING = "heating"
    HOT = "hot"
    STANDBY = "standby"
    UNKNOWN = "unknown"


class Latch(OpenEnum):
    """Why nothing is sent until ``resume``."""

    NONE = "none"
    PAUSE = "pause"
    CANCEL = "cancel"
    STOP = "stop"
    FOREIGN = "foreign"
    UNKNOWN = "unknown"


class EnderState(Payload):
    """The Ender behind OctoPrint. Temperatures in °C, durations in s, z in mm, progress in percent."""

    state: EnderStatus
    reason: Reason | None = Field(description="Why it is not simply ready, and what to do.")
    link: Link
    printer_connected: bool
    problem: bool
    armed: bool
    armed_until: AwareDatetime | None
    latch: Latch
    latch_reason: Reason | None
    plate: Plate
    epoch: int = Field(description="Machine epoch: raised whenever what was known of the machine no longer holds.")
    position_known: bool
    heaters: Heaters
    nozzle_actual: float | None
    nozzle_target: float | None
    bed_actual: float | None
    bed_target: float | None
    job: str | None
    move_id: MoveId | None
    progress: float | None
    elapsed: int | None
    remaining: int | None
    finish_at: AwareDatetime | None
    z: float | None
    waiting_jobs: int = Field(description="Plans taken and not yet begun.")
    firmware: str | None


ENDER_VERBS: Verbs = {
    "arm": Verb("arm [HOURS]", "allow heating and motion for so long", 0, 1),
    "disarm": Verb("disarm", "heaters off, nothing moves until armed"),
    "pause": Verb("pause", "stop after what is running and send nothing until resume"),
    "resume": Verb("resume", "take the latch off and go on"),
    "cancel": Verb("cancel", "end the running job and send nothing until resume"),
    "stop": Verb("stop", "cancel, heaters off, disarm; repeated until the state confirms it"),
    "home": Verb("home", "recover the position by the safe way"),
    "park": Verb("park", "lift and go to the park position"),
    "adopt": Verb("adopt", "take plans from the planner that was refused"),
}

REX_VERBS: Verbs = {
    "pause": Verb("pause", "pause the print"),
    "resume": Verb("resume", "go on with the print"),
    "cancel": Verb("cancel", "end the print"),
    "nozzle": Verb("nozzle DEGREES", "set the nozzle's target; only where enabled", 1, 1),
    "bed": Verb("bed DEGREES", "set the bed's target; only where enabled", 1, 1),
    "light": Verb("light on|off", "switch the light", 1, 1),
}


class RexStatus(OpenEnum):
    """What the REX is doing; ``busy_elsewhere`` means that its slicer holds the one connection."""

    OFFLINE = "offline"
    IDLE = "idle"
    PRINTING = "printing"
    PAUSED = "paused"
    COMPLETED = "completed"
    BUSY_ELSEWHERE = "busy_elsewhere"
    ERROR = "error"
    UNKNOWN = "unknown"


class RexState(Payload):
    """A FlashForge-like printer on TCP. Temperatures in °C, durations in s, progress in percent."""

    state: RexStatus
    reason: Reason | None
    nozzle_actual: float | None
    nozzle_target: float | None
    bed_actual: float | None
    bed_target: float | None
    progress: float | None
    job: str | None
    print_id: str | None
    layer: int | None
    layers: int | None
    elapsed: int | None
    remaining: int | None
    name: str | None
    model: str | None
    firmware: str | None
    serial_number: str | None
    light: bool | None
    stale: bool
    last_contact: AwareDatetime | None


class RexEvent(Event):
    """An event at a REX, with the print that it is about."""

    print_id: str | None = Field(default=None, description="The same from `started` to the one end of a print.")
