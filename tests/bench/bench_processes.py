"""What each service costs: memory after the start, and the time from nothing to `started`."""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from deploy.simulators.mosquitto import Mosquitto
from deploy.simulators.process import ChildProcess
from deploy.simulators.waiting import wait_until
from deploy.stack import REPOSITORY
from tests.bench.figures import Figure

SERVICES = ("chat_ingest", "planner", "octo_bridge", "rex_bridge")
ENVIRONMENT = REPOSITORY / ".bench-env"
EXTRAS = "chat-ingest,planner,octo-bridge,rex-bridge"
"""Without the development tools: what they bring along is imported by some libraries if it is there."""
STARTS = 5
MOST_MB, MOST_S = 50, 1.0


def run() -> list[Figure]:
    """Two figures a service."""
    subprocess.run([REPOSITORY / "deploy/tools/make-venv", ENVIRONMENT, EXTRAS], cwd=REPOSITORY, check=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broker = Mosquitto(folder / "mosquitto")
        broker.start()
        try:
            return [figure for service in SERVICES for figure in _measure(service, folder, broker)]
        finally:
            broker.stop()


def _measure(service: str, folder: Path, broker: Mosquitto) -> list[Figure]:
    process = ChildProcess(
        service,
        [ENVIRONMENT / "bin/python", "-m", f"services.{service}"],
        folder / f"{service}.log",
        environment={
            "BOARDCAST_BUS_URL": broker.url,
            "BOARDCAST_DATA_DIR": str(folder / service),
            "BOARDCAST_CHAT_SOURCE": "simulated",
            "BOARDCAST_OCTOPRINT_URL": "http://127.0.0.1:9",
            "BOARDCAST_OCTOPRINT_API_KEY": "none",
            "BOARDCAST_REX_PRINTERS": "rex=127.0.0.1:9",
            "BOARDCAST_LOG_FORMAT": "json",
        },
        folder=REPOSITORY,
    )
    seconds, megabytes = [], []
    for _ in range(STARTS):
        before = _connections(process)
        began = time.monotonic()
        process.start()
        _wait_connected(process, before)
        seconds.append(time.monotonic() - began)
        megabytes.append(_rss_mb(process.pid))
        process.terminate()
    cold, memory = statistics.median(seconds), max(megabytes)
    return [
        Figure(f"{service}: cold start", f"{cold:.2f} s", f"< {MOST_S:.0f} s", cold < MOST_S),
        Figure(f"{service}: memory", f"{memory:.1f} MB", f"< {MOST_MB} MB", memory < MOST_MB),
    ]


def _wait_connected(process: ChildProcess, before: int) -> None:
    wait_until(lambda: _connections(process) > before, 30, process.tail, poll_s=0.005)


def _connections(process: ChildProcess) -> int:
    return process.log.read_text().count("connected to the broker") if process.log.exists() else 0


def _rss_mb(pid: int) -> float:
    """Resident set in MB of 10^6 bytes, by /proc (proc(5), VmRSS in KiB)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError(f"no VmRSS of process {pid}")
