"""`docker compose run --rm init [prepare|show|access|bridge|backup|restore]`; without a word it prepares and asks."""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.init import access, bridge, dotenv, house, questions, show
from deploy.init.credentials import Damaged
from deploy.init.places import Places, write
from deploy.init.prepare import BadCertificate, prepare
from services.chassis.store import FolderInUse

EXPECTED = (Damaged, BadCertificate, house.CannotRestore, FolderInUse, OSError, sqlite3.Error, ValueError)


def main(argv: Sequence[str] | None = None, places: Places | None = None) -> int:
    """The exit code: 0 done, 1 with a plain sentence that says why not."""
    arguments = _parser().parse_args(argv)
    try:
        _act(arguments, places or Places(), os.environ)
    except EXPECTED as error:
        print(f"init: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="docker compose run --rm init", description=__doc__)
    words = parser.add_subparsers(dest="word", metavar="WORD")
    words.add_parser("prepare", help="make what is missing and ask nothing; `docker compose up` does this by itself")
    words.add_parser("show", help="print the credentials for Home Assistant and the MQTT command line")
    words.add_parser("access", help="print the broker's access list, for a broker of your own")
    other = words.add_parser("bridge", help="write broker.d/bridge.conf: the stack's broker joined to yours")
    other.add_argument("url", help="your broker, mqtt://host[:port]")
    other.add_argument("--username")
    other.add_argument("--password")
    words.add_parser("backup", help="write an archive into the folder backups; the stack may run")
    back = words.add_parser("restore", help="put an archive back; the services must not run")
    back.add_argument("archive", type=Path, help="such as backups/boardcast-20260131-120000.tar")
    questions.add_flags(parser)
    return parser


def _act(arguments: argparse.Namespace, places: Places, environment: Mapping[str, str]) -> None:
    settings = {**dotenv.read(places), **{name: value for name, value in environment.items() if value}}
    if arguments.word is None:
        _set_up(arguments, places, environment)
    elif arguments.word == "prepare":
        prepare(places, environment)
    elif arguments.word == "show":
        print(show.credentials(prepare(places, environment), settings))
    elif arguments.word == "access":
        print(access.access_list(*access.topics_of(settings)), end="")
    elif arguments.word == "bridge":
        _bridge(arguments, places, settings)
    elif arguments.word == "backup":
        print(f"saved: {house.save(places, print).relative_to(places.project)}; it holds passwords, keep it private")
    else:
        house.restore(places, places.project / arguments.archive, print)
        prepare(places, environment)
        print(show.NEXT)


def _set_up(arguments: argparse.Namespace, places: Places, environment: Mapping[str, str]) -> None:
    """Flags or, at a terminal, answers go into `.env`; without either only what is missing is made."""
    known = dotenv.read(places)
    answers = questions.from_flags(arguments, known)
    asked = not answers and sys.stdin.isatty()
    if asked:
        answers = questions.ask(known, input, print)
    if answers:
        dotenv.change(places, answers)
    credentials = prepare(places, environment)
    if answers or asked:
        print(show.credentials(credentials, {**environment, **known, **answers}))
        print(show.NEXT)


def _bridge(arguments: argparse.Namespace, places: Places, settings: Mapping[str, str]) -> None:
    text = bridge.bridge_file(
        arguments.url,
        arguments.username,
        arguments.password,
        *access.topics_of(settings),
    )
    folder = places.project / "broker.d"
    folder.mkdir(exist_ok=True)
    places.project_owner.take(folder, 0o700)
    write(folder / "bridge.conf", text, places.project_owner)
    prepare(places, os.environ)
    print("written: broker.d/bridge.conf; now: docker compose restart broker")


if __name__ == "__main__":
    sys.exit(main())
