"""A machine and its board as a TOML file, read strictly and checked as a whole."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.planner.plastic.geometry import BoardGeometry
from services.planner.plastic.profile import Profile
from services.planner.plastic.purge import slots


class BadProfile(ValueError):
    """A profile that cannot be used; one line for each thing that is wrong."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Machine(_Table):
    """Bed in mm, speeds in mm/s."""

    bed_x: float = Field(default=235.0, gt=0, le=1000)
    bed_y: float = Field(default=235.0, gt=0, le=1000)
    homing_corner: float = Field(default=15.0, ge=0, description="Kept free at the bed's origin, where Z homes.")
    park_x: float = Field(default=5.0, ge=0, description="Where octo_bridge parks; no purge comes near.")
    park_y: float = Field(default=225.0, ge=0)
    z_speed: float = Field(default=5.0, gt=0, le=50)
    travel_speed: float = Field(default=120.0, gt=0, le=500)


class Nozzle(_Table):
    """Width and height of a line in mm."""

    width: float = Field(default=0.48, gt=0, le=2)
    layer: float = Field(default=0.25, gt=0.04, le=1)
    draw_speed: float = Field(default=40.0, gt=0, le=300)


class Filament(_Table):
    """Diameter and retractions in mm."""

    diameter: float = Field(default=1.75, ge=1, le=3)
    multiplier: float = Field(default=1.0, gt=0.5, lt=1.5)
    retract: float = Field(default=5.0, ge=0, le=10)
    hop_retract: float = Field(default=1.2, ge=0, le=10)
    retract_speed: float = Field(default=25.0, gt=0, le=100)


class Heights(_Table):
    """mm."""

    most: float = Field(default=1.5, gt=0, le=10)
    travel_margin: float = Field(default=0.55, ge=0.5, le=20)
    hop_margin: float = Field(default=0.3, ge=0.3, le=20)


class Purge(_Table):
    """Filling the nozzle beside the board: mm, and seconds."""

    length: float = Field(default=40.0, ge=0, le=200)
    after: float = Field(default=120.0, ge=0, le=86400)


class Board(_Table):
    """Place and size in mm."""

    squares: int = Field(default=8, ge=2, le=26)
    size: float = Field(default=200.0, gt=0, le=1000)
    origin_x: float = Field(default=17.5, ge=0)
    origin_y: float = Field(default=17.5, ge=0)
    end_gap: float = Field(default=2.0, ge=0, le=20)
    rotation: Literal[0, 90, 180, 270] = 0
    mirrored: bool = False


class ProfileFile(_Table):
    """The whole file; what it leaves out is an Ender 3 Pro's."""

    machine: Machine = Machine()
    nozzle: Nozzle = Nozzle()
    filament: Filament = Filament()
    heights: Heights = Heights()
    purge: Purge = Purge()
    board: Board = Board()

    def profile(self) -> Profile:
        """What G-code depends on."""
        return Profile(
            bed_x=self.machine.bed_x,
            bed_y=self.machine.bed_y,
            layer=self.nozzle.layer,
            width=self.nozzle.width,
            filament=self.filament.diameter,
            multiplier=self.filament.multiplier,
            draw_speed=self.nozzle.draw_speed,
            travel_speed=self.machine.travel_speed,
            z_speed=self.machine.z_speed,
            retract=self.filament.retract,
            hop_retract=self.filament.hop_retract,
            retract_speed=self.filament.retract_speed,
            travel_margin=self.heights.travel_margin,
            hop_margin=self.heights.hop_margin,
            most_height=self.heights.most,
            homing_corner=self.machine.homing_corner,
            park_x=self.machine.park_x,
            park_y=self.machine.park_y,
            purge=self.purge.length,
            purge_after=self.purge.after,
        )

    def geometry(self) -> BoardGeometry:
        """The board. Raises BadProfile with a line for everything that is in something else's way on the bed."""
        board, machine = self.board, self.machine
        try:
            geometry = BoardGeometry(
                board.squares, board.size, board.origin_x, board.origin_y, board.end_gap, board.rotation, board.mirrored
            )
            geometry.check_on_bed(machine.bed_x, machine.bed_y)
        except ValueError as error:
            raise BadProfile(str(error)) from error
        wrong = list(self._in_the_way(geometry))
        if wrong:
            raise BadProfile("\n".join(wrong))
        return geometry

    def _in_the_way(self, geometry: BoardGeometry) -> Iterator[str]:
        board, machine = self.board, self.machine
        park = f"the park position ({machine.park_x:g}, {machine.park_y:g})"
        if max(board.origin_x, board.origin_y) < machine.homing_corner:
            yield (
                f"the board begins at ({board.origin_x:g}, {board.origin_y:g}), where Z homes: keep "
                f"{machine.homing_corner:g} mm free, or set homing_corner"
            )
        if machine.park_x > machine.bed_x or machine.park_y > machine.bed_y:
            yield f"{park} is beside the bed of {machine.bed_x:g} x {machine.bed_y:g} mm: set park_x and park_y"
        elif geometry.covers(machine.park_x, machine.park_y):
            yield f"{park} is on the board, where the nozzle would ooze onto lines: set park_x and park_y beside it"
        if self.heights.most < self.nozzle.layer:
            yield f"heights.most is {self.heights.most:g}, which is less than one layer"
        if self.purge.length and not slots(geometry, self.profile()):
            yield (
                f"there is no room for a purge of {self.purge.length:g} mm beside the board, the homing corner and the "
                "park position: make the board smaller or move it, or set purge.length (0: none)"
            )


def read_profile(path: Path | None) -> ProfileFile:
    """The profile in *path*, the default one when there is none. Raises BadProfile with a line for everything wrong."""
    if path is None:
        return ProfileFile()
    try:
        return ProfileFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadProfile(f"BOARDCAST_PROFILE names {path}, which cannot be read: {error}") from error
    except ValidationError as error:
        wrong = [
            f"{path}: {'.'.join(map(str, e['loc']))}: {e['msg']}"
            for e in error.errors(include_url=False, include_input=False)
        ]
        raise BadProfile("\n".join(wrong)) from error
