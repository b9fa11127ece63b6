"""The picture of the present board, retained on the bus: drawn beside the event loop, at most every two seconds."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence

from services.chassis import log
from services.chassis.bus.port import Bus
from services.chassis.retained import Retained
from services.planner.history import picture
from services.planner.plastic.geometry import BoardGeometry
from services.planner.plastic.strokes import Stroke

_log = log.get(__name__)
EVERY = 2.0
"""Seconds between two pictures."""
PICTURE_BYTES = 200_000
"""Below what any bus carries in one message."""
Lines = Sequence[tuple[Stroke, ...]]


class LivePicture:
    """Draws whenever it is told that the lines are other ones. With a *size* of 0 it does nothing."""

    def __init__(
        self, bus: Bus, topic: str, geometry: BoardGeometry, width: float, size: int, lines: Callable[[], Lines]
    ) -> None:
        self._retained = Retained(bus, topic)
        self._geometry = geometry
        self._width = width
        self._size = size
        self._lines = lines
        self._task: asyncio.Task[None] | None = None
        self._again = False

    def start(self) -> None:
        """Announce on every connect."""
        self._retained.start()

    def stop(self) -> None:
        """Draw nothing any more."""
        self._retained.stop()
        if self._task is not None:
            self._task.cancel()

    def changed(self) -> None:
        """The lines are other ones: draw them now, or when two seconds since the last picture are over."""
        self._again = self._size > 0
        if self._again and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._draw())

    def _picture(self, lines: Lines) -> bytes:
        """As large as it is wanted, or as large as a bus carries it: a crowded board packs worse than a bare one."""
        size = self._size
        while True:
            png = picture.draw(lines, self._geometry, self._width, size)
            if len(png) <= PICTURE_BYTES:
                return png
            size = min(size - 1, int(size * math.sqrt(PICTURE_BYTES / len(png)) * 0.95))

    async def _draw(self) -> None:
        try:
            while self._again:
                self._again = False
                # The database belongs to this thread, the pixels to another: they take as long as a move of the head.
                lines = self._lines()
                self._retained.set(await asyncio.to_thread(self._picture, lines))
                await asyncio.sleep(EVERY)
        except ImportError as error:
            self._size = 0
            _log.error("no picture of the board: Pillow is missing; install the planner's extra", error=str(error))
        except Exception:
            _log.exception("the board's picture could not be drawn; the next line tries again")
        finally:
            self._task = None
