"""Run one printer in the foreground and print the path of its serial port."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from deploy.simulators.marlin.control import HELP
from deploy.simulators.marlin.service import Service
from deploy.simulators.marlin.settings import Settings


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        settings = Settings().with_text(dict(_pair(text) for text in options.set))
        Service(settings, options.link, options.log, options.speed_up, options.control).run()
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"--set {text}: write NAME=VALUE")
    return name, value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.simulators.marlin", description=__doc__, epilog=f"Words of the control port: {HELP}"
    )
    parser.add_argument("--log", type=Path, required=True, help="file that gets one JSON object for all that happens")
    parser.add_argument("--link", type=Path, default=Path("ender3"), help="path of the serial port (%(default)s)")
    parser.add_argument("--speed-up", type=float, default=1.0, help="times real time; inf leaves out all waiting")
    parser.add_argument("--control", type=int, default=0, help="loopback port for commands to the simulation")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a field of Settings")
    return parser


if __name__ == "__main__":
    sys.exit(main())
