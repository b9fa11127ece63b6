"""Backup, wipe and restore; data of a newer program."""

from __future__ import annotations

import tarfile
from typing import Any

import pytest

from contracts import channels
from tests.compose.house import House
from tests.compose.person import Person

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

SERVICES = ("chat_ingest", "planner", "octo_bridge", "rex_bridge")


def test_backup_wipe_restore_and_the_board_goes_on(person: Person) -> None:
    house = person.house
    person.ready()
    person.ask("saved")
    first = person.drawn("saved")
    before = _board(person, first)
    said = house.init("backup").split()  # while everything runs
    archive = next(word.rstrip(";") for word in said if word.startswith("backups/"))
    with tarfile.open(house.folder / archive) as bundle:
        assert {f"{service}.sqlite3" for service in SERVICES} < set(bundle.getnames())
    assert (house.folder / archive).stat().st_mode & 0o777 == 0o600
    credentials = house.init("show")
    person.ask("after the backup")
    person.drawn("after the backup")

    refused = house.compose("run", "--rm", "-T", "init", "restore", archive, check=False)
    assert refused.returncode == 1
    assert "docker compose stop" in refused.stderr

    house.compose("down", "--volumes")
    (house.folder / ".env").rename(house.folder / "env of the old house")
    try:
        house.init("restore", archive)
        assert (house.folder / ".env").read_text() == (house.folder / "env of the old house").read_text()
        assert house.init("show") == credentials
    finally:
        (house.folder / "env of the old house").replace(house.folder / ".env")
        mark = person.probe.mark()
        house.up()
    person.probe.wait_connected(30)
    board = person.probe.wait(channels.BOARD_STATE.address, since=mark, deadline_s=30).json
    assert board["board"] == before["board"]
    assert board["counts"]["drawn"] == before["counts"]["drawn"]
    drawing = person.probe.wait(channels.BOARD_DRAWING.address, since=mark).json
    assert first in [line["move_id"] for line in drawing["lines"]]
    person.ready()
    person.ask("in the new house")
    person.drawn("in the new house", deadline_s=90)


def test_data_of_a_newer_program_is_refused_in_plain_words(house: House, person: Person) -> None:
    house.compose("stop", "planner")
    house.sql("planner", "UPDATE schema_version SET version = version + 90")
    try:
        house.compose("start", "planner")
        house.wait_health("planner", False, "was written by a newer Boardcast")
        assert "update the program, or restore the backup" in house.health("planner")[1]
        assert house.container("planner").attrs["RestartCount"] == 0
    finally:
        house.compose("stop", "planner")
        house.sql("planner", "UPDATE schema_version SET version = version - 90")
        house.compose("start", "planner")
    house.wait_health("planner", True, "")


def test_data_of_an_older_program_is_taken_over_and_the_board_goes_on(person: Person) -> None:
    """As of a program that knew no discovery and fewer keys; there is no release before this one to start from."""
    house = person.house
    person.ready()
    person.ask("of the older program")
    before = _board(person, person.drawn("of the older program"))
    house.compose("stop", "planner", "octo_bridge")
    for service in ("planner", "octo_bridge"):
        house.sql(service, "DELETE FROM schema_version WHERE part = 'discovery'")
        house.sql(service, "DROP TABLE discovered")
        house.sql(service, "DROP TABLE discovery_gone")
    house.sql("planner", "UPDATE header SET body = json_remove(body, '$.full_lines', '$.refusals', '$.closing')")
    house.sql("octo_bridge", "UPDATE machine SET kept = json_remove(kept, '$.bare', '$.last_board', '$.stopping')")
    mark = person.probe.mark()
    house.up()
    board = person.probe.wait(channels.BOARD_STATE.address, since=mark, deadline_s=30).json
    assert (board["board"], board["counts"]["drawn"]) == (before["board"], before["counts"]["drawn"])
    person.works(30)
    person.ready()
    person.ask("of the newer program")
    assert len(person.drawings_of(person.drawn("of the newer program", deadline_s=90))) == 1
    house.compose("stop", "planner")
    assert house.sql("planner", "SELECT version FROM schema_version WHERE part = 'discovery'") == [[1]]
    house.up()


def test_what_is_no_backup_replaces_nothing(house: House) -> None:
    (house.folder / "broken.tar").write_bytes(b"no archive")
    for name in ("broken.tar", "absent.tar"):
        done = house.compose("run", "--rm", "-T", "init", "restore", name, check=False)
        assert done.returncode == 1
        assert f"{name} cannot be put back" in done.stderr
        assert "Traceback" not in done.stderr


def _board(person: Person, last: str) -> dict[str, Any]:
    """The board's state once it says that *last* ended and nothing is under way."""
    found: dict[str, Any] = person.probe.wait(
        channels.BOARD_STATE.address,
        lambda m: m.json["last"]["move_id"] == last and m.json["current"] is None and not m.json["waiting"],
    ).json
    return found
