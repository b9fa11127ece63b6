"""What a service is to the machinery that runs it, and the parts it is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from services.chassis.bus.port import Bus
from services.chassis.health import Health
from services.chassis.settings import ChassisSettings
from services.chassis.store import Store

S = TypeVar("S", bound=ChassisSettings)


@dataclass(frozen=True)
class Parts(Generic[S]):
    """Settings, an opened store and a bus that is not started yet."""

    settings: S
    store: Store
    bus: Bus


class Service(Protocol):
    """A running service."""

    async def start(self) -> None:
        """Subscribe and begin; the bus is started afterwards."""

    async def stop(self) -> None:
        """Finish or put down what is in hand; the bus still works. Has 3 s."""

    def health(self) -> Health:
        """How it is right now."""
