"""A stand-in for Twitch: id server, Helix and EventSub websocket, with each of its failures on demand."""

from tests.fakes.twitch.server import FakeTwitch

__all__ = ["FakeTwitch"]
