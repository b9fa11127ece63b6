"""What the bridge is told: which printers, how often, how far it may go, and the optional HTTP API."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from contracts import devices
from services.chassis.discovery.settings import DiscoverySettings

DEFAULT_PORT = 8899
FIRMWARE_NOZZLE_MAX = 265.0
"""°C at which the printer's firmware itself clamps."""
_ID = re.compile(r"^[a-z0-9_-]{1,40}$")
_ADDRESS = re.compile(r"^(?:\[(?P<six>[0-9a-fA-F:.%a-z]+)\]|(?P<host>[A-Za-z0-9._-]+))(?::(?P<port>\d{1,5}))?$")
_TAKEN = {
    devices.ENDER: "the printer behind OctoPrint",
    devices.HUB: "the board itself, through which printers are reached",
}


@dataclass(frozen=True, repr=False)
class PrinterAddress:
    """One printer: the name that its topics have, and where it is. A host name is looked up at every connection."""

    id: str
    host: str
    port: int = DEFAULT_PORT

    @property
    def address(self) -> str:
        """As an owner writes it."""
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    def __repr__(self) -> str:
        return f"{self.id}={self.address}"


class RexBridgeSettings(DiscoverySettings):
    """Settings of rex_bridge."""

    rex_printers: Annotated[tuple[PrinterAddress, ...], NoDecode] = Field(
        default=(),
        description="Printers as name=address[:port], comma-separated, or a JSON object of names and addresses.",
    )
    rex_idle_interval: float = Field(
        default=30.0, ge=1, le=600, description="Seconds between looks at a printer that does not print."
    )
    rex_printing_interval: float = Field(
        default=1.0, ge=0.5, le=60, description="Seconds between looks at a printer that prints."
    )
    rex_release_between_polls: bool = Field(
        default=False, description="Disconnect after every look in mid-print too, so that the slicer gets in."
    )
    rex_offline_after: float = Field(
        default=30.0, ge=5, le=600, description="Seconds without an answer after which a printer counts as offline."
    )
    rex_set_temperatures: bool = Field(default=False, description="Whether the commands nozzle and bed are obeyed.")
    rex_nozzle_max: float = Field(
        default=240.0, ge=0, le=FIRMWARE_NOZZLE_MAX, description="Highest nozzle target in °C; more is clamped."
    )
    rex_bed_max: float = Field(default=100.0, ge=0, le=120, description="Highest bed target in °C; more is clamped.")
    rex_api_url: str | None = Field(
        default=None, pattern=r"^https?://[^\s]+$", description="HTTP API that gets the state; answer 418 pauses."
    )
    rex_api_token: SecretStr | None = Field(default=None, description="Bearer token for the HTTP API.")

    @field_validator("rex_printers", mode="before")
    @classmethod
    def _printers(cls, value: Any) -> Any:
        return parse_printers(value) if isinstance(value, str) else value

    def missing(self) -> list[str]:
        """No printer at all is the one thing that cannot be guessed."""
        missing = super().missing()
        if not self.rex_printers:
            missing.append(
                "BOARDCAST_REX_PRINTERS: name and address of the printer, for example rex=192.168.1.50; "
                "the address stands in the printer's network menu"
            )
        return missing


def parse_printers(text: str) -> tuple[PrinterAddress, ...]:
    """The printers in *text*. Raises ValueError with the part at fault and what would have been understood."""
    printers = tuple(_printer(name.strip(), address.strip()) for name, address in _pairs(text.strip()))
    names = [printer.id for printer in printers]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two printers are called '{name}'; their topics would be the same")
    addresses = [printer.address.lower() for printer in printers]
    for address in addresses:
        if addresses.count(address) > 1:
            raise ValueError(f"two printers have the same address {address}; each would keep the other from it")
    return printers


def parse_address(text: str, name: str = "probe") -> PrinterAddress:
    """``host``, ``host:port`` or ``[IPv6]:port``. Raises ValueError."""
    found = _ADDRESS.match(text)
    port = int(found["port"] or DEFAULT_PORT) if found else 0
    if not found or not 0 < port < 65536:
        raise ValueError(f"'{text}' is no address; use for example 192.168.1.50 or printer.lan:8899")
    return PrinterAddress(name, found["six"] or found["host"], port)


def _pairs(text: str) -> list[tuple[str, str]]:
    if text[:1] not in ("{", "["):
        parts = [part.partition("=") for part in text.split(",") if part.strip()]
        return [(name, address) for name, _, address in parts]
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"this is no JSON: {error}") from error
    if isinstance(found, list):
        if not all(isinstance(item, Mapping) for item in found):
            raise ValueError('a JSON list is made of objects like {"id": "rex", "address": "192.168.1.50"}')
        return [(str(item.get("id", "")), str(item.get("address", ""))) for item in found]
    return [(str(name), str(address)) for name, address in found.items()]


def _printer(name: str, address: str) -> PrinterAddress:
    if not _ID.match(name):
        raise ValueError(f"'{name}' cannot name a printer: use a-z, 0-9, '_' and '-', as in rex=192.168.1.50")
    if name in _TAKEN:
        raise ValueError(f"'{name}' is {_TAKEN[name]}; give this one another name")
    return parse_address(address, name)
