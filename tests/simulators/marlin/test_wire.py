from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from deploy.simulators.marlin.wire import Accepted, Refused, check, numbered, strip_comment
from deploy.simulators.marlin.words import parse
from tests.simulators.marlin.bench import Bench

TEXTS = st.text(alphabet="GMXYZEF0123456789 .-", min_size=1, max_size=30).map(lambda text: f"G1 {text.strip()}".strip())


@given(st.integers(0, 10**6), TEXTS)
def test_the_next_number_with_its_checksum_is_accepted(last: int, text: str) -> None:
    assert check(numbered(last + 1, text), last) == Accepted(text, True, last + 1)


@given(st.integers(0, 10**6), TEXTS, st.data())
def test_a_changed_character_never_passes(last: int, text: str, data: st.DataObject) -> None:
    line = numbered(last + 1, text)
    place = data.draw(st.integers(1, line.rindex("*") - 1))
    other = data.draw(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="*;"))
    assume(other != line[place])
    assert isinstance(check(line[:place] + other + line[place + 1 :], last), Refused)


@given(st.integers(0, 1000), st.integers(0, 1000), TEXTS.filter(lambda text: "M110" not in text))
def test_any_other_number_is_refused_and_names_the_last(last: int, number: int, text: str) -> None:
    assume(number != last + 1)
    refused = check(numbered(number, text), last)
    assert refused == Refused(f"Line Number is not Last Line Number+1, Last Line: {last}")


def test_a_number_needs_a_checksum() -> None:
    assert check("N1 G28", 0) == Refused("No Checksum with line number, Last Line: 0")


def test_m110_sets_the_number_wherever_it_stands() -> None:
    assert check(numbered(7, "M110"), 100) == Accepted("M110", True, 7)
    assert check(numbered(0, "M110 N41"), 100) == Accepted("M110 N41", True, 41)


def test_lines_without_a_number_always_pass() -> None:
    assert check("M105", 12) == Accepted("M105", False, 12)


def test_comments_are_no_part_of_a_line() -> None:
    assert strip_comment(" G1 X1 ; to the right\r\n") == "G1 X1"


def test_words_need_no_blanks() -> None:
    command = parse("G1X10.5Y-2E.5 F")
    assert command is not None
    assert command.code == "G1"
    assert command.words == {"X": 10.5, "Y": -2.0, "E": 0.5, "F": None}


@given(st.lists(st.integers(0, 6), max_size=40), st.sets(st.integers(0, 60)))
def test_a_host_that_obeys_resend_gets_every_line_through_once(steps: list[int], bad: set[int]) -> None:
    """Whatever it sends, and whichever transmissions are damaged."""
    bench = Bench()
    wanted = ["G91", *(f"G1 X{step}" for step in steps), "M400"]
    bench.numbered(0, "M110 N0")
    number, sent = 1, 0
    while number <= len(wanted):
        assert sent < 200, "the host is asked for the same lines again and again"
        bench.firmware.corrupt_next = int(sent in bad)
        replies = bench.numbered(number, wanted[number - 1])
        sent += 1
        again = [int(reply.split()[1]) for reply in replies if reply.startswith("Resend:")]
        number = again[0] if again else number + 1
    assert bench.at[0] == min(100.0 + sum(steps), 240.0)
    assert sum("refused" in line for line in bench.of("line")) == len([place for place in bad if place < sent])


def test_a_line_twice_is_not_carried_out_twice() -> None:
    bench = Bench()
    bench.numbered(0, "M110 N0")
    bench.numbered(1, "G91")
    bench.numbered(2, "G1 X10")
    replies = bench.numbered(2, "G1 X10")
    bench.send("M400")
    assert replies == ["Error:Line Number is not Last Line Number+1, Last Line: 2", "Resend: 3", "ok"]
    assert bench.at[0] == 110
