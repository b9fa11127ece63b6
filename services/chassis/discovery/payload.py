"""From a device's description to the payload that Home Assistant discovers it by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from services.chassis.discovery import templates
from services.chassis.discovery.entities import Button, Device, Entity, Image, Needs

Payload = Mapping[str, Any]
COMPONENTS = "components"
_QOS = 1
_SAID = ("name", "model", "sw_version", "serial_number")


@dataclass(frozen=True)
class Install:
    """Whose discovery this is. *id* stands before every unique id, so that two stacks can share a Home Assistant."""

    id: str
    service: str
    prefix: str
    version: str
    availability: str
    """Topic of the service's own availability."""

    def topic(self, device: str) -> str:
        """Where the payload of *device* is published; another service's part of the same device is on another."""
        return f"{self.prefix}/device/{self.id}_{device}_{self.service}/config"


def device_payload(device: Device, install: Install) -> Payload:
    """The whole payload of *device* with all its entities. Raises ValueError when two of them share a key."""
    identity = f"{install.id}_{device.key}"
    return {
        "device": _filled(
            {
                "identifiers": [identity],
                "name": device.name,
                "manufacturer": device.manufacturer,
                "model": device.model,
                "sw_version": device.firmware,
                "serial_number": device.serial_number,
                "configuration_url": device.url,
                "via_device": None if device.via is None else f"{install.id}_{device.via}",
            }
        ),
        "origin": {"name": f"Boardcast {install.service}", "sw_version": install.version},
        "availability": _availability((install.availability, *device.availability)),
        "availability_mode": "all",
        "qos": _QOS,
        COMPONENTS: _components(device, install, identity),
    }


def remembering(payload: Payload, before: Payload | None, fallback: str) -> Payload:
    """*payload* with what its device said of itself before and has not said yet; *fallback* for a name never said."""
    said = {} if before is None else {key: before["device"][key] for key in _SAID if key in before["device"]}
    return {**payload, "device": {"name": fallback, **said, **payload["device"]}}


def dropped(before: Payload, payload: Payload | None) -> dict[str, Payload]:
    """The components of *before* that *payload* has no longer, or has as another platform."""
    after = {} if payload is None else payload[COMPONENTS]
    return {
        key: component
        for key, component in before[COMPONENTS].items()
        if component["platform"] != after.get(key, {}).get("platform")
    }


def with_components(payload: Payload, more: Mapping[str, Payload]) -> Payload:
    """*payload* with *more* components, where it has none of that key."""
    return {**payload, COMPONENTS: {**more, **payload[COMPONENTS]}}


def tombstones(components: Mapping[str, Payload]) -> dict[str, Payload]:
    """What makes Home Assistant take *components* out; one that is merely absent stays there for ever."""
    return {key: {"platform": component["platform"]} for key, component in components.items()}


def _components(device: Device, install: Install, identity: str) -> dict[str, Payload]:
    components: dict[str, Payload] = {}
    for entity in device.entities:
        if entity.key in components:
            raise ValueError(f"two entities of {device.key} are called {entity.key}")
        components[entity.key] = _component(entity, device, install, f"{identity}_{entity.key}")
    return components | {trigger.key: dict(trigger.options()) for trigger in device.triggers}


def _component(entity: Entity, device: Device, install: Install, unique_id: str) -> Payload:
    state = None if isinstance(entity, Button | Image) else entity.topic or device.state_topic
    described = bool(entity.attributes)
    return _filled(
        {
            "platform": entity.platform,
            "unique_id": unique_id,
            # Entity ids that do not depend on names and languages: dashboards and blueprints can count on them.
            "default_entity_id": f"{entity.platform}.{unique_id}".replace("-", "_"),
            "name": entity.name,
            "icon": entity.icon,
            "entity_category": entity.category,
            "state_topic": state,
            "json_attributes_topic": (entity.topic or device.state_topic) if described else None,
            "json_attributes_template": templates.attributes(entity.attributes) if described else None,
            "availability": _own_availability(entity, install),
            **entity.options(),
        }
    )


def _own_availability(entity: Entity, install: Install) -> list[dict[str, str]] | None:
    match entity.needs:
        case Needs.DEVICE:
            return None
        case Needs.SERVICE:
            return _availability((install.availability,))
        case Needs.NOTHING:
            return []


def _availability(topics: Iterable[str]) -> list[dict[str, str]]:
    return [{"topic": topic} for topic in topics]


def _filled(options: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in options.items() if value is not None}
