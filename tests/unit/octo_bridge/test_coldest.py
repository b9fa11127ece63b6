"""How cold the nozzle was while a file was printed, from what OctoPrint wrote down every few seconds."""

from __future__ import annotations

import pytest

from services.octo_bridge.evidence import Recorded, coldest

LEAST = 200.0
PRINT = (100.0, 102.0)


def hot(at: float, actual: float, target: float = 205.0) -> Recorded:
    return Recorded(at, actual, target)


@pytest.mark.parametrize(
    ("readings", "window", "lowest"),
    [
        ([], PRINT, None),
        ([hot(98, 185), hot(101, 204), hot(104, 203)], PRINT, 203),
        ([hot(98, 185), hot(101, 204), hot(104, 203)], (97.0, 99.0), 185),
        ([hot(98, 204)], PRINT, None),
        ([hot(98, 204), hot(113, 100)], PRINT, None),
        ([hot(98, 204), hot(101, 150), hot(104, 150)], PRINT, 150),
        ([hot(98, 204), hot(104, 150)], PRINT, 150),
    ],
)
def test_the_lowest_within_a_print_and_next_behind_it(
    readings: list[Recorded], window: tuple[float, float], lowest: float | None
) -> None:
    assert coldest(readings, window, LEAST) == lowest


@pytest.mark.parametrize("target", [150.0, 0.0])
def test_a_nozzle_that_was_turned_down_behind_a_print_says_only_that_it_was_hot(target: float) -> None:
    down, still_hot = hot(104, 178, target), hot(104, 201, target)
    assert coldest([hot(98, 204), down], PRINT, LEAST) == 204, "the last one before it, when it has none of its own"
    assert coldest([hot(98, 204), hot(101, 203), down], PRINT, LEAST) == 203
    assert coldest([hot(98, 185), down], PRINT, LEAST) is None, "it was warming up"
    assert coldest([hot(80, 204), down], PRINT, LEAST) is None, "too long before"
    assert coldest([down], PRINT, LEAST) is None
    assert coldest([still_hot], PRINT, LEAST) == 201
    assert coldest([hot(98, 204), hot(101, 150), down], PRINT, LEAST) == 150, "it was cold while it was printed"


def test_a_printer_that_was_reset_behind_a_print_may_have_cooled_and_been_heated_again() -> None:
    heated_again, still_hot = hot(104, 178), hot(104, 201)
    assert coldest([hot(98, 204), heated_again], PRINT, LEAST) == 178, "nothing has let it cool: it was cold"
    assert coldest([hot(98, 204), heated_again], PRINT, LEAST, held=False) == 204
    assert coldest([hot(98, 204), hot(101, 150), heated_again], PRINT, LEAST, held=False) == 150
    assert coldest([hot(98, 204), still_hot], PRINT, LEAST, held=False) == 201
    assert coldest([heated_again], PRINT, LEAST) is None, "a record that begins behind it is one of another process"
    assert coldest([still_hot], PRINT, LEAST) == 201
