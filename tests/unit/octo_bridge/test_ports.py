"""Only ports that their owner has named are driven, and every other one is refused aloud."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import ValidationError

from contracts.printers import Link
from services.octo_bridge.effects import Connect
from services.octo_bridge.state import Printer
from tests.unit.octo_bridge.machine import Rig, settings

REAL = "/dev/ttyUSB0"


def link(rig: Rig) -> Link:
    """A function, because it changes under the type checker's eyes."""
    return rig.machine.octo.link


def test_a_named_port_is_driven_and_another_one_is_refused() -> None:
    rig = Rig(printer_ports=f"VIRTUAL, {REAL}")
    rig.feed(rig.seen(printer=Printer.OPERATIONAL, port=REAL))
    assert link(rig) is Link.OK
    rig.feed(rig.seen(printer=Printer.OPERATIONAL, port="/dev/ttyACM0"))
    assert link(rig) is Link.REFUSED_PORT
    assert "BOARDCAST_PRINTER_PORTS" in (rig.machine.octo.reason or "")


def test_the_first_named_port_that_is_there_is_opened() -> None:
    rig = Rig(printer_ports=f"{REAL},VIRTUAL")
    rig.feed(rig.seen(printer=Printer.OFFLINE, port=None, offers=("AUTO", "VIRTUAL")))
    rig.wait(1, watched=False)
    rig.machine = replace(rig.machine, connect_wait=0)
    rig.feed(rig.seen(printer=Printer.OFFLINE, port=None, offers=("VIRTUAL", REAL)))
    assert rig.of(Connect) == [Connect("VIRTUAL"), Connect(REAL)]


def test_a_named_port_that_is_not_there_is_waited_for() -> None:
    rig = Rig(printer_ports=REAL)
    rig.feed(rig.seen(printer=Printer.OFFLINE, port=None, offers=("VIRTUAL",)))
    rig.wait(60, watched=False)
    assert rig.machine.octo.link is Link.NO_PRINTER
    assert REAL in (rig.machine.octo.reason or "")
    assert not rig.of(Connect)


@pytest.mark.parametrize("names", ["", " , ", "AUTO", "VIRTUAL,auto"])
def test_ports_that_name_nothing_or_anything_are_refused(names: str) -> None:
    with pytest.raises(ValidationError, match="port"):
        settings(printer_ports=names)
