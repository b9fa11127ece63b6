"""`python -m services.<name> [run|check|health|…]`: from settings to a running service to a clean end."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sqlite3
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from services.chassis import health, log
from services.chassis.bus.address import parse_addresses
from services.chassis.bus.mqtt import MqttBus, MqttOptions
from services.chassis.bus.port import Bus, Presence
from services.chassis.service import Parts, Service
from services.chassis.settings import BadSettings, ChassisSettings, describe, load
from services.chassis.store import FolderInUse, NewerData, Schema, Store

S = TypeVar("S", bound=ChassisSettings)
STOP_WITHIN = 3.0
"""Seconds that a service has for its own end; the whole stop takes less than 5."""
_log = log.get(__name__)


@dataclass(frozen=True)
class Command(Generic[S]):
    """A further subcommand of one service; *run* gets the settings and the rest of the command line."""

    help: str
    run: Callable[[S, Sequence[str]], int]


@dataclass(frozen=True)
class Definition(Generic[S]):
    """All that the runner has to know of a service."""

    name: str
    about: str
    settings: type[S]
    schemas: Sequence[Schema]
    presence: Callable[[S], Presence]
    build: Callable[[Parts[S]], Service]
    commands: dict[str, Command[S]] = field(default_factory=dict)


def main(definition: Definition[Any], argv: Sequence[str] | None = None) -> int:
    """The process's exit code: 0 well, 1 not healthy or something missing, 2 cannot run as it is set up."""
    words = {"run": "run the service (default)", "check": "print the effective settings and what is missing",
             "health": "print the running service's health; exit code 1 if it is not well"}  # fmt: skip
    words |= {name: command.help for name, command in definition.commands.items()}
    parser = argparse.ArgumentParser(
        prog=f"python -m services.{definition.name}",
        description=definition.about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(f"  {word:10} {text}" for word, text in words.items()),
    )
    parser.add_argument("word", nargs="?", default="run", choices=list(words), metavar="COMMAND")
    parser.add_argument("rest", nargs=argparse.REMAINDER)
    arguments = parser.parse_args(argv)
    try:
        settings = load(definition.settings)
    except BadSettings as error:
        print(f"{definition.name} cannot start:\n{error}", file=sys.stderr)
        return 2
    if arguments.word == "check":
        return check(settings)
    if arguments.word == "health":
        return say_health(settings, definition.name)
    log.configure(definition.name, settings.log_format, settings.log_level)
    if arguments.word in definition.commands:
        return definition.commands[arguments.word].run(settings, arguments.rest)
    return run(definition, settings)


def check(settings: ChassisSettings) -> int:
    """Print the effective settings, masked, and what is missing."""
    print("\n".join(describe(settings)))
    missing = settings.missing()
    print("\n".join(f"missing: {line}" for line in missing) if missing else "nothing is missing")
    return 1 if missing else 0


def say_health(settings: ChassisSettings, name: str) -> int:
    """Print the running service's last word."""
    found = health.read(health.path_in(settings.data_dir, name))
    print(found.text)
    return 0 if found.ok else 1


def make_bus(settings: ChassisSettings, name: str, presence: Presence) -> Bus:
    """The bus that the settings name, under a client id that is fixed for topic root and service."""
    password = settings.bus_password
    return MqttBus(
        MqttOptions(
            addresses=parse_addresses(settings.bus_url),
            client_id=f"{settings.topic_root.replace('/', '-')}-{name}",
            username=settings.bus_username,
            password=password.get_secret_value() if password is not None else None,
            ca_file=str(settings.bus_ca_file) if settings.bus_ca_file else None,
            presence=presence,
        )
    )


def run(definition: Definition[S], settings: S) -> int:
    """Run until SIGTERM or SIGINT."""
    missing = settings.missing()
    if missing:
        for line in missing:
            _log.error("a setting is missing", setting=line)
        return 2
    store = Store(settings.data_dir, definition.name)
    try:
        store.open(*definition.schemas)
    except (FolderInUse, NewerData) as error:
        _log.error(str(error))
        return 2
    except (OSError, sqlite3.Error) as error:
        _log.error(
            "the data folder cannot be used; check BOARDCAST_DATA_DIR", folder=str(store.folder), error=str(error)
        )
        return 2
    try:
        asyncio.run(_serve(definition, settings, store))
    finally:
        store.close()
    return 0


async def _serve(definition: Definition[S], settings: S, store: Store) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    bus = make_bus(settings, definition.name, definition.presence(settings))
    service = definition.build(Parts(settings, store, bus))
    await service.start()
    await bus.start()
    path = health.path_in(settings.data_dir, definition.name)
    keeper = asyncio.create_task(health.keep(path, service.health))
    _log.info("started", broker=settings.bus_url, topics=settings.topic_root, data=str(settings.data_dir))
    waiting = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait({waiting, keeper}, return_when=asyncio.FIRST_COMPLETED)
    if keeper in done:
        _log.error("health can no longer be written; stopping", error=str(keeper.exception()))
    keeper.cancel()
    with contextlib.suppress(OSError):
        health.write(path, health.Health(False, "stopped"))
    try:
        await asyncio.wait_for(service.stop(), STOP_WITHIN)
    except TimeoutError:
        _log.error("the service did not stop in time; what was in hand goes on at the next start")
    await bus.stop()
    _log.info("stopped")
