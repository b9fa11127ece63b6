"""What chat_ingest decides: what is stored, and when a gap begins and ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from contracts.chat import ChatGap, ChatMessage
from services.chassis.clock import Now
from services.chat_ingest.handlers import (
    MODERATION_RESERVE,
    Connected,
    Deaf,
    Effect,
    Heard,
    Hearing,
    Input,
    Keep,
    Limits,
    Memory,
    Overflowed,
    Tell,
    Tick,
    begin,
    chat_state,
    step,
)
from tests.unit.chat_ingest.world import AT, cleared, message

LIMITS = Limits("scripted", misses=True, stored_most=100, disk_least=50 << 20)
ROOMY = 1 << 40


def _at(seconds: float) -> Now:
    return Now(AT + timedelta(seconds=seconds), seconds)


class Run:
    """A state fed with inputs."""

    def __init__(self, limits: Limits = LIMITS, memory: Memory | None = None) -> None:
        self.limits = limits
        self.state: Hearing = begin(memory or Memory(), limits)
        self.effects: list[Effect] = []

    def feed(self, seconds: float, event: Input) -> Sequence[Effect]:
        self.state, effects = step(self.limits, self.state, event, _at(seconds))
        self.effects += effects
        return effects

    def kept(self) -> list[object]:
        return [effect.body for effect in self.effects if isinstance(effect, Keep)]

    def gaps(self) -> list[ChatGap]:
        return [body for body in self.kept() if isinstance(body, ChatGap)]


def test_what_is_heard_is_kept() -> None:
    run = Run()
    run.feed(0, Connected())
    run.feed(1, Heard(message(1), waiting=0))
    run.feed(2, Heard(cleared(), waiting=99))
    assert run.kept() == [message(1), cleared()]
    assert chat_state(LIMITS, run.state, 2).received == 2


def test_a_first_connection_is_no_gap_and_a_second_one_tells_the_time_between() -> None:
    run = Run()
    run.feed(0, Deaf("logging in"))
    run.feed(5, Connected())
    assert run.gaps() == []
    run.feed(60, Deaf("connection lost", since=AT + timedelta(seconds=55)))
    run.feed(61, Deaf("refused"))
    run.feed(70, Connected())
    (gap,) = run.gaps()
    assert gap.since == AT + timedelta(seconds=55)
    assert gap.until == AT + timedelta(seconds=70)
    assert gap.reason == "connection lost"
    assert gap.missed is None
    assert run.state.gaps == 1


def test_being_deaf_says_since_when_and_why() -> None:
    run = Run()
    run.feed(0, Connected())
    run.feed(10, Deaf("connection lost"))
    run.feed(12, Deaf("Twitch refuses"))
    said = chat_state(LIMITS, run.state, 0)
    assert (said.connected, said.since, said.reason) == (False, AT + timedelta(seconds=10), "Twitch refuses")
    run.feed(20, Connected())
    said = chat_state(LIMITS, run.state, 0)
    assert (said.connected, said.since, said.reason) == (True, AT + timedelta(seconds=20), None)
    assert run.feed(21, Connected()) == ()


def test_a_chat_that_waits_has_no_gaps() -> None:
    run = Run(replace(LIMITS, misses=False), Memory(heard_until=AT))
    run.feed(10, Connected())
    run.feed(11, Deaf("ended"))
    run.feed(12, Connected())
    assert run.gaps() == []


def test_the_time_between_two_processes_is_a_gap() -> None:
    run = Run(memory=Memory(heard_until=AT))
    run.feed(30, Deaf("logging in"))
    run.feed(40, Connected())
    (gap,) = run.gaps()
    assert (gap.since, gap.until) == (AT, AT + timedelta(seconds=40))
    assert gap.reason == "chat_ingest was not running"


def test_it_remembers_about_how_long_it_heard() -> None:
    run = Run()
    run.feed(0, Tick(0, ROOMY))
    assert run.state.memory == Memory()
    run.feed(1, Connected())
    for second in range(2, 20):
        run.feed(second, Tick(0, ROOMY))
        assert run.state.memory.heard_until is not None
        assert _at(second).wall - run.state.memory.heard_until < timedelta(seconds=5)
    run.feed(30, Deaf("lost", since=AT + timedelta(seconds=25)))
    assert run.state.memory.heard_until == AT + timedelta(seconds=25)


def test_a_full_outbox_makes_exactly_one_gap_that_counts() -> None:
    run = Run()
    run.feed(0, Connected())
    for number in range(50):
        run.feed(number, Heard(message(number), waiting=100))
        run.feed(number, Tick(100, ROOMY))
    assert run.kept() == []
    assert "CHAT_STORED_MOST" in str(chat_state(LIMITS, run.state, 100).reason)
    run.feed(60, Tick(90, ROOMY))
    assert run.kept() == []  # not before there is room for more than one
    run.feed(61, Tick(89, ROOMY))
    run.feed(62, Tick(0, ROOMY))
    run.feed(63, Heard(message(63), waiting=1))
    gap, after = run.kept()
    assert isinstance(gap, ChatGap)
    assert (gap.since, gap.until, gap.missed) == (AT, AT + timedelta(seconds=61), 50)
    assert after == message(63)
    assert run.state.gaps == 1
    assert sum(isinstance(effect, Tell) and "no longer stored" in effect.text for effect in run.effects) == 1


def test_bans_are_stored_beyond_the_limit_for_messages() -> None:
    run = Run()
    run.feed(0, Heard(message(1), waiting=100))
    run.feed(1, Heard(cleared(), waiting=100))
    run.feed(2, Heard(message(2), waiting=100))
    run.feed(3, Heard(cleared("other"), waiting=100 + MODERATION_RESERVE))
    assert run.kept() == [cleared()]
    assert run.state.choke is not None
    assert run.state.choke.missed == 3


def test_low_disk_is_said_once_and_nothing_is_stored_until_there_is_room() -> None:
    run = Run()
    run.feed(0, Connected())
    run.feed(1, Tick(0, 49 << 20))
    run.feed(2, Tick(0, 49 << 20))
    run.feed(3, Heard(message(1), waiting=0))
    run.feed(3, Heard(cleared(), waiting=0))
    assert run.kept() == []
    assert "CHAT_DISK_LEAST" in str(chat_state(LIMITS, run.state, 0).reason)
    assert sum(isinstance(e, Tell) and "MB of disk are free; chat" in e.text for e in run.effects) == 1
    run.feed(4, Tick(0, 51 << 20))
    (gap,) = run.gaps()
    assert gap.missed == 2


def test_a_lost_connection_during_a_full_outbox_is_told_in_the_same_gap() -> None:
    run = Run()
    run.feed(0, Connected())
    run.feed(5, Heard(message(1), waiting=100))
    run.feed(6, Deaf("lost", since=AT + timedelta(seconds=4)))
    run.feed(7, Connected())
    run.feed(8, Tick(0, ROOMY))
    (gap,) = run.gaps()
    assert gap.since == AT + timedelta(seconds=4)


def test_what_could_not_even_be_held_is_a_gap() -> None:
    run = Run()
    run.feed(9, Overflowed(AT, 7))
    (gap,) = run.gaps()
    assert (gap.since, gap.missed) == (AT, 7)


def test_a_clock_that_was_set_back_makes_no_gap_that_ends_before_it_begins() -> None:
    run = Run(memory=Memory(heard_until=AT + timedelta(hours=1)))
    run.feed(0, Connected())
    (gap,) = run.gaps()
    assert gap.since == gap.until == AT


@given(st.lists(st.tuples(st.integers(0, 130), st.booleans(), st.booleans()), max_size=60))
def test_every_message_is_kept_or_counted_in_a_gap(script: list[tuple[int, bool, bool]]) -> None:
    """Whatever the room, the disk and the order."""
    run = Run()
    run.feed(0, Connected())
    for number, (waiting, low, tick) in enumerate(script):
        if tick:
            run.feed(number, Tick(waiting, 0 if low else ROOMY))
        run.feed(number, Heard(message(number), waiting))
    run.feed(1000, Tick(0, ROOMY))
    kept = sum(isinstance(body, ChatMessage) for body in run.kept())
    missed = sum(gap.missed or 0 for gap in run.gaps())
    assert kept + missed == len(script) == run.state.received
    assert run.state.gaps == len(run.gaps())


def test_a_connection_that_is_lost_while_nothing_is_wanted_is_a_gap_from_then_on() -> None:
    """The stream may begin while nobody can hear that it does."""
    run = Run()
    run.feed(0, Connected())
    run.feed(100, Deaf("the stream is offline", missed=False))
    run.feed(200, Deaf("connection lost", since=AT + timedelta(seconds=195)))
    run.feed(210, Deaf("refused"))
    run.feed(300, Connected())
    (gap,) = run.gaps()
    assert (gap.since, gap.until, gap.reason) == (
        AT + timedelta(seconds=195), AT + timedelta(seconds=300), "connection lost",
    )  # fmt: skip


def test_a_gap_ends_where_nothing_is_wanted_any_more() -> None:
    run = Run(memory=Memory(heard_until=AT - timedelta(seconds=60)))
    run.feed(0, Deaf("the stream is offline", missed=False))
    run.feed(1000, Connected())
    run.feed(1100, Deaf("connection lost"))
    run.feed(1110, Deaf("the stream is offline", missed=False))
    run.feed(2000, Connected())
    assert [(gap.since, gap.until) for gap in run.gaps()] == [
        (AT - timedelta(seconds=60), AT), (AT + timedelta(seconds=1100), AT + timedelta(seconds=1110)),
    ]  # fmt: skip


def test_a_gap_that_ends_there_while_nothing_is_stored_is_told_with_the_choke() -> None:
    run = Run()
    run.feed(0, Connected())
    run.feed(10, Heard(message(1), waiting=LIMITS.stored_most))
    run.feed(20, Deaf("connection lost", since=AT + timedelta(seconds=5)))
    run.feed(30, Deaf("the stream is offline", missed=False))
    assert run.gaps() == []
    run.feed(40, Tick(waiting=0, free_bytes=ROOMY))
    (gap,) = run.gaps()
    assert (gap.since, gap.missed) == (AT + timedelta(seconds=5), 1)
