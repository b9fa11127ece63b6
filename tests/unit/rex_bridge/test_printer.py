"""One printer's rim: what it does with commands, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.chassis import backup
from services.chassis.clock import Now
from services.chassis.store import RESTORED
from services.rex_bridge import memory, printer, repeats
from services.rex_bridge.prints import Print, Tracker
from services.rex_bridge.state import Effect, Heard, State
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


def test_what_a_kill_left_without_an_answer_is_answered_at_the_next_start(tmp_path: Path) -> None:
    async def killed(desk: Desk) -> None:
        desk.command('{"command": "pause", "id": "sent"}')
        await desk.until(lambda: desk.printer.state.sent)
        desk.command('{"command": "light", "arguments": ["on"], "id": "waits"}')
        await desk.until(lambda: desk.printer.state.orders)
        copy = tmp_path / "as the kill left it"
        copy.mkdir()
        backup.backup(desk.store.path, copy / desk.store.path.name)

    async def start(*expected: str) -> None:
        desk = Desk(tmp_path / "as the kill left it")
        try:
            await desk.start()
            await desk.until(lambda: desk.printer.state.looked_at is not None)
            await desk.until(lambda: desk.store.read("SELECT * FROM announcements") == [])
            assert [(kind, said) for kind, said, _ in desk.answers()] == [("refused", said) for said in expected]
            assert "M25" not in desk.session.asked
        finally:
            await desk.printer.stop()
            desk.store.close()

    async def again() -> None:
        await start("sent", "waits")
        await start()

    play(tmp_path / "before", killed)
    asyncio.run(again())


def light(word: str, command_id: str) -> str:
    return f'{{"command": "light", "arguments": ["{word}"], "id": "{command_id}"}}'


@pytest.mark.parametrize(("within", "ids"), [(60.0, ["1", "2", "3"]), (0.0, ["1", "2", "1", "3"])])
def test_a_command_that_the_broker_delivers_twice_is_obeyed_and_answered_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, within: float, ids: list[str]
) -> None:
    monkeypatch.setattr(repeats, "WITHIN", within)

    async def scene(desk: Desk) -> None:
        for word, command_id in (("on", "1"), ("off", "2"), ("on", "1"), ("off", "3")):
            desk.command(light(word, command_id))
            await desk.until(lambda: not desk.printer.state.orders and not desk.printer.state.sent)
        await desk.until(lambda: desk.answers()[-1:] and desk.answers()[-1][1] == "3")
        await desk.until(lambda: len(desk.answers()) == len(ids))
        assert [command_id for _, command_id, _ in desk.answers()] == ids

    play(tmp_path, scene)


def test_commands_without_an_id_are_each_a_command(tmp_path: Path) -> None:
    async def scene(desk: Desk) -> None:
        for _ in range(3):
            desk.command("light on")
        await desk.until(lambda: len(desk.answers()) == 3)

    play(tmp_path, scene)


def test_a_data_folder_put_back_from_a_backup_does_not_tell_the_end_of_a_print_a_second_time(tmp_path: Path) -> None:
    async def main() -> None:
        desk = Desk(tmp_path)
        try:
            with desk.store.transaction() as unit:
                print_of_then = Print("rex-20260102-7", datetime(2026, 1, 2, tzinfo=UTC), "cube.gx", progress=40.0)
                memory.keep(unit, "rex", Tracker(7, print_of_then))
                unit.execute(f"PRAGMA user_version = {RESTORED}")
            desk.session.says["M119"] = ("MachineStatus: READY",)
            await desk.start()
            await desk.until(lambda: desk.printer.state.looked_at is not None)
            assert desk.store.read("SELECT * FROM announcements") == []
            assert desk.heard == []
        finally:
            await desk.printer.stop()
            desk.store.close()

    asyncio.run(main())


def test_what_happens_on_a_full_disk_while_the_broker_is_away_is_told_when_it_is_back(tmp_path: Path) -> None:
    async def scene(desk: Desk) -> None:
        desk.store.read("PRAGMA query_only=ON")
        desk.broker.crash()
        desk.session.says["M119"] = ("MachineStatus: BUILDING_COMPLETED",)
        desk.printer._wake.set()
        await desk.until(lambda: desk.printer.state.tracker.current is None)
        desk.broker.recover()
        await desk.until(lambda: desk.heard[-1]["event"] == "finished")
        desk.broker.crash()
        desk.broker.recover()
        desk.store.read("PRAGMA query_only=OFF")
        desk.command("pause")
        await desk.until(desk.answers)
        assert [event["event"] for event in desk.heard] == ["started", "finished", "refused"]

    play(tmp_path, scene)


def test_an_api_that_wants_a_pause_that_is_refused_makes_no_flood_of_refusals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(desk: Desk) -> None:
        async def asks() -> None:
            desk.printer._pause_for_api()
            await desk.until(lambda: not desk.printer.state.orders and not desk.printer.state.sent)

        desk.session.says["M601 S1"] = ("Control failed.",)  # the slicer has it
        for _ in range(20):
            await asks()
        await desk.until(desk.answers)
        assert len(desk.answers()) == 1
        monkeypatch.setattr(printer, "API_PAUSES_EVERY", 0.0)
        await asks()
        await desk.until(lambda: len(desk.answers()) == 2)

    play(tmp_path, scene)


def trouble(desk: Desk) -> str:
    return desk.printer.trouble or ""


def test_a_defect_that_lasts_is_no_good_health(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(desk: Desk) -> None:
        monkeypatch.setattr(printer, "AFTER_A_DEFECT", 0.0)
        assert trouble(desk) == ""
        step = desk.printer._actor._step
        failing = True

        def broken(state: State, heard: Heard, moment: Now) -> tuple[State, Sequence[Effect]]:
            if failing:
                raise KeyError("a defect")
            return step(state, heard, moment)

        monkeypatch.setattr(desk.printer._actor, "_step", broken)
        await desk.until(lambda: "KeyError" in trouble(desk))
        failing = False
        await desk.until(lambda: trouble(desk) == "")

    play(tmp_path, scene)


def test_the_end_of_a_service_with_a_defect_lets_go_of_the_printer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(desk: Desk) -> None:
        def broken(state: State, heard: Heard, moment: Now) -> tuple[State, Sequence[Effect]]:
            raise KeyError("a defect")

        with monkeypatch.context() as patched:
            patched.setattr(desk.printer._actor, "_step", broken)
            await desk.printer.stop()
        await desk.until(lambda: desk.broker.retained["boardcast/v1/printer/rex/availability"] == b"offline")

    play(tmp_path, scene)
