"""The few things that only the owner knows: asked at a terminal, or given as flags."""

from __future__ import annotations

import argparse
import ipaddress
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

DEMO_PROFILE = "demo"
_ITSELF = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Question:
    """One setting of `.env`."""

    setting: str
    flag: str
    text: str
    default: str = ""
    secret: bool = False


QUESTIONS = (
    Question("BOARDCAST_OCTOPRINT_URL", "--octoprint-url", "OctoPrint's address, such as http://192.168.1.20:5000"),
    Question("BOARDCAST_OCTOPRINT_API_KEY", "--octoprint-key", "API key of a user for Boardcast in OctoPrint",
             secret=True),
    Question("BOARDCAST_REX_PRINTERS", "--rex", "Bresser REX printers, such as rex=192.168.1.30"),
    Question("BOARDCAST_CHAT_SOURCE", "--chat", "where chat comes from: none, simulated, twitch", "none"),
    Question("MQTT_BIND", "--bind", "this machine's address for Home Assistant and others, 127.0.0.1 for nobody else",
             "127.0.0.1"),
)  # fmt: skip


def add_flags(parser: argparse.ArgumentParser) -> None:
    """A flag for every question, and one that answers all of them."""
    for question in QUESTIONS:
        parser.add_argument(question.flag, metavar="VALUE", help=question.text)
    parser.add_argument(
        "--demo",
        action="store_true",
        help="a virtual printer, a simulated REX and a simulated chat, to see everything without any",
    )


def from_flags(arguments: argparse.Namespace, known: Mapping[str, str]) -> dict[str, str]:
    """What the flags change in `.env`. Raises ValueError."""
    answers = demo(known) if arguments.demo else {}
    for question in QUESTIONS:
        value = getattr(arguments, question.flag.removeprefix("--").replace("-", "_"))
        if value is not None:
            answers[question.setting] = checked(question, value)
    return answers


def demo(known: Mapping[str, str]) -> dict[str, str]:
    """Settings of the demonstration; OctoPrint's key is made once."""
    return {
        "COMPOSE_PROFILES": DEMO_PROFILE,
        "BOARDCAST_OCTOPRINT_URL": "http://octoprint:5000",
        "BOARDCAST_OCTOPRINT_API_KEY": known.get("BOARDCAST_OCTOPRINT_API_KEY") or secrets.token_hex(16),
        "BOARDCAST_REX_PRINTERS": "rex=rex_simulator:8899",
        "BOARDCAST_CHAT_SOURCE": "simulated",
    }


def ask(known: Mapping[str, str], read: Callable[[str], str], say: Callable[[str], None]) -> dict[str, str]:
    """Ask every question; an empty answer keeps what is there. Returns what changes."""
    answers = {}
    say("Enter keeps what stands in brackets.")
    for question in QUESTIONS:
        present = known.get(question.setting, "") or question.default
        shown = "********" if question.secret and present else present
        while True:
            given = read(f"{question.text} [{shown}]: ").strip()
            if not given:
                break
            try:
                answers[question.setting] = checked(question, given)
                break
            except ValueError as error:
                say(str(error))
    return answers


def checked(question: Question, value: str) -> str:
    """*value* if it can be an answer. Raises ValueError with what would be one."""
    if question.setting == "MQTT_BIND":
        ipaddress.ip_address(value)
    if question.setting == "BOARDCAST_OCTOPRINT_URL" and value:
        if not value.startswith(("http://", "https://")):
            raise ValueError(f"'{value}' is no address; use http://host[:port]")
        if urlsplit(value).hostname in _ITSELF:
            raise ValueError(f"'{value}' would be the container itself; use this machine's address in your network")
    return value
