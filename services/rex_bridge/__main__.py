"""`python -m services.rex_bridge [run|check|health|probe]`."""

from __future__ import annotations

import sys

from contracts import channels
from services.chassis.runner import Command, Definition, main
from services.rex_bridge import probe
from services.rex_bridge.service import NAME, SCHEMAS, RexBridge, presence
from services.rex_bridge.settings import RexBridgeSettings

DEFINITION = Definition(
    name=NAME,
    about="Watches FlashForge-like printers such as the Bresser REX II, and pauses them when asked.",
    settings=RexBridgeSettings,
    schemas=SCHEMAS,
    presence=presence,
    build=RexBridge,
    commands={"probe": Command("print what the printer at an address says and what is understood of it", probe.main)},
    channels=channels.CHANNELS,
)

if __name__ == "__main__":
    sys.exit(main(DEFINITION))
