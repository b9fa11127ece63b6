"""Log lines: one JSON object each, or readable; the move id on every line of its task."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from services.chassis import log


@pytest.fixture(autouse=True)
def _restored(logged: object) -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before[0], before[1]
    structlog.reset_defaults()


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_json_lines_carry_service_time_and_values(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("planner", log.LogFormat.JSON, "info")
    log.get("x").info("planned", ordinal=7, path=b"\xff", odd="\x1b[31m\nä")
    log.get("x").debug("not at this level")
    (line,) = _lines(capsys)
    assert line["event"] == "planned"
    assert line["service"] == "planner"
    assert line["level"] == "info"
    assert line["ordinal"] == 7
    assert line["odd"] == "\x1b[31m\nä"
    assert str(line["timestamp"]).endswith("Z")


def test_lines_of_libraries_look_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("planner", log.LogFormat.JSON, "info")
    logging.getLogger("some.library").warning("said %s", "this")
    (line,) = _lines(capsys)
    assert (line["event"], line["service"], line["level"]) == ("said this", "planner", "warning")


def test_an_exception_is_part_of_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("planner", log.LogFormat.JSON, "info")
    try:
        raise KeyError("lost")
    except KeyError:
        log.get("x").exception("failed")
    (line,) = _lines(capsys)
    assert "KeyError: 'lost'" in str(line["exception"])


def test_the_move_id_is_on_every_line_of_its_task_and_on_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("planner", log.LogFormat.JSON, "info")

    async def task(move_id: str) -> None:
        with log.bind(move_id=move_id):
            await asyncio.sleep(0)
            log.get("x").info("within", own=move_id)
        log.get("x").info("outside")

    async def main() -> None:
        await asyncio.gather(task("7-1"), task("7-2"))

    asyncio.run(main())
    lines = _lines(capsys)
    within = [line for line in lines if line["event"] == "within"]
    assert [line["move_id"] for line in within] == ["7-1", "7-2"]
    assert all(line["move_id"] == line["own"] for line in within)
    assert all("move_id" not in line for line in lines if line["event"] == "outside")


def test_text_is_for_people_and_harmless_to_their_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("planner", log.LogFormat.TEXT, "info")
    with log.bind(move_id="7-42"):
        log.get("x").info("planned", odd="\x1b[2J\nfalse line")
    text = capsys.readouterr().err
    assert "planned" in text
    assert "7-42" in text
    assert "\x1b[2J" not in text
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize("fmt", [log.LogFormat.TEXT, log.LogFormat.JSON])
def test_an_exception_shows_no_values_of_the_code_that_it_passed(
    fmt: log.LogFormat, capsys: pytest.CaptureFixture[str]
) -> None:
    log.configure("planner", fmt, "info")

    def refresh(refresh_token: str) -> None:
        raise KeyError("access_token")

    try:
        refresh("only-twitch-and-we-" + "know-this")
    except KeyError:
        log.get("x").exception("failed")
    text = capsys.readouterr().err
    assert "KeyError" in text
    assert "only-twitch-and-we-know-this" not in text


def test_auto_is_json_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("planner", log.LogFormat.AUTO, "info")
    log.get("x").info("said")
    assert _lines(capsys)[0]["event"] == "said"


@pytest.mark.parametrize("library", ["botocore.endpoint", "botocore.auth", "boto3.session", "apprise", "urllib3.pool"])
def test_no_level_makes_a_library_write_its_requests(library: str, capsys: pytest.CaptureFixture[str]) -> None:
    """They carry session tokens, and addresses with a bot's token in them."""
    log.configure("planner", log.LogFormat.JSON, "debug")
    logging.getLogger(library).debug("Sending {'X-Amz-Security-Token': b'hunter2'}")
    logging.getLogger(library).info("POST https://api.example/bot:hunter2/send")
    assert _lines(capsys) == []
