"""`.env`, the questions and the flags."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import pytest

from contracts.channels import CHANNELS, Kind
from deploy.init import __main__ as init
from deploy.init import dotenv, questions
from deploy.init.bridge import bridge_file
from deploy.init.dotenv import BadValue
from deploy.init.places import Places
from services.chassis.bus.port import matches


def flags(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    questions.add_flags(parser)
    return parser.parse_args(words)


def test_what_a_person_wrote_stays(places: Places) -> None:
    places.dotenv.write_text("# mine\nMQTT_PORT=1884 \n\nBOARDCAST_CHAT_SOURCE=none\nBOARDCAST_CHAT_SOURCE=none\n")
    dotenv.change(places, {"BOARDCAST_CHAT_SOURCE": "simulated", "MQTT_BIND": "10.0.0.2"})
    assert places.dotenv.read_text() == (
        "# mine\nMQTT_PORT=1884 \n\nBOARDCAST_CHAT_SOURCE=simulated\nMQTT_BIND=10.0.0.2\n"
    )
    assert places.dotenv.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("value", ["plain", "with space", "$dollar and #hash", 'double "quotes"', ""])
def test_what_is_written_is_read(places: Places, value: str) -> None:
    dotenv.change(places, {"BOARDCAST_X": value})
    assert dotenv.read(places) == {"BOARDCAST_X": value}


@pytest.mark.parametrize("value", ["two\nlines", "it's"])
def test_what_cannot_be_written_is_refused(places: Places, value: str) -> None:
    with pytest.raises(BadValue, match="BOARDCAST_X"):
        dotenv.change(places, {"BOARDCAST_X": value})
    assert not places.dotenv.exists()


@pytest.mark.parametrize(
    ("written", "meant"),
    [("abc # of Ada", "abc"), ("'a # b' # of Ada", "a # b"), ('"abc"  # of Ada', "abc"), ("a#b", "a#b"),
     ("# none", "")],
)  # fmt: skip
def test_a_comment_behind_a_value_is_none_of_it(places: Places, written: str, meant: str) -> None:
    """As Compose reads it: else `init --demo` would write a key with the comment in it, and a bridge go to nowhere."""
    places.dotenv.write_text(f"BOARDCAST_OCTOPRINT_API_KEY={written}\n")
    assert dotenv.read(places) == {"BOARDCAST_OCTOPRINT_API_KEY": meant}


def test_the_demo_keeps_its_key() -> None:
    first = questions.from_flags(flags("--demo"), {})
    assert first["COMPOSE_PROFILES"] == "demo"
    assert questions.from_flags(flags("--demo"), first) == first


def test_a_flag_comes_before_the_demos_value() -> None:
    assert questions.from_flags(flags("--demo", "--chat", "none"), {})["BOARDCAST_CHAT_SOURCE"] == "none"


@pytest.mark.parametrize(
    "words",
    [("--bind", "everywhere"), ("--octoprint-url", "octopi.local"), ("--octoprint-url", "http://localhost:5000")],
)
def test_a_wrong_flag_is_refused(words: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match=words[1]):
        questions.from_flags(flags(*words), {})


def test_enter_keeps_and_a_wrong_answer_is_asked_again() -> None:
    given: Iterator[str] = iter(["http://octopi", "", "rex=10.0.0.3", "", "somewhere", "10.0.0.2"])
    prompts: list[str] = []
    said: list[str] = []

    def read(prompt: str) -> str:
        prompts.append(prompt)
        return next(given)

    answers = questions.ask({"BOARDCAST_OCTOPRINT_API_KEY": "hidden"}, read, said.append)
    assert answers == {
        "BOARDCAST_OCTOPRINT_URL": "http://octopi", "BOARDCAST_REX_PRINTERS": "rex=10.0.0.3", "MQTT_BIND": "10.0.0.2",
    }  # fmt: skip
    assert "hidden" not in "".join(prompts)
    assert "somewhere" in said[-1]


def test_a_bridge_carries_no_link_and_no_command_outwards() -> None:
    lines = bridge_file("mqtt://10.0.0.9", "u", "p", "boardcast").splitlines()
    topics = [line.split()[1:3] for line in lines if line.startswith("topic ")]
    for channel in CHANNELS:
        if channel.kind in (Kind.LINK, Kind.RECEIPT):
            assert not [topic for topic, _ in topics if matches(topic, channel.filter())]
        if channel.kind in (Kind.COMMAND, Kind.REQUEST):
            assert {way for topic, way in topics if matches(topic, channel.filter())} == {"in"}
    assert "address 10.0.0.9:1883" in lines


@pytest.mark.parametrize(("user", "password"), [("u\nallow_anonymous true", "p"), ("u", "p\nlistener 1"), ("", "p")])
def test_nothing_slips_into_the_bridge_file(user: str, password: str) -> None:
    with pytest.raises(ValueError, match="one line"):
        bridge_file("mqtt://10.0.0.9", user, password, "boardcast")


def test_what_goes_wrong_is_a_plain_sentence(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    assert init.main(["restore", "absent.tar"], places) == 1
    assert capsys.readouterr().err.startswith("init: absent.tar cannot be put back")


def test_a_status_topic_of_its_own_is_in_the_bridge_and_in_the_printed_access_list(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without it no service is told that Home Assistant has started."""
    dotenv.change(places, {"BOARDCAST_HOME_ASSISTANT_STATUS": "hass/birth"})
    assert init.main(["access"], places) == 0
    assert "topic read hass/birth\n" in capsys.readouterr().out
    assert init.main(["bridge", "mqtt://10.0.0.9"], places) == 0
    text = (places.project / "broker.d" / "bridge.conf").read_text()
    assert "topic hass/birth in 1\n" in text
    assert "homeassistant/status" not in text


@pytest.mark.parametrize("way", ["in", "out"])
def test_no_message_goes_twice_over_a_bridge(way: str) -> None:
    """Of a broker that hands it over for each filter that matches, a command to the Ender would be obeyed twice."""
    lines = [line.split() for line in bridge_file("mqtt://10.0.0.9", None, None, "b").splitlines()]
    filters = [words[1] for words in lines if words[0] == "topic" and words[2] == way]
    for channel in CHANNELS:
        topic = channel.topic("b", **dict.fromkeys(channel.parameters, "x"))
        assert sum(matches(wanted, topic) for wanted in filters) <= 1, topic
    assert "b/v1/printer/+/" + ("command" if way == "in" else "state") in filters
