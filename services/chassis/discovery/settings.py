"""What a service that Home Assistant can discover is told beyond the settings of every service."""

from __future__ import annotations

from pydantic import Field

from services.chassis.settings import ChassisSettings

_TOPIC = r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$"


class DiscoverySettings(ChassisSettings):
    """The same values for every service of a stack; the defaults are Home Assistant's own."""

    home_assistant: bool = Field(
        default=True, description="Announce the devices to Home Assistant; off takes back what was announced."
    )
    home_assistant_prefix: str = Field(
        default="homeassistant", pattern=_TOPIC, description="Home Assistant's discovery prefix."
    )
    home_assistant_status: str = Field(
        default="homeassistant/status", pattern=_TOPIC, description="Where Home Assistant says that it is online."
    )
    home_assistant_id: str | None = Field(
        default=None,
        pattern=r"^[a-z0-9_-]{1,40}$",
        description="First part of every unique id, the topic root if unset; keep it when the topic root changes.",
    )

    def install_id(self) -> str:
        """The first part of every unique id."""
        return self.home_assistant_id or self.topic_root.replace("/", "_")
