"""Which colour a line has: the first is blue, the newest red, so that a picture tells the order of drawing."""

from __future__ import annotations

import colorsys

_FIRST, _LAST = 0.62, 0.0
"""Hues, as parts of the colour circle."""


def colour(place: int, count: int) -> tuple[int, int, int]:
    """Red, green and blue (0-255) of line *place* (from 0) of *count*."""
    part = place / (count - 1) if count > 1 else 0.0
    # Yellow is far lighter than blue: a darker middle keeps every line readable on white.
    lightness = 0.45 - 0.1 * (1 - abs(2 * part - 1))
    red, green, blue = colorsys.hls_to_rgb(_FIRST + (_LAST - _FIRST) * part, lightness, 0.75)
    return round(red * 255), round(green * 255), round(blue * 255)


def css(place: int, count: int) -> str:
    """The same as ``#rrggbb``."""
    return "#{:02x}{:02x}{:02x}".format(*colour(place, count))
