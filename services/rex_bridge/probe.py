"""`python -m services.rex_bridge probe ADDRESS`: what a printer says, raw, and what is understood of it.

For a printer of which nobody has a transcript yet. It asks and changes nothing; control is taken only from a printer
that answers nothing without it, and given back.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace

from services.rex_bridge import looks
from services.rex_bridge.control import GIVE_BACK, TAKE_CONTROL
from services.rex_bridge.framing import Reply
from services.rex_bridge.replies import Identity
from services.rex_bridge.session import NoSession, Session
from services.rex_bridge.settings import PrinterAddress, RexBridgeSettings, parse_address

QUESTIONS = ("M115", "M119", "M105", "M27")


def main(_: RexBridgeSettings, arguments: Sequence[str]) -> int:
    """Exit code 0 when everything was understood, 1 when not, 2 without an address."""
    try:
        if len(arguments) != 1:
            raise ValueError("usage: python -m services.rex_bridge probe ADDRESS[:PORT]")
        address = parse_address(arguments[0])
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        return asyncio.run(_probe(address))
    except NoSession as error:
        print(f"no reply ({error.trouble}): {error.text}")
        return 1


async def _probe(address: PrinterAddress) -> int:
    session = Session(address)
    await session.open()
    print(f"connected to {address.address}")
    try:
        understood = [await _question(session, question) for question in QUESTIONS]
    finally:
        await session.close()
    return 0 if all(understood) else 1


async def _question(session: Session, question: str) -> bool:
    reply = await _asked(session, question)
    if reply.refused:
        taken = await _asked(session, TAKE_CONTROL)
        if not taken.refused:
            reply = await _asked(session, question)
            await _asked(session, GIVE_BACK)
    name, parse = looks.PARSERS[question]
    found = parse(reply.lines)
    if isinstance(found, Identity) and found.serial_number:
        found = replace(found, serial_number=_masked(found.serial_number))
    print(f"   {name}: {asdict(found) if found is not None else 'not understood'}")
    return found is not None


async def _asked(session: Session, command: str) -> Reply:
    reply = await session.ask(command)
    print(f"~{command}")
    for line in reply.lines:
        print(f"   | {shown(line)}")
    return reply


def shown(line: str) -> str:
    """*line* as it came, without what identifies this one machine: serial number and hardware address."""
    key, colon, value = line.partition(":")
    secret = key.strip().lower() in ("sn", "mac address")
    return f"{key}{colon} {_masked(value.strip())}" if secret else ascii(line)[1:-1]


def _masked(value: str) -> str:
    return f"{ascii(value[:2])[1:-1]}…({len(value)} characters)"
