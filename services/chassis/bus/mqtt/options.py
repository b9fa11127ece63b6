"""Where the bus connects, and as whom."""

from __future__ import annotations

from dataclasses import dataclass, field

from services.chassis.bus.address import Address
from services.chassis.bus.port import Presence


@dataclass(frozen=True)
class MqttOptions:
    """Times in seconds."""

    addresses: tuple[Address, ...]
    client_id: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    presence: Presence | None = None
    keepalive: int = 10
    subscribed_within: float = 20.0
    """As long as a broker that answers pings may take to confirm the subscriptions."""
    confirmed_within: float = 60.0
    """As long as it may confirm none of the messages that wait for it."""
    back_off_first: float = 0.2
    back_off_most: float = 30.0
