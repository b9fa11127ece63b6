"""The devices that people see in a home automation, as far as more than one service speaks of them."""

from __future__ import annotations

HUB = "board"
"""The drawing pipeline: every service has entities on it, and the printers are reached through it."""
HUB_NAME = "Boardcast"
ENDER = "ender"
