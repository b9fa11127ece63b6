"""Services as the real programs that they are: started, killed, started again."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.simulators.process import ChildProcess

REPOSITORY = Path(__file__).resolve().parents[2]


class Fleet:
    """The services of one test. Each has its log and its data below `folder`; whatever still runs at the end is killed.

    Settings come from `settings` and from the call that starts a service, never from the environment of the test run.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.settings = dict(settings or {})
        self.services: dict[str, ChildProcess] = {}

    def start(self, name: str, settings: Mapping[str, str] | None = None) -> ChildProcess:
        """Start `python -m services.<name>` and return its process; it is started and not yet ready.

        A service that ended is started again with `start()` of its process, with the same settings, data and log.
        """
        if name in self.services:
            raise ValueError(f"{name} is a part of this fleet already; start it again with its own start()")
        process = ChildProcess(
            name,
            [sys.executable, "-m", f"services.{name}"],
            self.folder / f"{name}.log",
            environment={**inherited(), **self._defaults(name), **self.settings, **(settings or {})},
            folder=REPOSITORY,
        )
        self.services[name] = process
        process.start()
        return process

    def run(self, name: str, *arguments: str, settings: Mapping[str, str] | None = None) -> ChildProcess:
        """The process of a subcommand, e.g. `run("planner", "check")`, which ends by itself. Not kept in the fleet."""
        process = ChildProcess(
            f"{name} {' '.join(arguments)}",
            [sys.executable, "-m", f"services.{name}", *arguments],
            self.folder / f"{name}-{'-'.join(arguments)}.log",
            environment={**inherited(), **self._defaults(name), **self.settings, **(settings or {})},
            folder=REPOSITORY,
        )
        process.start()
        return process

    def kill_all(self) -> None:
        """End what still runs."""
        for process in self.services.values():
            process.kill()

    def tail(self) -> str:
        """The end of every log, for the message of a failure."""
        return "\n".join(process.tail() for process in self.services.values())

    def _defaults(self, name: str) -> dict[str, str]:
        return {"BOARDCAST_DATA_DIR": str(self.folder / f"{name}-data"), "PYTHONUNBUFFERED": "1"}


def inherited() -> dict[str, str]:
    """The environment of the test run without this project's settings: a developer's own must not change a test."""
    return {key: value for key, value in os.environ.items() if not key.startswith("BOARDCAST_")}
