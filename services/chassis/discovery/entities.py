"""What a service's table of entities is made of. A value is a key of the state's JSON, or a template of its own.

Keys are forever: a unique id is made of installation, device and key, and Home Assistant keeps history, names and
dashboards by it. Names may change at any time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from services.chassis.discovery import templates


class Category(StrEnum):
    """Where Home Assistant shows an entity that is not the point of its device. A sensor cannot be ``config``."""

    CONFIG = "config"
    DIAGNOSTIC = "diagnostic"


class Needs(StrEnum):
    """What must be online for an entity to be available."""

    DEVICE = "device"  # the service and the device
    SERVICE = "service"  # the service: what says whether the device is there
    NOTHING = "nothing"  # what says whether the service is there


@dataclass(frozen=True, kw_only=True)
class Entity:
    """What all kinds have. *topic* is the state's where it is not the device's.

    There is no "disabled by default": Home Assistant does not take out a disabled entity when its device goes.
    """

    platform: ClassVar[str]
    key: str
    name: str
    icon: str | None = None
    category: Category | None = None
    needs: Needs = Needs.DEVICE
    topic: str | None = None
    attributes: tuple[str, ...] = ()

    def options(self) -> Mapping[str, object]:
        """What this kind adds to a component; None is left out."""
        return {}


@dataclass(frozen=True, kw_only=True)
class Sensor(Entity):
    """A value. Durations in s, timestamps in ISO 8601 with an offset, an enum with its options."""

    platform: ClassVar[str] = "sensor"
    value: str
    device_class: str | None = None
    unit: str | None = None
    state_class: str | None = None
    precision: int | None = None
    choices: tuple[str, ...] = ()

    def options(self) -> Mapping[str, object]:
        return {
            "value_template": templates.value(self.value),
            "device_class": "enum" if self.choices else self.device_class,
            "options": list(self.choices) or None,
            "unit_of_measurement": self.unit,
            "state_class": self.state_class,
            "suggested_display_precision": self.precision,
        }


@dataclass(frozen=True, kw_only=True)
class BinarySensor(Entity):
    """A key or an expression that is true or false; with *words*, plain text that is one of two."""

    platform: ClassVar[str] = "binary_sensor"
    value: str = ""
    device_class: str | None = None
    words: tuple[str, str] | None = None

    def options(self) -> Mapping[str, object]:
        if self.words is not None:
            return {"device_class": self.device_class, "payload_on": self.words[0], "payload_off": self.words[1]}
        return {"device_class": self.device_class, "value_template": templates.on_off(self.value)}


@dataclass(frozen=True, kw_only=True)
class Button(Entity):
    """Publishes *press* on *command*. It shows no state and so has no topic for one."""

    platform: ClassVar[str] = "button"
    command: str
    press: str

    def options(self) -> Mapping[str, object]:
        return {"command_topic": self.command, "payload_press": self.press}


@dataclass(frozen=True, kw_only=True)
class Switch(Entity):
    """Shows what the state says and never what was asked for."""

    platform: ClassVar[str] = "switch"
    command: str
    value: str
    on: str
    off: str

    def options(self) -> Mapping[str, object]:
        return {
            "command_topic": self.command,
            "payload_on": self.on,
            "payload_off": self.off,
            "value_template": templates.on_off(self.value),
            "state_on": "ON",
            "state_off": "OFF",
            "optimistic": False,
        }


@dataclass(frozen=True, kw_only=True)
class Number(Entity):
    """A number that can be set: *set_to* is the command, with ``{{ value }}`` in it."""

    platform: ClassVar[str] = "number"
    command: str
    value: str
    set_to: str
    least: float
    most: float
    step: float = 1
    unit: str | None = None
    device_class: str | None = None

    def options(self) -> Mapping[str, object]:
        return {
            "command_topic": self.command,
            "command_template": self.set_to,
            "value_template": templates.value(self.value),
            "min": self.least,
            "max": self.most,
            "step": self.step,
            "unit_of_measurement": self.unit,
            "device_class": self.device_class,
            "mode": "box",
            "optimistic": False,
        }


@dataclass(frozen=True, kw_only=True)
class Text(Entity):
    """A text that is published as it was typed."""

    platform: ClassVar[str] = "text"
    command: str
    value: str
    most: int = 255

    def options(self) -> Mapping[str, object]:
        return {"command_topic": self.command, "value_template": templates.value(self.value), "max": self.most}


@dataclass(frozen=True, kw_only=True)
class Event(Entity):
    """What happened, with the whole payload as attributes. *kind* is the key that says which of *types* it is."""

    platform: ClassVar[str] = "event"
    types: tuple[str, ...]
    kind: str = "event"

    def options(self) -> Mapping[str, object]:
        return {"event_types": list(self.types), "value_template": templates.event(self.kind, self.types)}


@dataclass(frozen=True, kw_only=True)
class Image(Entity):
    """A picture, as bytes on *image*."""

    platform: ClassVar[str] = "image"
    image: str
    content_type: str = "image/png"

    def options(self) -> Mapping[str, object]:
        return {"image_topic": self.image, "content_type": self.content_type}


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """Something on the device's page to begin an automation with: a payload on *topic* whose *kind* is *on*.

    Not an entity: it has no state, no history and no name but what Home Assistant makes of *on* and *subject*.
    """

    platform: ClassVar[str] = "device_automation"
    topic: str
    on: str
    subject: str
    kind: str = "event"

    @property
    def key(self) -> str:
        """Its key among the device's components."""
        return f"when_{self.subject}_{self.on}"

    def options(self) -> Mapping[str, object]:
        """The whole component."""
        return {
            "platform": self.platform,
            "automation_type": "trigger",
            "topic": self.topic,
            "value_template": templates.value(self.kind),
            "payload": self.on,
            "type": self.on,
            "subtype": self.subject,
        }


@dataclass(frozen=True, kw_only=True)
class Device:
    """A device, or a service's part of one: several services may describe the same *key*, each its own entities.

    *availability* are the topics beside the service's own that must be online; *via* is the key of the device that
    this one is reached through. With *says_itself*, name, model, firmware and serial number are what the device says of
    itself: what it has not said yet is as it was told last, so that a restart renames nothing.
    """

    key: str
    name: str | None
    entities: tuple[Entity, ...]
    triggers: tuple[Trigger, ...] = ()
    state_topic: str | None = None
    availability: tuple[str, ...] = ()
    via: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    firmware: str | None = None
    serial_number: str | None = None
    url: str | None = None
    says_itself: bool = False
