"""The passwords of a house: the services' own are never printed, so they are read from the volume."""

from __future__ import annotations

import json

from tests.compose.house import HELPER_IMAGE, House


def credentials_of(house: House) -> dict[str, str]:
    """User names and passwords."""
    output = house.engine.containers.run(
        HELPER_IMAGE, ["cat", "/credentials/credentials.json"], network_mode="none", remove=True, user="0",
        volumes={house.volume("credentials"): {"bind": "/credentials", "mode": "ro"}},
    )  # fmt: skip
    found: dict[str, str] = json.loads(output)
    return found
