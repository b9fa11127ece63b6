"""The client at real sockets: every dialect and fault, and deadlines that hold whatever comes."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.simulators.flashforge.child import FlashforgeSimulator
from services.rex_bridge import replies
from services.rex_bridge.framing import COMMAND_DEADLINE
from services.rex_bridge.session import CONNECT_DEADLINE, NoSession, Session
from services.rex_bridge.settings import PrinterAddress, parse_address
from services.rex_bridge.state import Trouble
from tests.unit.rex_bridge.noise import cost_of_noise
from tests.unit.rex_bridge.transcripts import ALL

DEADLINE = 40.0
"""Seconds that a loaded machine has for what takes 3."""
FOR_EVER = 600.0
"""Seconds: what takes them misses the deadline."""
DIALECTS = ("rex", "adventurer3", "adventurer4", "creator4", "trex")
STREAMS = 20_000
SOCKET_STREAMS = 300
NO_FAULT: dict[str, object] = {"segment": 0, "merge": False, "double_ok": False, "no_ok": False, "no_cmd": False}


@pytest.fixture(scope="module")
def dialects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, FlashforgeSimulator]]:
    """A printer of each dialect, for all tests: what a test needs of them, it says anew."""
    printers = {name: FlashforgeSimulator(tmp_path_factory.mktemp(name), dialect=name) for name in DIALECTS}
    for simulator in printers.values():
        simulator.start()
    yield printers
    for simulator in printers.values():
        simulator.stop()


@pytest.mark.parametrize(
    "fault",
    [{}, {"segment": 1}, {"segment": 7}, {"merge": True}, {"double_ok": True}, {"no_ok": True}, {"no_cmd": True}],
    ids=str,
)
async def test_every_dialect_through_every_fault(
    dialects: dict[str, FlashforgeSimulator], fault: dict[str, object]
) -> None:
    for simulator in dialects.values():
        simulator.do("faults", **NO_FAULT | fault)
        simulator.do("start", share=0.5, hot=True)
    await asyncio.gather(*(_is_understood(name, simulator.address) for name, simulator in dialects.items()))


async def _is_understood(dialect: str, address: str) -> None:
    session = Session(parse_address(address))
    await session.open()
    await session.ask("M601 S1")
    status = replies.machine((await session.ask("M119")).lines)
    heat = replies.temperatures((await session.ask("M105")).lines)
    share = replies.progress((await session.ask("M27")).lines)
    await session.close()
    assert status is not None, dialect
    assert status.activity is replies.Activity.PRINTING, dialect
    assert heat is not None, dialect
    assert (heat.nozzle.target, heat.bed.target) == (220, 60), dialect
    assert share is not None, dialect
    assert share.percent == pytest.approx(50, abs=1), dialect


async def trouble(session: Session, within: float = COMMAND_DEADLINE) -> tuple[Trouble, float]:
    began = time.monotonic()
    try:
        async with asyncio.timeout(DEADLINE):
            await session.open()
            reply = await session.ask("M119", within)
    except NoSession as error:
        assert not session.connected
        return error.trouble, time.monotonic() - began
    raise AssertionError(f"there was a reply: {reply}")


async def test_silence_costs_the_deadline_of_a_command_or_of_a_connect(tmp_path: Path) -> None:
    """Three kinds of it, at the same time: each only waits, never less, and more only where the machine is slow."""
    mute, dead, cut = (FlashforgeSimulator(tmp_path / name) for name in ("mute", "dead", "cut"))
    try:
        for simulator in (mute, dead, cut):
            simulator.start()
        mute.do("faults", silent=True)
        dead.do("power", on=False)
        half_open = Session(parse_address(cut.address))
        await half_open.open()
        await half_open.ask("M119")
        cut.do("power", on=False)
        found = await asyncio.gather(
            trouble(Session(parse_address(mute.address))), trouble(Session(parse_address(dead.address))),
            _no_reply(half_open),
        )  # fmt: skip
    finally:
        for simulator in (mute, dead, cut):
            simulator.stop()
    (mutes, mute_took), (deads, dead_took), cut_took = found
    assert (mutes, deads) == (Trouble.SILENT, Trouble.AWAY)
    early = 0.05  # the loop's clock may be a little ahead of its timers
    assert mute_took > COMMAND_DEADLINE - early
    assert dead_took > CONNECT_DEADLINE - early
    assert cut_took > COMMAND_DEADLINE - early


async def _no_reply(session: Session) -> float:
    began = time.monotonic()
    with pytest.raises(NoSession):
        async with asyncio.timeout(DEADLINE):
            await session.ask("M119")
    return time.monotonic() - began


async def test_a_reset_and_a_refusal_cost_nothing(rex: FlashforgeSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    rex.do("faults", reset_after=1)
    kind, _ = await trouble(Session(parse_address(rex.address)), FOR_EVER)
    assert kind is Trouble.DROPPED
    rex.do("faults", reset_after=0, second_client="refuse")
    rex.do("slicer", on=True)
    monkeypatch.setattr("services.rex_bridge.session.CONNECT_DEADLINE", FOR_EVER)
    kind, _ = await trouble(Session(parse_address(rex.address)), FOR_EVER)
    assert kind is Trouble.REFUSED


async def test_a_name_is_looked_up_at_every_connection(rex: FlashforgeSimulator) -> None:
    session = Session(PrinterAddress("rex", "localhost", rex.port))
    await session.open()
    assert (await session.ask("M119")).lines
    await session.close()
    kind, _ = await trouble(Session(PrinterAddress("rex", "no-such-printer.invalid")))
    assert kind is Trouble.AWAY
    kind, _ = await trouble(Session(PrinterAddress("rex", "x" * 70 + ".lan")))
    assert kind is Trouble.AWAY


@pytest.mark.parametrize("count", [STREAMS, pytest.param(100_000, marks=pytest.mark.chaos)])
def test_random_streams_cost_at_most_the_deadline(count: int) -> None:
    assert cost_of_noise(random.Random(20260102), count) <= COMMAND_DEADLINE


async def test_random_streams_at_a_real_socket() -> None:
    chance = random.Random(7)
    pieces = [text.encode() for _, text in ALL.values()]
    writers: list[asyncio.StreamWriter] = []

    async def noise(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        for _ in range(chance.randrange(1, 6)):
            piece = chance.choice(pieces)
            writer.write(chance.randbytes(chance.randrange(1, 200)) + piece[chance.randrange(len(piece)) :])
        if chance.random() < 0.02:  # now and then it goes on for ever instead of hanging up
            await reader.read()
        writer.close()

    server = await asyncio.start_server(noise, "127.0.0.1", 0)
    session = Session(PrinterAddress("rex", "127.0.0.1", server.sockets[0].getsockname()[1]))
    for _ in range(SOCKET_STREAMS):
        try:
            async with asyncio.timeout(DEADLINE):
                await session.open()
                replies.machine((await session.ask("M119")).lines)
        except NoSession:
            assert not session.connected
    await session.close()
    server.close()
    for writer in writers:  # a socket that outlives the loop is complained of in whatever test comes later
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
