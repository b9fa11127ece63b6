"""`python -m services.octo_bridge [run|check|health|doctor|backup|restore]`."""

from __future__ import annotations

import sys

from contracts import channels
from services.chassis.runner import Command, Definition, main
from services.octo_bridge import doctor
from services.octo_bridge.service import NAME, SCHEMAS, OctoBridge, presence
from services.octo_bridge.settings import BridgeSettings

DEFINITION = Definition(
    name=NAME,
    about="Owns the machine: arms, heats, makes safe, and runs each job through OctoPrint exactly once.",
    settings=BridgeSettings,
    schemas=SCHEMAS,
    presence=presence,
    build=OctoBridge,
    commands={
        "doctor": Command("look at OctoPrint and the printer; a real one is armed only after it passed", doctor.main)
    },
    channels=channels.CHANNELS,
)

if __name__ == "__main__":
    sys.exit(main(DEFINITION))
