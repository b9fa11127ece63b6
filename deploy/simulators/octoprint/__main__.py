"""Run OctoPrint in the foreground, or only install it."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from deploy.simulators.octoprint.config import REAL_TIME, Simulation, prepare
from deploy.simulators.octoprint.environment import DEFAULT_ENVIRONMENT, OctoPrintMissing, find_octoprint, install
from deploy.simulators.octoprint.server import serve_command
from deploy.simulators.ports import LOOPBACK


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code, or never: the server takes this process's place."""
    options = _parser().parse_args(arguments)
    if options.action == "install":
        done = install(options.environment)
        print(f"OctoPrint {'installed' if done else 'is there'}: {options.environment}")
        return 0
    if options.basedir is None or options.port is None:
        print("which folder and port? --basedir DIR --port N", file=sys.stderr)
        return 2
    try:
        program = options.program or find_octoprint(options.environment)
    except OctoPrintMissing as error:
        print(error, file=sys.stderr)
        return 1
    prepare(options.basedir, REAL_TIME if options.real_time else Simulation())
    print(f"OctoPrint: http://{options.host}:{options.port}  API key: {options.basedir / 'api-key'}", flush=True)
    command = serve_command(program, options.basedir.resolve(), options.host, options.port)
    os.execv(command[0], command)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.simulators.octoprint", description=__doc__)
    parser.add_argument("action", nargs="?", choices=["run", "install"], default="run")
    parser.add_argument("--basedir", type=Path, help="folder of its configuration, files and logs")
    parser.add_argument("--port", type=int)
    parser.add_argument("--host", default=LOOPBACK, help="address to listen on (default: %(default)s)")
    parser.add_argument("--real-time", action="store_true", help="heat from cold and move as slowly as a printer")
    parser.add_argument("--environment", type=Path, default=DEFAULT_ENVIRONMENT, help="where OctoPrint is installed")
    parser.add_argument("--program", type=Path, help="an OctoPrint that was installed otherwise, e.g. in an image")
    return parser


if __name__ == "__main__":
    sys.exit(main())
