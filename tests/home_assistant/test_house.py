"""The harness itself: a real Home Assistant that runs, is connected, and cannot reach anything else."""

from __future__ import annotations

from tests.home_assistant.conftest import House


def test_it_runs_and_is_connected_to_the_broker(house: House) -> None:
    entries = house.home.client.get("config/config_entries/entry")
    assert [e["state"] for e in entries if e["domain"] == "mqtt"] == ["loaded"]
    assert house.home.client.get("config")["version"].startswith("2026.")


def test_it_has_no_way_to_the_internet(house: House) -> None:
    routes = house.home.container.run("cat", "/proc/net/route").splitlines()[1:]
    assert routes
    assert not [line for line in routes if line.split()[1] == "00000000"], "there is a default route"
