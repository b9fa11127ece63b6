"""The broker and the plain client that tests use."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.simulators.mosquitto import Mosquitto, MosquittoMissing
from tests.harness.mqtt_probe import MqttProbe
from tests.harness.waiting import DeadlineExceeded


def test_probe_sees_what_is_published_and_knows_what_was_retained(mosquitto: Mosquitto, probe: MqttProbe) -> None:
    probe.publish("board/state", {"plate": "unknown"}, retain=True)
    seen = probe.wait("board/state", lambda message: message.json["plate"] == "unknown")
    assert not seen.retained

    late = MqttProbe(mosquitto.url, probe.root)
    late.start()
    assert late.wait("board/state").retained
    late.stop()


def test_probe_says_what_it_saw_instead(probe: MqttProbe) -> None:
    probe.publish("board/event", "not what is waited for")

    with pytest.raises(DeadlineExceeded, match="not what is waited for"):
        probe.wait("board/event", lambda message: message.text == "done", deadline_s=0.2)


def test_broker_killed_and_started_again_has_forgotten_everything(mosquitto: Mosquitto, probe: MqttProbe) -> None:
    probe.publish("board/state", "before", retain=True)
    probe.wait("board/state")
    address = mosquitto.url

    mosquitto.kill()
    mosquitto.start()
    mark = probe.mark()
    probe.wait_connected()
    probe.publish("board/event", "after")
    probe.wait("board/event")

    assert mosquitto.url == address
    assert probe.seen("board/state", since=mark) == []


def test_persistent_broker_remembers_over_an_orderly_stop(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path, persistence=True)
    broker.start()
    client = MqttProbe(broker.url, "root")
    client.start()
    client.publish("state", "kept", retain=True)
    client.stop()

    broker.stop()
    broker.start()
    client = MqttProbe(broker.url, "root")
    client.start()
    assert client.wait("state").retained
    client.stop()
    broker.stop()


def test_taken_port_is_reported_and_not_mistaken_for_the_broker(mosquitto: Mosquitto, tmp_path: Path) -> None:
    other = Mosquitto(tmp_path / "other", mosquitto.port)

    with pytest.raises(RuntimeError, match=f"port {mosquitto.port} is taken"):
        other.start()


def test_missing_broker_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_args, **_kwargs: None)

    with pytest.raises(MosquittoMissing, match="make tools"):
        Mosquitto(tmp_path).start()
