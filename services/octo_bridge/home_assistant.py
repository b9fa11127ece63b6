"""The Ender, and octo_bridge's part of the hub, as Home Assistant shows them."""

from __future__ import annotations

from contracts import channels, devices
from contracts.board import Plate
from contracts.events import EventKind
from contracts.printers import EnderStatus, Heaters, Latch, Link
from services.chassis.discovery import templates
from services.chassis.discovery.entities import (
    BinarySensor,
    Button,
    Category,
    Device,
    Entity,
    Event,
    Needs,
    Sensor,
    Switch,
    Trigger,
)
from services.octo_bridge.settings import BridgeSettings

_DIAGNOSTIC, _CONFIG = Category.DIAGNOSTIC, Category.CONFIG
_BUSY = (EnderStatus.PRINTING, EnderStatus.PAUSING, EnderStatus.CANCELLING, EnderStatus.FINISHING, EnderStatus.FOREIGN)
_PRINT = (
    EventKind.STARTED, EventKind.PAUSED, EventKind.RESUMED, EventKind.FINISHED, EventKind.FAILED, EventKind.CANCELLED,
    EventKind.UNCERTAIN,
)  # fmt: skip
_MACHINE = (
    EventKind.ARMED, EventKind.DISARMED, EventKind.STANDBY, EventKind.HEATERS_OFF, EventKind.LATCHED,
    EventKind.FOREIGN, EventKind.PROBLEM, EventKind.RECOVERED,
)  # fmt: skip


def table(settings: BridgeSettings) -> tuple[Device, ...]:
    """Every device that this service describes."""
    root = settings.topic_root
    state = channels.ENDER_STATE.topic(root)
    service = channels.SERVICE_AVAILABILITY.topic(root, service="octo_bridge")
    running = BinarySensor(
        key="octo_bridge", name="Printer service", words=("online", "offline"), topic=service,
        device_class="connectivity", category=_DIAGNOSTIC, needs=Needs.NOTHING,
    )  # fmt: skip
    link = BinarySensor(
        key="octoprint", name="OctoPrint", value="value_json.link == 'ok'", device_class="connectivity",
        category=_DIAGNOSTIC, needs=Needs.SERVICE, topic=state,
    )  # fmt: skip
    ender = Device(
        key=devices.ENDER,
        name="Ender 3 Pro",
        manufacturer="Creality",
        model="Ender 3 Pro",
        state_topic=state,
        availability=(channels.ENDER_AVAILABILITY.topic(root),),
        via=devices.HUB,
        entities=(*_state(), *_job(), *_heat(), *_inner_life(), *_controls(root), *_events(root)),
        triggers=tuple(
            Trigger(topic=channels.ENDER_EVENT.topic(root), on=kind.value, subject="print") for kind in _PRINT
        ),
    )
    return Device(key=devices.HUB, name=devices.HUB_NAME, entities=(running, link)), ender


def _state() -> tuple[Entity, ...]:
    busy = ", ".join(f"'{status.value}'" for status in _BUSY)
    return (
        Sensor(key="state", name="State", value=templates.known("state"), choices=_choices(EnderStatus),
               icon="mdi:printer-3d", needs=Needs.SERVICE, attributes=("reason", "latch_reason", "move_id")),
        BinarySensor(key="printing", name="Printing", value=f"value_json.state in [{busy}]", device_class="running"),
        BinarySensor(key="problem", name="Problem", value="problem", device_class="problem", needs=Needs.SERVICE,
                     attributes=("reason",)),
        BinarySensor(key="connected", name="Printer", value="printer_connected", device_class="connectivity",
                     category=_DIAGNOSTIC, needs=Needs.SERVICE),
    )  # fmt: skip


def _job() -> tuple[Entity, ...]:
    return (
        Sensor(key="job", name="Job", value="job", icon="mdi:file-document-outline", attributes=("move_id",)),
        Sensor(key="progress", name="Progress", value="progress", unit="%", state_class="measurement", precision=0,
               icon="mdi:progress-clock"),
        Sensor(key="elapsed", name="Elapsed", value="elapsed", device_class="duration", unit="s"),
        Sensor(key="remaining", name="Remaining", value="remaining", device_class="duration", unit="s"),
        Sensor(key="finish_at", name="Finish", value="finish_at", device_class="timestamp"),
        Sensor(key="z", name="Z", value="z", device_class="distance", unit="mm", state_class="measurement",
               precision=1, category=_DIAGNOSTIC),
    )  # fmt: skip


def _heat() -> tuple[Entity, ...]:
    parts = (("nozzle", "Nozzle", "mdi:printer-3d-nozzle-heat"), ("bed", "Bed", "mdi:radiator"))
    kinds = (("actual", ""), ("target", " target"))
    return tuple(
        Sensor(key=f"{part}_{kind}", name=f"{name}{suffix}", value=f"{part}_{kind}", device_class="temperature",
               unit="°C", state_class="measurement", precision=0, icon=icon)
        for part, name, icon in parts
        for kind, suffix in kinds
    )  # fmt: skip


def _inner_life() -> tuple[Entity, ...]:
    """What explains why it draws or does not; known as long as the service runs."""
    plate = {"known": "known", "full": "full", "unknown": "unconfirmed"}
    return (
        Sensor(key="heaters", name="Heaters", value=templates.known("heaters"), choices=_choices(Heaters),
               category=_DIAGNOSTIC, needs=Needs.SERVICE, icon="mdi:heating-coil"),
        Sensor(key="latch", name="Latch", value=templates.known("latch"), choices=_choices(Latch),
               category=_DIAGNOSTIC, needs=Needs.SERVICE, icon="mdi:lock", attributes=("latch_reason",)),
        Sensor(key="link", name="Link", value=templates.known("link"), choices=_choices(Link),
               category=_DIAGNOSTIC, needs=Needs.SERVICE, icon="mdi:lan-connect"),
        Sensor(key="plate", name="Plate", value=templates.mapped("plate", {p.value: plate[p.value] for p in Plate}),
               choices=tuple(plate.values()), category=_DIAGNOSTIC, needs=Needs.SERVICE, icon="mdi:square-outline"),
        Sensor(key="armed_until", name="Armed until", value="armed_until", device_class="timestamp",
               category=_DIAGNOSTIC, needs=Needs.SERVICE),
        Sensor(key="waiting_jobs", name="Waiting jobs", value="waiting_jobs", state_class="measurement",
               category=_DIAGNOSTIC, needs=Needs.SERVICE, icon="mdi:tray-full"),
    )  # fmt: skip


def _controls(root: str) -> tuple[Entity, ...]:
    """Those that the bridge takes at any time are there without the printer too: a latch holds what comes later."""
    command = channels.ENDER_COMMAND.topic(root)
    return (
        Switch(key="armed", name="Armed", command=command, value="armed", on="arm", off="disarm",
               icon="mdi:shield-key", needs=Needs.SERVICE),
        Button(key="pause", name="Pause", command=command, press="pause", icon="mdi:pause", needs=Needs.SERVICE),
        Button(key="resume", name="Resume", command=command, press="resume", icon="mdi:play", needs=Needs.SERVICE),
        Button(key="cancel", name="Cancel", command=command, press="cancel", icon="mdi:close", needs=Needs.SERVICE),
        Button(key="stop", name="Stop", command=command, press="stop", icon="mdi:alert-octagon",
               needs=Needs.SERVICE),
        Button(key="home", name="Home", command=command, press="home", icon="mdi:home-import-outline",
               category=_CONFIG),
        Button(key="park", name="Park", command=command, press="park", icon="mdi:parking"),
        Button(key="adopt", name="Adopt planner", command=command, press="adopt", icon="mdi:account-switch",
               category=_CONFIG, needs=Needs.SERVICE),
    )  # fmt: skip


def _events(root: str) -> tuple[Entity, ...]:
    topic = channels.ENDER_EVENT.topic(root)
    answers = (EventKind.DONE.value, EventKind.REFUSED.value)
    return (
        Event(key="print", name="Print", topic=topic, types=tuple(kind.value for kind in _PRINT), needs=Needs.SERVICE,
              icon="mdi:printer-3d-nozzle"),
        Event(key="machine", name="Machine", topic=topic, types=tuple(kind.value for kind in _MACHINE),
              needs=Needs.SERVICE, icon="mdi:cog"),
        Event(key="answer", name="Answer", topic=topic, types=answers, needs=Needs.SERVICE, icon="mdi:message-reply"),
    )  # fmt: skip


def _choices(enum: type[EnderStatus] | type[Heaters] | type[Latch] | type[Link]) -> tuple[str, ...]:
    return tuple(member.value for member in enum if member.value != "unknown")
