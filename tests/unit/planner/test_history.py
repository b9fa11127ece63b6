"""What was drawn can be looked at for ever: beside a running planner, in order, with its gaps, and nothing else."""

from __future__ import annotations

import io
import json
import math
import re
import time
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from PIL import Image, ImageChops, ImageStat

from contracts import channels
from contracts.plan import JobEnd
from services.chassis.bus.memory import MemoryBroker, MemoryBus
from services.chassis.bus.mqtt import bus as mqtt
from services.planner.history import archive, commands, live, picture
from services.planner.history.live import LivePicture
from services.planner.plastic.geometry import BoardGeometry
from services.planner.plastic.heightmap import HeightMap
from services.planner.plastic.path import plan_line
from services.planner.plastic.profile import Profile
from services.planner.settings import PlannerSettings
from tests.unit.planner.simulator import Simulator
from tests.unit.planner.stack import ROOT, Stack, until

SVG = "{http://www.w3.org/2000/svg}"
PNG = b"\x89PNG\r\n\x1a\n"
CROSSING = ("a1 h8", "h1 a8", "a1 a8", "a1 a8", "d1 d8")
"""Enough lines over each other that one of them has a gap or a step."""


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    running = Stack(tmp_path / "data", board_image=100)
    await running.start()
    await running.ready()
    yield running
    await running.stop()


async def draw(stack: Stack, *moves: str) -> None:
    before = len(ends(stack))
    for move in moves:
        stack.send(channels.MOVE_REQUEST, move)
    await until(lambda: len(ends(stack)) == before + len(moves), "the end of all moves")


def ends(stack: Stack) -> list[dict[str, Any]]:
    return [s for s in stack.on(channels.MOVE_STATUS) if s["state"] in ("drawn", "failed", "cancelled", "skipped")]


def exported(stack: Stack, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()  # the planner's own log
    assert commands.run(PlannerSettings(data_dir=stack.folder), arguments) == 0
    return capsys.readouterr().out


async def test_a_running_planner_is_read_beside_its_lock(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    await draw(stack, *CROSSING)
    rows = exported(stack, capsys, "list").splitlines()
    assert [row.split()[:3] for row in rows[1:]] == [["1", "5", "5"]]
    await draw(stack, "e1 e8")
    assert "    6      6" in exported(stack, capsys, "list"), "and it goes on writing"


async def test_the_svg_is_what_was_really_drawn(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    await draw(stack, *CROSSING[:3])
    stack.bridge.auto = False
    stack.send(channels.MOVE_REQUEST, "b1 b8")
    await until(lambda: stack.bridge.model.waiting, "the run")
    stack.bridge.model.advance()
    stack.bridge.model.finish(JobEnd.CANCELLED)
    stack.bridge.auto = True
    stack.bridge.speak()
    await until(lambda: len(ends(stack)) == 4, "the end of the cancelled one")
    await draw(stack, *CROSSING[3:])
    root = ElementTree.fromstring(exported(stack, capsys, "export", "1", "--svg"))
    assert root.get("width") == "200mm"
    assert root.findtext(f"{SVG}title") == "Board 1"
    assert "5 lines" in (root.findtext(f"{SVG}desc") or "")
    frame = root.find(f"{SVG}g")
    assert frame is not None
    assert frame.get("stroke-width") == "0.48"
    moves = frame.findall(f"{SVG}g")
    assert [m.get("data-move") for m in moves] == ["1-1", "1-2", "1-3", "1-5", "1-6"], "in order, without the cancelled"
    assert len({m.get("stroke") for m in moves}) == 5
    model = stack.bridge.model
    for move, run in zip(moves, model.drawn, strict=True):
        drawn = sum(_length(path.get("d") or "") for path in move.findall(f"{SVG}path"))
        assert drawn == pytest.approx(_extruded(run.gcode) - purged(run.gcode), abs=0.05), (
            "as long as what came out of the nozzle"
        )


def purged(lines: tuple[str, ...]) -> float:
    """40 mm where the first travel goes beside the board, which is 17.5 … 217.5 mm."""
    first = next(float(m[1]) for line in lines if (m := re.match(r"G0 X([\d.]+)", line)))
    return 0.0 if 17.5 < first < 217.5 else 40.0


def _length(path: str) -> float:
    points = [tuple(map(float, point.split())) for point in path.removeprefix("M").split(" L")]
    return sum(math.dist(a, b) for a, b in pairwise(points))


def _extruded(lines: tuple[str, ...]) -> float:
    printer = Simulator()
    printer.run(["G28", "G0 Z20 F300", *lines])
    return printer.drawn


async def test_the_exported_gcode_draws_the_same_again(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    await draw(stack, *CROSSING)
    printer, again = Simulator(), Simulator()
    printer.run(["G28", "G0 Z20 F300", *(line for run in stack.bridge.model.drawn for line in run.gcode)])
    text = exported(stack, capsys, "export", "1", "--gcode")
    beside = sum(purged(run.gcode) for run in stack.bridge.model.drawn)
    assert beside >= 40
    again.run(["G28", "G0 Z20 F300", *(line for line in text.splitlines() if not line.startswith(";"))])
    assert again.faults == []
    assert (again.ploughed, again.scraped) == (0, 0)
    assert again.drawn == pytest.approx(printer.drawn - beside, rel=1e-4)


async def test_the_json_tells_who_when_and_how_it_ended(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    stack.send(channels.MOVE_REQUEST, {"from": "a1", "to": "h8", "user": {"id": "7", "name": "<Ada & \u202eBob>"}})
    await until(lambda: ends(stack), "the end")
    move = json.loads(exported(stack, capsys, "export", "1", "--json"))["moves"][0]
    assert (move["from"], move["to"], move["state"], move["share"]) == ("a1", "h8", "drawn", 1.0)
    assert move["user"]["id"] == "7"
    assert move["accepted_at"] <= move["changed_at"]
    assert [p["laid"] for p in move["plastic"]] == ["surely"]
    ElementTree.fromstring(exported(stack, capsys, "export", "1", "--svg"))  # a name does not break it


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> float:
    """The picture may change more often than it does in a house; asked for before the planner has begun to wait."""
    assert live.EVERY >= 2
    monkeypatch.setattr(live, "EVERY", 0.2)
    return 0.2


async def test_the_picture_follows_the_board_and_no_faster_than_it_may(
    often: float, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[int, float]] = []
    draw_one = picture.draw

    def counted(lines: Any, *rest: Any) -> bytes:
        drawn.append((len(lines), time.monotonic()))
        return draw_one(lines, *rest)

    monkeypatch.setattr(picture, "draw", counted)
    topic = channels.BOARD_IMAGE.topic(ROOT)
    for move in CROSSING:
        await draw(stack, move)
    await until(lambda: drawn and drawn[-1][0] == 5, "the picture of all five")
    assert all(b - a >= 0.95 * often for (_, a), (_, b) in pairwise(drawn)), "not one a move"
    await until(lambda: stack.broker.retained.get(topic, b"").startswith(PNG), "the retained picture")
    assert Image.open(io.BytesIO(stack.broker.retained[topic])).size == (100, 100)


async def test_a_picture_of_a_crowded_board_is_as_small_as_a_bus_carries_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def crowded(lines: Any, geometry: BoardGeometry, width: float, size: int) -> bytes:
        return PNG + bytes(size * size // 3)

    monkeypatch.setattr(picture, "draw", crowded)
    broker = MemoryBroker()
    bus = MemoryBus(broker)
    await bus.start()
    shown = LivePicture(bus, "image", BoardGeometry(), 0.48, 1700, lambda: [])
    shown.start()
    shown.changed()
    await until(lambda: broker.retained.get("image"), "the picture")
    assert 0.8 * live.PICTURE_BYTES < len(broker.retained["image"]) <= live.PICTURE_BYTES < mqtt.MAX_PAYLOAD
    shown.stop()
    await bus.stop()


def test_lines_are_where_they_belong_and_the_rest_is_white() -> None:
    board = BoardGeometry()
    way = plan_line(HeightMap.empty(Profile()), board.segment("a1", "a8"), Profile())
    assert way is not None
    image = Image.open(io.BytesIO(picture.draw([way.strokes], board, 2.0, 200))).convert("RGB")
    assert image.getpixel((12, 100)) != (255, 255, 255)
    assert image.getpixel((30, 100)) == (255, 255, 255)
    empty = Image.open(io.BytesIO(picture.draw([], board, 0.48, 200))).convert("RGB")
    assert empty.getcolors() == [(200 * 200, (255, 255, 255))]


def test_a_large_picture_is_drawn_in_bands_that_show_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    new = Image.new

    def counted(mode: str, size: tuple[int, int], *rest: Any) -> Image.Image:
        made.append(size[0] * size[1])
        return new(mode, size, *rest)

    monkeypatch.setattr(Image, "new", counted)
    board = BoardGeometry()
    ways = [plan_line(HeightMap.empty(Profile()), board.segment(*move.split()), Profile()) for move in CROSSING]
    lines = [way.strokes for way in ways if way is not None]
    whole = Image.open(io.BytesIO(picture.draw(lines, board, 2.0, 200))).convert("RGB")
    assert max(made) == 600 * 600
    made.clear()
    monkeypatch.setattr(picture, "_AT_ONCE", 7000)
    bands = Image.open(io.BytesIO(picture.draw(lines, board, 2.0, 200))).convert("RGB")
    assert max(made) == max(200 * 200, 600 * 105)
    assert ImageStat.Stat(ImageChops.difference(whole, bands)).mean < [1.0] * 3
    made.clear()
    monkeypatch.undo()
    monkeypatch.setattr(Image, "new", counted)
    picture.draw([], board, 2.0, 1000)
    assert max(made) <= 4_000_000, "three times as large on either side would be 9 million"


def test_what_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.run(PlannerSettings(data_dir=tmp_path), ["list"]) == 1
    assert "BOARDCAST_DATA_DIR" in capsys.readouterr().err
    (tmp_path / "planner.sqlite3").write_bytes(b"no database" * 100)
    assert commands.run(PlannerSettings(data_dir=tmp_path), ["list"]) == 1
    assert re.search(r"cannot be read", capsys.readouterr().err)


async def test_a_board_that_never_was_is_named(stack: Stack) -> None:
    path = stack.folder / "planner.sqlite3"
    with pytest.raises(archive.NoArchive, match="no board 9"), archive.reading(path) as read:
        archive.board(read, 9)


async def test_only_so_many_finished_boards_are_kept(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "data", boards_kept=2)
    await stack.start()
    try:
        await stack.ready()
        for board in range(1, 5):
            await draw(stack, "a1 h8")
            await next_board(stack, board)
        assert [summary.number for summary in archive.boards(stack._store.read)] == [3, 4]
        assert stack._store.read("SELECT DISTINCT board FROM plans ORDER BY board") == [(3,), (4,)]
    finally:
        await stack.stop()


async def next_board(stack: Stack, board: int) -> None:
    """Archive *board*, and confirm the empty plate as soon as the bridge has told its new epoch."""
    stack.send(channels.BOARD_COMMAND, "new_board")

    def begun() -> bool:
        header = stack.planner._state().header
        return header.board == board + 1 and header.epoch is not None

    await until(begun, "the next board")
    stack.send(channels.BOARD_COMMAND, {"command": "confirm_empty", "id": f"empty-{board}"})
    await until(lambda: stack.answers(f"empty-{board}"), "the answer")
