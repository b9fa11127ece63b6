"""Which ports the demo takes: the next free one for a default, exactly the one that was set otherwise."""

from __future__ import annotations

import os
from collections.abc import Mapping

from deploy.simulators.ports import is_free

TRIES = 50


class PortTaken(RuntimeError):
    """A port that was asked for by name is in use."""


def choose(setting: str, default: int, environment: Mapping[str, str] = os.environ) -> int:
    """The port for *setting*. Raises PortTaken, or ValueError for what is no port."""
    wanted = environment.get(setting, "")
    if wanted:
        if not wanted.isdecimal() or not 1 <= int(wanted) <= 65535:
            raise ValueError(f"{setting}={wanted} is no port; use a number from 1 to 65535")
        if not is_free(int(wanted)):
            raise PortTaken(f"{setting}={wanted}: that port is taken; stop what listens there or set another one")
        return int(wanted)
    for port in range(default, default + TRIES):
        if is_free(port):
            return port
    raise PortTaken(f"ports {default} to {default + TRIES - 1} are all taken; set {setting}")
