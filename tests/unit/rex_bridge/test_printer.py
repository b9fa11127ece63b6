"""One printer's rim: what it does with commands, and how it ends."""

from __future__ import annotations

from pathlib import Path

from tests.unit.rex_bridge.desk import Desk, play


def test_what_waits_when_the_service_is_stopped_is_answered(tmp_path: Path) -> None:
    async def scene(desk: Desk) -> None:
        desk.session.silent = {"M25"}
        desk.command('{"command": "pause", "id": "on its way"}')
        await desk.until(lambda: "M25" in desk.session.asked)
        desk.command('{"command": "light", "arguments": ["on"], "id": "not sent"}')
        await desk.until(lambda: len(desk.printer.state.orders) == 2)
        await desk.printer.stop()
        await desk.until(lambda: len(desk.answers()) == 2)
        assert [(kind, command_id) for kind, command_id, _ in desk.answers()] == [
            ("refused", "on its way"), ("refused", "not sent"),
        ]  # fmt: skip
        assert desk.answers()[0][2] == "sent, but the service is being stopped before it could be seen to be obeyed"
        assert desk.answers()[1][2] == "the service is being stopped; nothing was sent to the printer"

    play(tmp_path, scene)


def test_an_order_that_is_yet_to_be_verified_is_answered_when_the_service_is_stopped(tmp_path: Path) -> None:
    async def scene(desk: Desk) -> None:
        desk.command('{"command": "pause", "id": "sent"}')
        await desk.until(lambda: desk.printer.state.sent)
        await desk.printer.stop()
        await desk.until(desk.answers)
        [(kind, command_id, reason)] = desk.answers()
        assert (kind, command_id) == ("refused", "sent")
        assert "sent, but the service is being stopped" in (reason or "")

    play(tmp_path, scene)
