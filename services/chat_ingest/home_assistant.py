"""chat_ingest's part of the hub, as Home Assistant shows it."""

from __future__ import annotations

from contracts import channels, devices
from services.chassis.discovery.entities import BinarySensor, Category, Device, Needs, Sensor
from services.chat_ingest.settings import ChatIngestSettings

_DIAGNOSTIC = Category.DIAGNOSTIC


def table(settings: ChatIngestSettings) -> tuple[Device, ...]:
    """The one device that this service has entities on."""
    root = settings.topic_root
    service = channels.SERVICE_AVAILABILITY.topic(root, service="chat_ingest")
    hub = Device(
        key=devices.HUB,
        name=devices.HUB_NAME,
        state_topic=channels.CHAT_STATE.topic(root),
        entities=(
            BinarySensor(key="chat", name="Chat", value="connected", device_class="connectivity",
                         attributes=("source", "reason", "since"), icon="mdi:chat"),
            BinarySensor(key="chat_ingest", name="Chat service", words=("online", "offline"), topic=service,
                         device_class="connectivity", category=_DIAGNOSTIC, needs=Needs.NOTHING),
            Sensor(key="chat_received", name="Chat messages", value="received", state_class="total_increasing",
                   category=_DIAGNOSTIC, icon="mdi:chat-processing"),
            Sensor(key="chat_waiting", name="Chat messages waiting", value="waiting", state_class="measurement",
                   category=_DIAGNOSTIC, icon="mdi:chat-sleep"),
            Sensor(key="chat_gaps", name="Chat gaps", value="gaps", state_class="total_increasing",
                   category=_DIAGNOSTIC, icon="mdi:chat-remove"),
        ),
    )  # fmt: skip
    return (hub,)
