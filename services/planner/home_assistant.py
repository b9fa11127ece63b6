"""The drawing pipeline, which is the hub that the printers are reached through, as Home Assistant shows it."""

from __future__ import annotations

from contracts import channels, devices
from contracts.board import Plate
from contracts.events import EventKind
from contracts.moves import ENDS, MoveState
from services.chassis.discovery import templates
from services.chassis.discovery.entities import (
    BinarySensor,
    Button,
    Category,
    Device,
    Entity,
    Event,
    Image,
    Needs,
    Number,
    Sensor,
    Switch,
    Text,
)
from services.planner.settings import PlannerSettings

_DIAGNOSTIC, _CONFIG = Category.DIAGNOSTIC, Category.CONFIG
_PLATE = {Plate.KNOWN.value: "known", Plate.FULL.value: "full", Plate.UNKNOWN.value: "unconfirmed"}
_STATE = (
    "{% if value_json.held %}held{% elif value_json.current %}drawing"
    "{% elif value_json.counts.waiting + value_json.counts.planned > 0 %}waiting"
    "{% elif value_json.accepting %}ready{% else %}closed{% endif %}"
)
_STATES = ("held", "drawing", "waiting", "ready", "closed")
# What a move ends in, or hangs in; each step of each move would be too much when a whole chat plays.
_MOVES = (*sorted(ENDS), MoveState.UNCERTAIN, MoveState.REFUSED)
_BOARD = (EventKind.BOARD_FULL, EventKind.BOARD_NEW, EventKind.HELD, EventKind.RELEASED, EventKind.UNCERTAIN,
          EventKind.GAP)  # fmt: skip


def table(settings: PlannerSettings) -> tuple[Device, ...]:
    """The one device that this service describes."""
    root = settings.topic_root
    hub = Device(
        key=devices.HUB,
        name=devices.HUB_NAME,
        manufacturer="Boardcast",
        model="Drawing pipeline",
        state_topic=channels.BOARD_STATE.topic(root),
        entities=(*_state(root), *_counts(), *_moves(root), *_controls(root), *_events(root)),
    )
    return (hub,)


def _state(root: str) -> tuple[Entity, ...]:
    service = channels.SERVICE_AVAILABILITY.topic(root, service="planner")
    return (
        Sensor(key="state", name="State", value=_STATE, choices=_STATES, icon="mdi:chess-pawn",
               attributes=("held_reason",)),
        BinarySensor(key="held", name="Held", value="held", device_class="problem", attributes=("held_reason",)),
        Sensor(key="plate", name="Plate", value=templates.mapped("plate", _PLATE), choices=tuple(_PLATE.values()),
               icon="mdi:square-outline"),
        Sensor(key="board", name="Board", value="board", icon="mdi:checkerboard", category=_DIAGNOSTIC),
        BinarySensor(key="planner", name="Planner service", words=("online", "offline"), topic=service,
                     device_class="connectivity", category=_DIAGNOSTIC, needs=Needs.NOTHING),
    )  # fmt: skip


def _counts() -> tuple[Entity, ...]:
    totals = (("drawn", "Moves drawn", "mdi:draw"), ("refused", "Moves refused", "mdi:cancel"),
              ("failed", "Moves failed", "mdi:alert-circle-outline"), ("skipped", "Moves skipped", "mdi:skip-next"),
              ("cancelled", "Moves cancelled", "mdi:close-circle-outline"))  # fmt: skip
    return (
        Sensor(key="waiting", name="Queue", value="counts.waiting", state_class="measurement",
               icon="mdi:human-queue", attributes=("waiting",)),
        Sensor(key="uncertain", name="Moves uncertain", value="counts.uncertain", state_class="measurement",
               icon="mdi:help-circle-outline"),
        *(Sensor(key=key, name=name, value=f"counts.{key}", state_class="total_increasing", icon=icon)
          for key, name, icon in totals),
    )  # fmt: skip


def _moves(root: str) -> tuple[Entity, ...]:
    return (
        Sensor(key="current", name="Current move", value=_squares("current"), icon="mdi:pencil",
               attributes=("current",)),
        Image(key="picture", name="Board", image=channels.BOARD_IMAGE.topic(root), icon="mdi:image-outline"),
        Sensor(key="last", name="Last move", value=_squares("last"), icon="mdi:history", attributes=("last",)),
    )  # fmt: skip


def _controls(root: str) -> tuple[Entity, ...]:
    command = channels.BOARD_COMMAND.topic(root)
    buttons = (
        ("skip", "Skip next move", "skip", "mdi:skip-next", None),
        ("undo", "Take out newest move", "undo", "mdi:undo", None),
        ("clear", "Clear queue", "clear", "mdi:tray-remove", None),
        ("new_board", "New board", "new_board", "mdi:checkerboard-plus", None),
        ("confirm_empty", "Plate is empty", "confirm_empty", "mdi:check-bold", None),
        ("resolve_drawn", "Uncertain: drawn", "resolve drawn", "mdi:check-circle-outline", _CONFIG),
        ("resolve_redraw", "Uncertain: draw again", "resolve redraw", "mdi:repeat", _CONFIG),
        ("resolve_skip", "Uncertain: skip", "resolve skip", "mdi:debug-step-over", _CONFIG),
    )
    return (
        Switch(key="accepting", name="Accept moves", command=command, value="accepting", on="accept on",
               off="accept off", icon="mdi:door-open"),
        Text(key="move", name="Move", command=channels.MOVE_REQUEST.topic(root),
             value=_squares("current", nothing="''"), most=40, icon="mdi:form-textbox"),
        *(Number(key=key, name=name, command=command, value=key,
                 set_to=f"set {key} {{{{ value | int }}}}",
                 least=0, most=600, unit="s", device_class="duration", icon="mdi:timer-sand", category=_CONFIG)
          for key, name in (("cooldown_user", "Cool-down of a viewer"), ("cooldown_all", "Cool-down of all"))),
        *(Button(key=key, name=name, command=command, press=press, icon=icon, category=category)
          for key, name, press, icon, category in buttons),
    )  # fmt: skip


def _events(root: str) -> tuple[Entity, ...]:
    topic = channels.BOARD_EVENT.topic(root)
    answers = (EventKind.DONE.value, EventKind.REFUSED.value)
    return (
        Event(key="moves", name="Move ended", topic=channels.MOVE_STATUS.topic(root), kind="state",
              types=tuple(state.value for state in _MOVES), icon="mdi:draw"),
        Event(key="events", name="Board event", topic=topic, types=tuple(kind.value for kind in _BOARD),
              icon="mdi:checkerboard"),
        Event(key="answer", name="Answer", topic=topic, types=answers, icon="mdi:message-reply"),
    )  # fmt: skip


def _squares(key: str, nothing: str = "none") -> str:
    """``a1 h8`` of the move *key*, or *nothing*."""
    move = f"value_json.{key}"
    return f"{{{{ {move}['from'] ~ ' ' ~ {move}['to'] if {move} else {nothing} }}}}"
