"""The base folder that lets OctoPrint start without its wizard, its network services and a real printer."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

USER = "boardcast"
VIRTUAL = "VIRTUAL"


@dataclass(frozen=True)
class Simulation:
    """How the Virtual Printer behaves. The default is for tests: warm at once, and moves take no time.

    Why these are the means: the package's docstring.
    """

    pinned_nozzle_c: float | None = 215.0
    """The nozzle's temperature in degC, whatever its target; None lets it follow the target by 10 degC/s."""
    ambient_c: float = 60.0
    """Where the bed, and a nozzle that is not pinned, start and return to, in degC."""
    feed_percent: int = 100_000
    """Speed of moves in percent of ten times real time; 10 is real time."""
    serial_port: str = VIRTUAL
    """The port it connects to by itself; behind another one than VIRTUAL is a printer that behaves as it does."""


REAL_TIME = Simulation(pinned_nozzle_c=None, ambient_c=21.3, feed_percent=10)
"""The slowest and most faithful: heats from cold, and moves toward larger coordinates take the time that they take."""


def prepare(basedir: Path, simulation: Simulation) -> str:
    """Write the configuration into `basedir`, anew if there is one, and return the administrator's API key.

    The key is made once for each folder and kept in its file `api-key`, readable by the owner only.
    """
    basedir.mkdir(parents=True, exist_ok=True)
    key = _api_key(basedir / "api-key")
    (basedir / "config.yaml").write_text(_config(simulation))
    users = basedir / "users.yaml"
    users.touch(mode=0o600)
    users.write_text(
        "_version: 2\n"
        f"{USER}: {{active: true, apikey: {key}, groups: [admins, users], password: '', permissions: [],"
        " roles: [user, admin], settings: {}}\n"
    )
    script = basedir / "scripts" / "gcode" / "afterPrinterConnected"
    script.parent.mkdir(parents=True, exist_ok=True)
    virtual = simulation.serial_port == VIRTUAL
    script.write_text(f"M220 S{simulation.feed_percent}\nM221 S{simulation.feed_percent}\n" if virtual else "")
    return key


def _api_key(file: Path) -> str:
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_hex(16))
    return file.read_text().strip()


def _config(simulation: Simulation) -> str:
    # The Virtual Printer asks `0 in pinned` and then takes `pinned[0]`. OctoPrint turns the keys of a mapping into
    # text, so that the mapping which is meant there never matches; this list passes both.
    pinned = "null" if simulation.pinned_nozzle_c is None else f"[{simulation.pinned_nozzle_c}, 0]"
    return f"""\
server:
  firstRun: false
  onlineCheck: {{enabled: false}}
  pluginBlacklist: {{enabled: false}}
accessControl:
  # A browser on this machine needs no login; the API still needs the key.
  autologinLocal: true
  autologinAs: {USER}
  autologinHeadsupAcknowledged: true
serial:
  port: {simulation.serial_port}
  # A port that none of OctoPrint's patterns finds has to be named, with its speed, or it is not offered.
  additionalPorts: [{simulation.serial_port}]
  baudrate: 115200
  autoconnect: true
# It would start a process for each uploaded file.
gcodeAnalysis: {{runAt: never}}
plugins:
  _disabled: [achievements, announcements, backup, discovery, errortracking, file_check, firmware_check, health_check,
              pi_support, pluginmanager, softwareupdate, tracking]
  virtual_printer:
    enabled: true
    # By default it answers lines 100, 105, 110 and 115 of every job with errors.
    simulated_errors: []
    # A line that does not fit is written, and logged, in pieces.
    rxBuffer: 4096
    ambientTemperature: {simulation.ambient_c}
    pinnedExtruders: {pinned}
"""
