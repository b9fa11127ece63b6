"""Which channels a bus without topics of its own can carry, and through whose queue.

The chassis knows no topic: a service's definition hands over its table of channels, and what is read here of a channel
is its kind and its two ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.chassis.bus.port import matches

_DURABLE = frozenset({"link", "receipt"})
_ASKING = frozenset({"request", "command"})
"""Kinds with one reader each, which is what a queue is. Everything else needs retained messages or many readers."""


class Channel(Protocol):
    """What is read of a row of the table."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def publishers(self) -> Sequence[str]: ...
    @property
    def readers(self) -> Sequence[str]: ...
    def filter(self, root: str) -> str: ...


@dataclass(frozen=True)
class Route:
    """One reader's way of one channel. *asks*: a request or command, which must not be obeyed late."""

    filter: str
    reader: str
    publishers: tuple[str, ...]
    asks: bool


def carried(channel: Channel) -> bool:
    """Whether a queue can carry *channel*."""
    return channel.kind in _DURABLE | _ASKING


def asks(channel: Channel) -> bool:
    """Whether *channel* is one that people ask something on."""
    return channel.kind in _ASKING


def routes(channels: Sequence[Channel], root: str) -> tuple[Route, ...]:
    """A route for every reader of every channel that a queue can carry."""
    return tuple(
        Route(channel.filter(root), str(reader), tuple(map(str, channel.publishers)), asks(channel))
        for channel in channels
        if carried(channel)
        for reader in channel.readers
    )


def to(topic: str, among: Sequence[Route]) -> list[Route]:
    """The routes of *topic*: a channel that names it outright comes before one with a parameter in that place."""
    exact = [route for route in among if route.filter == topic]
    return exact or [route for route in among if matches(route.filter, topic)]
