"""The printers that rex_bridge watches, as Home Assistant shows them."""

from __future__ import annotations

from dataclasses import dataclass

from contracts import channels, devices
from contracts.events import EventKind
from contracts.printers import RexStatus
from services.chassis.discovery import templates
from services.chassis.discovery.entities import (
    BinarySensor,
    Button,
    Category,
    Device,
    Entity,
    Event,
    Needs,
    Number,
    Sensor,
    Switch,
    Trigger,
)
from services.rex_bridge.settings import RexBridgeSettings

_DIAGNOSTIC = Category.DIAGNOSTIC
_PRINT = (
    EventKind.STARTED, EventKind.PAUSED, EventKind.RESUMED, EventKind.FINISHED, EventKind.FAILED, EventKind.CANCELLED,
    EventKind.PROBLEM, EventKind.RECOVERED,
)  # fmt: skip


@dataclass(frozen=True)
class Plate:
    """What a printer says of itself on its type plate; None until it was reached."""

    name: str | None = None
    model: str | None = None
    firmware: str | None = None
    serial_number: str | None = None


def hub(settings: RexBridgeSettings) -> Device:
    """This service's part of the hub; without it the hub of a lone rex_bridge would have no name."""
    service = channels.SERVICE_AVAILABILITY.topic(settings.topic_root, service="rex_bridge")
    running = BinarySensor(key="rex_bridge", name="REX service", words=("online", "offline"), topic=service,
                           device_class="connectivity", category=_DIAGNOSTIC, needs=Needs.NOTHING)  # fmt: skip
    return Device(key=devices.HUB, name=devices.HUB_NAME, entities=(running,))


def device(printer: str, settings: RexBridgeSettings, plate: Plate) -> Device:
    """The printer that the settings call *printer*. That name is its identity; the one on its display is not."""
    root = settings.topic_root
    command = channels.REX_COMMAND.topic(root, printer=printer)
    numbers = _targets(command, settings) if settings.rex_set_temperatures else ()
    return Device(
        key=printer,
        name=plate.name,
        manufacturer="Bresser",
        model=plate.model,
        firmware=plate.firmware,
        serial_number=plate.serial_number,
        state_topic=channels.REX_STATE.topic(root, printer=printer),
        availability=(channels.REX_AVAILABILITY.topic(root, printer=printer),),
        via=devices.HUB,
        says_itself=True,
        entities=(*_state(root, printer), *_job(), *_heat(), *_controls(command), *numbers, *_events(root, printer)),
        triggers=tuple(
            Trigger(topic=channels.REX_EVENT.topic(root, printer=printer), on=kind.value, subject="print")
            for kind in _PRINT
        ),
    )


def _state(root: str, printer: str) -> tuple[Entity, ...]:
    there = channels.REX_AVAILABILITY.topic(root, printer=printer)
    choices = tuple(status.value for status in RexStatus if status is not RexStatus.UNKNOWN)
    return (
        Sensor(key="state", name="State", value=templates.known("state"), choices=choices, icon="mdi:printer-3d",
               needs=Needs.SERVICE, attributes=("reason", "stale", "last_contact")),
        BinarySensor(key="printing", name="Printing", value="value_json.state in ['printing', 'paused']",
                     device_class="running"),
        BinarySensor(key="problem", name="Problem", value="value_json.state == 'error'", device_class="problem",
                     needs=Needs.SERVICE, attributes=("reason",)),
        BinarySensor(key="connected", name="Printer", words=("online", "offline"), topic=there,
                     device_class="connectivity", category=_DIAGNOSTIC, needs=Needs.SERVICE),
    )  # fmt: skip


def _job() -> tuple[Entity, ...]:
    return (
        Sensor(key="job", name="Job", value="job", icon="mdi:file-document-outline", attributes=("print_id",)),
        Sensor(key="progress", name="Progress", value="progress", unit="%", state_class="measurement", precision=0,
               icon="mdi:progress-clock", attributes=("layer", "layers")),
        Sensor(key="elapsed", name="Elapsed", value="elapsed", device_class="duration", unit="s"),
        Sensor(key="remaining", name="Remaining", value="remaining", device_class="duration", unit="s"),
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


def _controls(command: str) -> tuple[Entity, ...]:
    return (
        Button(key="pause", name="Pause", command=command, press="pause", icon="mdi:pause"),
        Button(key="resume", name="Resume", command=command, press="resume", icon="mdi:play"),
        Button(key="cancel", name="Cancel", command=command, press="cancel", icon="mdi:close"),
        Switch(key="light", name="Light", command=command, value="light", on="light on", off="light off",
               icon="mdi:lightbulb"),
    )  # fmt: skip


def _targets(command: str, settings: RexBridgeSettings) -> tuple[Entity, ...]:
    limits = (("nozzle", "Set nozzle", settings.rex_nozzle_max), ("bed", "Set bed", settings.rex_bed_max))
    return tuple(
        Number(key=f"set_{part}", name=name, command=command, value=f"{part}_target",
               set_to=f"{part} {{{{ value | int }}}}", least=0, most=most, unit="°C", device_class="temperature",
               category=Category.CONFIG)
        for part, name, most in limits
    )  # fmt: skip


def _events(root: str, printer: str) -> tuple[Entity, ...]:
    topic = channels.REX_EVENT.topic(root, printer=printer)
    answers = (EventKind.DONE.value, EventKind.REFUSED.value)
    return (
        Event(key="print", name="Print", topic=topic, types=tuple(kind.value for kind in _PRINT), needs=Needs.SERVICE,
              icon="mdi:printer-3d-nozzle"),
        Event(key="answer", name="Answer", topic=topic, types=answers, needs=Needs.SERVICE, icon="mdi:message-reply"),
    )  # fmt: skip
