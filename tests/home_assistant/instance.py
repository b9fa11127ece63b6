"""One Home Assistant from an empty folder to a user with a token and a connection to the broker."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

from deploy.simulators.waiting import wait_until
from tests.home_assistant.client import Client
from tests.home_assistant.container import Container, Network, ensure_image

REPOSITORY = Path(__file__).resolve().parents[2]
OFFERED = REPOSITORY / "deploy" / "home-assistant"
USER, PASSWORD = "keeper", "keeper-of-the-board"
PORT = 8123
READY_WITHIN = 60
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_LINE = re.compile(r"^\d{4}-\d\d-\d\d [\d:.]+ (\w+) ")
_BAD = ("WARNING", "ERROR", "FATAL", "CRITICAL")
_OWN = ("Skipping pip installation", "zlib_ng and isal are not available")

CONFIGURATION = """
homeassistant:
  name: Home
  latitude: 52.0
  longitude: 5.0
  elevation: 0
  unit_system: metric
  time_zone: UTC
  country: NL
frontend:
history:
logbook:
recorder:
  commit_interval: 0
logger:
  default: warning
automation: !include automations.yaml
script: !include scripts.yaml
lovelace:
  dashboards:
    boardcast-board:
      mode: yaml
      title: Boardcast
      icon: mdi:chess-pawn
      show_in_sidebar: true
      filename: dashboard.yaml
"""
# Both blueprints as a person would use them; the script stands for a phone, and shows what it was sent.
AUTOMATIONS = """
- id: tell
  alias: Tell
  use_blueprint:
    path: boardcast/notify.yaml
    input:
      prints: [event.boardcast_ender_print, event.boardcast_rex_print]
      tell: script.phone
- id: disarm
  alias: Disarm
  use_blueprint:
    path: boardcast/disarm.yaml
    input:
      people: [device_tracker.ann, device_tracker.bob]
      after: {milliseconds: 200}
"""
SCRIPTS = """
phone:
  mode: queued
  sequence:
    - action: persistent_notification.create
      data:
        title: "{{ title }}"
        message: "{{ message }}{% for a in (data | default({})).get('actions', []) %} [{{ a.action }}]{% endfor %}"
"""
# Marked as done although nobody did them: they would ask the internet.
ONBOARDING = {
    "version": 4,
    "minor_version": 1,
    "key": "onboarding",
    "data": {"done": ["core_config", "analytics", "integration"]},
}


class HomeAssistant:
    """A real one. Its folder has what ``deploy/home-assistant`` offers, as a person would have copied it."""

    def __init__(self, engine: Any, network: Network, folder: Path) -> None:
        self.folder = folder
        self._network = network
        self._engine = engine
        self._container: Container | None = None
        self.client = Client("")

    def start(self, broker: str, port: int, *, lines: str = "") -> None:
        """From nothing to a connected instance; *lines* are added to its configuration."""
        self._write_folder(lines)
        self._container = Container(self._engine, ensure_image(self._engine), self._network, self.folder)
        self._up()
        self.client.onboard(USER, PASSWORD)
        self._connect_to(broker, port)

    def restart(self) -> None:
        """An orderly stop and a start; returns when it says that it runs."""
        self.stop()
        self.resume()

    def stop(self) -> None:
        """End it; its folder stays."""
        self.container.stop()

    def resume(self) -> None:
        """Start it again after :meth:`stop`."""
        self._up()
        wait_until(self._running, READY_WITHIN, lambda: f"Home Assistant to run\n{self.container.log()[-3000:]}")

    def remove(self) -> None:
        """End it for good."""
        if self._container is not None:
            self._container.remove()

    @property
    def container(self) -> Container:
        """The container. Raises RuntimeError before the start."""
        if self._container is None:
            raise RuntimeError("Home Assistant was never started")
        return self._container

    def complaints(self) -> list[str]:
        """Every warning and error that it has logged, but for those that the container itself is the reason of."""
        return [
            record
            for record in self.log_records()
            if (found := _LINE.match(record)) and found[1] in _BAD and not any(words in record for words in _OWN)
        ]

    def log_records(self) -> list[str]:
        """Its log without colours, each traceback with the line that it belongs to."""
        records: list[str] = []
        for line in _COLOURS.sub("", self.container.log()).splitlines():
            if _LINE.match(line) or not records:
                records.append(line)
            else:
                records[-1] += f"\n{line}"
        return records

    def _up(self) -> None:
        self.container.start()
        self.client.url = f"http://{self.container.address}:{PORT}"  # a restart may have changed it
        wait_until(
            self.client.reachable,
            READY_WITHIN,
            lambda: f"Home Assistant to answer\n{self.container.log()[-3000:]}",
        )

    def _running(self) -> bool:
        try:
            return bool(self.client.get("config")["state"] == "RUNNING")
        except (OSError, RuntimeError):
            return False

    def _connect_to(self, broker: str, port: int) -> None:
        flow = self.client.post("config/config_entries/flow", handler="mqtt")
        done = self.client.post(f"config/config_entries/flow/{flow['flow_id']}", broker=broker, port=port)
        if done["type"] != "create_entry":
            raise RuntimeError(f"Home Assistant does not take the broker: {done}")

    def _write_folder(self, lines: str) -> None:
        storage = self.folder / ".storage"
        storage.mkdir(parents=True)
        (self.folder / "configuration.yaml").write_text(CONFIGURATION + lines)
        (self.folder / "automations.yaml").write_text(AUTOMATIONS)
        (self.folder / "scripts.yaml").write_text(SCRIPTS)
        shutil.copy(OFFERED / "dashboard.yaml", self.folder)
        (storage / "onboarding").write_text(json.dumps(ONBOARDING))
        shutil.copytree(OFFERED / "blueprints", self.folder / "blueprints" / "automation" / "boardcast")
