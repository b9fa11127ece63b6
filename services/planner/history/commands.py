"""`python -m services.planner board list` and `board export ID --svg|--png|--gcode|--json`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from services.chassis.runner import Command
from services.chassis.store import Store
from services.planner.history import archive, formats, picture, svg
from services.planner.history.archive import NoArchive, Read
from services.planner.settings import PlannerSettings
from services.planner.topics import NAME

_FORMATS = ("svg", "png", "gcode", "json")


def run(settings: PlannerSettings, arguments: Sequence[str]) -> int:
    """Print; 0 well, 1 nothing to read. A running planner goes on undisturbed."""
    options = _parser().parse_args(arguments)
    try:
        with archive.reading(Store(settings.data_dir, NAME).path) as read:
            if options.action == "list":
                print(_list(read))
            else:
                _write(_export(read, settings, options), options.output)
    except (NoArchive, OSError) as error:
        print(f"{NAME} board: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m services.{NAME} board", description=BOARD.help)
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="every board with its moves")
    export = actions.add_parser("export", help="one board, to standard output or a file")
    export.add_argument("board", type=int, metavar="ID", help="its number, as `board list` shows it")
    wanted = export.add_mutually_exclusive_group(required=True)
    for name in _FORMATS:
        wanted.add_argument(f"--{name}", dest="format", action="store_const", const=name)
    export.add_argument("--size", type=_pixels, default=1200, metavar="PIXELS",
                        help="of the longer side of a PNG (default: %(default)s)")  # fmt: skip
    export.add_argument("--output", "-o", metavar="FILE", help="instead of standard output")
    return parser


def _pixels(text: str) -> int:
    if not 50 <= int(text) <= 4000:
        raise argparse.ArgumentTypeError("a picture has 50 to 4000 pixels a side")
    return int(text)


def _list(read: Read) -> str:
    found = archive.boards(read)
    if not found:
        return "no move was ever accepted here"
    head = f"{'board':>5}  {'moves':>5}  {'drawn':>5}  first move … last change"
    rows = (f"{b.number:>5}  {b.moves:>5}  {b.drawn:>5}  {b.first[:19]} … {b.last[:19]}" for b in found)
    return "\n".join((head, *rows))


def _export(read: Read, settings: PlannerSettings, options: argparse.Namespace) -> bytes:
    board = archive.board(read, options.board)
    geometry, profile = settings.machine().geometry(), settings.machine().profile()
    if options.format == "png":
        lines = [move.strokes for move in board.drawn()]
        return picture.draw(lines, geometry, profile.width, options.size)
    if options.format == "svg":
        return svg.write(board, geometry, profile.width).encode()
    text = formats.as_json(board) if options.format == "json" else formats.as_gcode(board, profile)
    return text.encode()


def _write(content: bytes, output: str | None) -> None:
    if output is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    with open(output, "wb") as file:
        file.write(content)


BOARD: Command[PlannerSettings] = Command(
    help="list: every board; export ID --svg|--png|--gcode|--json: what was drawn on one", run=run
)
