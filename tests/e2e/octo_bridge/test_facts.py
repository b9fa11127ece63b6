"""How OctoPrint treats file jobs: the facts that the bridge relies on, each against a real OctoPrint.

The bridge's own client asks; the Virtual Printer takes half a second for each long line.
"""

from __future__ import annotations

import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.simulators.marlin import MarlinPrinter
from deploy.simulators.marlin.behind import attach
from deploy.simulators.octoprint import OctoPrint as Server
from services.octo_bridge.events import Post
from services.octo_bridge.evidence import History
from services.octo_bridge.octoprint import OctoPrint
from services.octo_bridge.octoprint_requests import Trouble
from tests.e2e.octo_bridge.fake_planner import line_of
from tests.harness.waiting import wait_until

SHORT = "\n".join([*line_of(1), "M400", ""])
LONG = "\n".join([*line_of(1, slow=100), "M400", ""])


@pytest.fixture
def client(octoprint: Server) -> OctoPrint:
    """The bridge's own client."""
    octoprint.command("M220 S100")
    return OctoPrint(octoprint.url, octoprint.api_key, 10)


@pytest.fixture
def printer(tmp_path: Path) -> Iterator[MarlinPrinter]:
    machine = MarlinPrinter(tmp_path / "printer", speed_up=20)
    machine.start()
    yield machine
    machine.stop()


def begin(client: OctoPrint, octoprint: Server, path: str = "boardcast/job.gcode") -> None:
    """A job that runs."""
    assert client.submit(path, LONG, 10)[0] is Post.TAKEN
    wait_until(lambda: octoprint.state() == "Printing", 40, "the job to run")


def idle(octoprint: Server) -> None:
    wait_until(lambda: octoprint.state() == "Operational", 30, lambda: f"an idle printer, not {octoprint.state()!r}")


def status(octoprint: Server, path: str, body: dict[str, Any]) -> int:
    """The HTTP status of a POST, 204 where there is nothing to say."""
    try:
        octoprint.request("POST", path, body)
    except urllib.error.HTTPError as refusal:
        refusal.close()
        return refusal.code
    return 204


def ended(client: OctoPrint, path: str) -> History:
    return client.history(path)[1]


def test_a_job_for_a_busy_or_paused_printer_is_stored_and_never_printed(client: OctoPrint, octoprint: Server) -> None:
    begin(client, octoprint)
    assert client.submit("boardcast/while-printing.gcode", SHORT, 10)[0] is Post.STORED
    octoprint.request("POST", "/api/job", {"command": "pause", "action": "pause"})
    wait_until(lambda: octoprint.state() == "Paused", 20, "the pause")
    assert client.submit("boardcast/while-paused.gcode", SHORT, 10)[0] is Post.STORED
    client.job("cancel")
    idle(octoprint)
    assert client.history("boardcast/while-printing.gcode") == (True, History.NONE, None)
    assert client.history("boardcast/while-paused.gcode") == (True, History.NONE, None)


def test_a_job_for_an_absent_printer_is_stored_and_never_printed(client: OctoPrint, octoprint: Server) -> None:
    octoprint.disconnect()
    wait_until(lambda: octoprint.state() == "Offline", 40, "the printer to be away")
    assert client.submit("boardcast/job.gcode", SHORT, 10)[0] is Post.STORED
    octoprint.connect()
    idle(octoprint)
    assert client.history("boardcast/job.gcode") == (True, History.NONE, None)


def test_select_and_print_is_refused_while_busy_or_offline(client: OctoPrint, octoprint: Server) -> None:
    begin(client, octoprint)
    choose = {"command": "select", "print": True}
    assert status(octoprint, "/api/files/local/boardcast/job.gcode", choose) == 409
    octoprint.disconnect()
    wait_until(lambda: octoprint.state() == "Offline", 40, "the printer to be away")
    assert status(octoprint, "/api/files/local/boardcast/job.gcode", choose) == 409


def test_the_same_name_again_is_refused_and_not_printed(client: OctoPrint, octoprint: Server) -> None:
    assert client.submit("boardcast/job.gcode", SHORT, 10)[0] is Post.TAKEN
    idle(octoprint)
    post, reason = client.submit("boardcast/job.gcode", SHORT, 10)
    assert post is Post.DOUBT, "a name that is taken may be a job that ran: only evidence says"
    assert "409" in (reason or "")
    assert len(octoprint.serial_log.jobs()) == 1


def test_another_upload_over_a_file_wipes_its_history(client: OctoPrint, octoprint: Server) -> None:
    assert octoprint.upload("again.gcode", SHORT, start=True)
    wait_until(lambda: ended(client, "again.gcode") is History.SUCCESS, 20, "the history")
    idle(octoprint)
    octoprint.upload("again.gcode", LONG, start=False)
    wait_until(lambda: ended(client, "again.gcode") is History.NONE, 40, "the history to be gone")


def test_after_operational_every_job_is_taken(client: OctoPrint, octoprint: Server) -> None:
    octoprint.command("M220 S100000")
    for number in range(20):
        assert client.submit(f"boardcast/{number}.gcode", SHORT, 10)[0] is Post.TAKEN
        wait_until(lambda n=number: len(octoprint.serial_log.jobs()) > n, 20, "the job")  # type: ignore[misc]  # n is bound
        idle(octoprint)


def test_success_is_written_after_the_last_motion_where_a_file_ends_in_m400(
    client: OctoPrint, octoprint: Server, printer: MarlinPrinter
) -> None:
    attach(octoprint, printer)
    octoprint.command("M104 S205", "G28")
    wait_until(lambda: printer.status()["nozzle"][0] > 200 and printer.status()["known"] == "XYZ", 30, "a hot printer")
    assert client.submit("boardcast/job.gcode", "\n".join([*line_of(1, slow=20), "M400", ""]), 10)[0] is Post.TAKEN
    wait_until(lambda: printer.status()["moving"], 20, "motion", poll_s=0.005)
    wait_until(lambda: ended(client, "boardcast/job.gcode") is History.SUCCESS, 60, "the history")
    assert not printer.status()["moving"]


def test_pause_can_be_repeated_and_is_refused_when_idle_as_cancel_is(client: OctoPrint, octoprint: Server) -> None:
    pause = {"command": "pause", "action": "pause"}
    assert status(octoprint, "/api/job", pause) == 409
    assert status(octoprint, "/api/job", {"command": "cancel"}) == 409
    begin(client, octoprint)
    assert status(octoprint, "/api/job", pause) == 204
    wait_until(lambda: octoprint.state() == "Paused", 20, "the pause")
    assert status(octoprint, "/api/job", pause) == 204
    assert octoprint.state() == "Paused"


def test_a_cancel_is_a_failure_and_releases_the_motors(client: OctoPrint, octoprint: Server) -> None:
    begin(client, octoprint)
    client.job("cancel")
    idle(octoprint)
    wait_until(lambda: ended(client, "boardcast/job.gcode") is History.FAILURE, 40, "the history")
    assert {"M84", "M104 T0 S0", "M140 S0", "M106 S0"} <= {line.text for line in octoprint.serial_log.lines()}


def test_an_error_of_the_firmware_is_a_failure_and_connect_recovers(client: OctoPrint, octoprint: Server) -> None:
    begin(client, octoprint)
    octoprint.misbehave("trigger_fatal_error_marlin")
    wait_until(lambda: octoprint.state().startswith("Offline after error"), 40, "the error")
    wait_until(lambda: ended(client, "boardcast/job.gcode") is History.FAILURE, 40, "the history")
    octoprint.connect()
    idle(octoprint)


def test_a_reset_is_a_failure_and_it_is_operational_again_by_itself(
    client: OctoPrint, octoprint: Server, printer: MarlinPrinter
) -> None:
    attach(octoprint, printer)
    octoprint.command("G28")
    wait_until(lambda: printer.status()["known"] == "XYZ", 30, "a homed printer")
    begin(client, octoprint)
    printer.reset()
    idle(octoprint)
    wait_until(lambda: ended(client, "boardcast/job.gcode") is History.FAILURE, 40, "the history")


def test_a_silent_printer_is_printing_until_the_limits_of_the_connection_are_reached(
    client: OctoPrint, octoprint: Server, printer: MarlinPrinter
) -> None:
    limits = {"timeoutCommunication": 1, "timeoutCommunicationBusy": 1, "maxTimeoutsPrinting": 3}
    octoprint.request("POST", "/api/settings", {"serial": limits})
    attach(octoprint, printer)
    octoprint.command("M104 S205", "G28")
    wait_until(lambda: printer.status()["known"] == "XYZ", 30, "a homed printer")
    begin(client, octoprint)
    printer.mute()
    assert octoprint.state() == "Printing"
    wait_until(lambda: octoprint.state().startswith("Offline"), 40, lambda: f"offline, not {octoprint.state()!r}")


def test_killed_in_mid_job_it_knows_nothing_of_the_job(client: OctoPrint, octoprint: Server) -> None:
    begin(client, octoprint)
    # It writes its log in a thread, which may be killed before that.
    wait_until(lambda: "Print job started" in client.log(), 40, "the start in its log")
    octoprint.kill()
    with pytest.raises(Trouble):
        client.look()
    octoprint.start()
    assert client.look().path is None
    assert client.history("boardcast/job.gcode") == (True, History.NONE, None)
    assert "boardcast/job.gcode" in client.log(), "its log says that the job was started"


def test_the_forced_listing_is_fresh_as_soon_as_the_job_is_over(client: OctoPrint, octoprint: Server) -> None:
    octoprint.command("M220 S100000")
    for number in range(5):
        path = f"boardcast/{number}.gcode"
        assert client.submit(path, SHORT, 10)[0] is Post.TAKEN
        wait_until(lambda n=number: len(octoprint.serial_log.jobs()) > n, 20, "the job")  # type: ignore[misc]  # n is bound
        idle(octoprint)
        wait_until(lambda p=path: ended(client, p) is History.SUCCESS, 40, "the history")  # type: ignore[misc]  # p is bound


def test_lines_of_the_terminal_leave_it_operational_and_cannot_be_paused_or_cancelled(
    client: OctoPrint, octoprint: Server
) -> None:
    octoprint.command(*line_of(1, slow=20))
    assert octoprint.state() == "Operational", "while it drains"
    assert status(octoprint, "/api/job", {"command": "pause", "action": "pause"}) == 409
    assert status(octoprint, "/api/job", {"command": "cancel"}) == 409
    assert client.look().path is None, "nothing durable is left of it"


def test_killed_before_a_file_was_started_nothing_was_drawn_and_its_log_says_so(
    client: OctoPrint, octoprint: Server
) -> None:
    octoprint.upload("waits.gcode", SHORT, start=False)
    octoprint.kill()
    octoprint.start()
    assert client.history("waits.gcode") == (True, History.NONE, None)
    assert "Print job started" not in client.log()
    assert octoprint.serial_log.jobs() == []


def test_killed_after_the_history_was_written_it_still_says_success(client: OctoPrint, octoprint: Server) -> None:
    octoprint.command("M220 S100000")
    assert client.submit("boardcast/job.gcode", SHORT, 10)[0] is Post.TAKEN
    wait_until(lambda: ended(client, "boardcast/job.gcode") is History.SUCCESS, 20, "the history")
    octoprint.kill()
    octoprint.start()
    assert ended(client, "boardcast/job.gcode") is History.SUCCESS
    assert len(octoprint.serial_log.jobs()) == 1
