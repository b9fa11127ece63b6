"""A service with the table of channels declared: `python -m tests.e2e.sqs.service NAME [run|queues|…]`."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib import import_module

from contracts import channels
from services.chassis.runner import main

if __name__ == "__main__":
    definition = import_module(f"services.{sys.argv[1]}.__main__").DEFINITION
    sys.exit(main(replace(definition, channels=channels.CHANNELS), sys.argv[2:]))
