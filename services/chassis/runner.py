"""`python -m services.<name> [run|check|health|…]`: from settings to a running service to a clean end."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import thread as pools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from services.chassis import backup, health, log, memory
from services.chassis.bus import choose
from services.chassis.bus.port import Bus, Presence
from services.chassis.bus.routes import Channel
from services.chassis.bus.sqs import queues
from services.chassis.health import Health
from services.chassis.log import LogFormat
from services.chassis.service import Parts, Service
from services.chassis.settings import PREFIX, BadSettings, ChassisSettings, describe, load
from services.chassis.store import FolderInUse, NewerData, Schema, Store
from services.chassis.waiting import stay_while

S = TypeVar("S", bound=ChassisSettings)
STOP_WITHIN = 3.0
"""Seconds that a service has for its own end; the whole stop takes less than 5."""
LINGER = 0.3
"""Seconds that worker threads have after that."""
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
    channels: Sequence[Channel] = ()
    """The table that the service's topics are from; a bus with queues carries nothing that is not declared in it."""


def main(definition: Definition[Any], argv: Sequence[str] | None = None) -> int:
    """The process's exit code: 0 well, 1 not healthy or something missing, 2 cannot run as it is set up."""
    words = {"run": "run the service (default)", "check": "print the effective settings and what is missing",
             "health": "print the running service's health; exit code 1 if it is not well",
             "backup": "copy the database to FILE, also while the service runs",
             "restore": "put the copy in FILE back; the service must not run",
             "queues": queues.HELP}  # fmt: skip
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
        if arguments.word == "run":
            return wait_for_settings(definition)
        print(f"{definition.name} cannot start:\n{error}", file=sys.stderr)
        return 2
    if arguments.word == "check":
        return check(definition, settings)
    if arguments.word == "health":
        return say_health(settings, definition.name)
    if arguments.word in ("backup", "restore"):
        return copy(definition, settings, arguments.word, arguments.rest)
    if arguments.word == "queues":
        return queues.main(settings, definition.name, definition.channels, arguments.rest)
    log.configure(definition.name, settings.log_format, settings.log_level)
    if arguments.word in definition.commands:
        return definition.commands[arguments.word].run(settings, arguments.rest)
    return run(definition, settings)


def check(definition: Definition[Any], settings: ChassisSettings) -> int:
    """Print the effective settings, masked, and what is missing."""
    print("\n".join(describe(settings)))
    refused = choose.refusal(settings, definition.name, definition.channels)
    missing = [*settings.missing(), *([refused] if refused is not None else [])]
    print("\n".join(f"missing: {line}" for line in missing) if missing else "nothing is missing")
    return 1 if missing else 0


def say_health(settings: ChassisSettings, name: str) -> int:
    """Print the running service's last word."""
    found = health.read(health.path_in(settings.data_dir, name))
    print(found.text)
    return 0 if found.ok else 1


def copy(definition: Definition[Any], settings: ChassisSettings, word: str, rest: Sequence[str]) -> int:
    """Back up or restore the service's database."""
    name = definition.name
    if len(rest) != 1:
        print(f"which file? python -m services.{name} {word} FILE", file=sys.stderr)
        return 2
    file = Path(rest[0])
    try:
        if word == "backup":
            backup.backup(Store(settings.data_dir, name).path, file)
        else:
            backup.restore(file, settings.data_dir, name, definition.schemas)
    except (backup.BadBackup, FolderInUse, OSError, sqlite3.Error) as error:
        print(f"{name} {word} failed: {error}", file=sys.stderr)
        return 1
    print(f"{name}: {word} done, {file}")
    return 0


def wait_for_settings(definition: Definition[Any]) -> int:
    """Wait for settings that can be used: those that come from a file may change, and the rest by a new start."""
    log.configure(definition.name, LogFormat.AUTO, "info")

    def look() -> Health | None:
        try:
            load(definition.settings)
        except BadSettings as error:
            return Health(False, f"waits for a setting that can be used: {error}")
        return None

    folder = Path(os.environ.get(f"{PREFIX}DATA_DIR") or ChassisSettings.model_fields["data_dir"].default)
    if not stay_while(look, health.path_in(folder, definition.name)):
        return 0
    return main(definition, ["run"])


def run(definition: Definition[S], settings: S) -> int:
    """Run until SIGTERM or SIGINT."""
    memory.give_back()
    refused = choose.refusal(settings, definition.name, definition.channels)
    if refused is not None:
        _log.error(refused)
        return 2
    store = Store(settings.data_dir, definition.name)
    path = health.path_in(settings.data_dir, definition.name)
    try:
        if not stay_while(lambda: _unusable(store, definition.schemas), path):
            return 0
    except FolderInUse as error:
        _log.error(str(error))
        return 2
    try:
        if not stay_while(lambda: _lacking(settings), path):
            return 0
        end = asyncio.run(_serve(definition, settings, store))
    finally:
        store.close()
    if not _is_waited_for():
        end.cancel()
    return 0


def _is_waited_for() -> bool:
    """Whether the interpreter would wait for a thread: it does for those of executors even where they are daemons."""
    threads = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    return any(not thread.daemon or thread in pools._threads_queues for thread in threads)


def _unusable(store: Store, schemas: Sequence[Schema]) -> Health | None:
    """Open *store*, or say why it cannot be. Raises FolderInUse: that is said to whoever started a second process."""
    try:
        store.open(*schemas)
    except NewerData as error:
        return Health(False, str(error))
    except (OSError, sqlite3.Error) as error:
        why = f"the data folder {store.folder} cannot be used ({error})"
        return Health(False, f"{why}: check BOARDCAST_DATA_DIR, make room, or mend its owner; it is tried again")
    return None


def _lacking(settings: ChassisSettings) -> Health | None:
    """Well: nothing is broken. It is only not used yet, and says what it would need."""
    missing = settings.missing()
    return Health(True, "waits, a setting is missing: " + "; ".join(missing)) if missing else None


def _end_by_force_soon() -> threading.Timer:
    """A worker thread that waits for a printer would keep the process alive for as long as it waits.

    Everything that was promised is on the disk, so that nothing is lost by not waiting for it.
    """
    timer = threading.Timer(LINGER, os._exit, [0])
    timer.daemon = True
    timer.start()
    return timer


async def _serve(definition: Definition[S], settings: S, store: Store) -> threading.Timer:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    bus = choose.make_bus(settings, definition.name, definition.presence(settings), definition.channels)
    service = definition.build(Parts(settings, store, bus))
    await service.start()
    await bus.start()
    memory.settle()
    path = health.path_in(settings.data_dir, definition.name)
    keeper = asyncio.create_task(health.keep(path, service.health))
    _log.info("started", broker=settings.bus_url, topics=settings.topic_root, data=str(settings.data_dir))
    await stop.wait()
    keeper.cancel()
    with contextlib.suppress(OSError):
        health.write(path, health.Health(False, "stopped"))
    await _stop(service, bus)
    _log.info("stopped")
    return _end_by_force_soon()


async def _stop(service: Service, bus: Bus) -> None:
    """Whatever goes wrong in one part's end, the others come to theirs."""
    try:
        await asyncio.wait_for(service.stop(), STOP_WITHIN)
    except TimeoutError:
        _log.error("the service did not stop in time; what was in hand goes on at the next start")
    except Exception:
        _log.exception("the service met a defect while stopping; what was in hand goes on at the next start")
    await bus.stop()
