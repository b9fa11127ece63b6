"""Durable links against a bare QoS 1 relay: two broker passes each, the same broker, one after the other.

Each is three processes (source, relay, sink); the links commit every message at all three, with fsync.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from deploy.simulators.mosquitto import Mosquitto
from services.chassis.store import Schema, Store
from tests.bench.figures import Figure

SATURATED = 12_000
PACED = 1_500
RATE = 200.0
ROUNDS = 3
COMMITS = 500
AIM_RATIO = 0.8
AIM_P99_MS = 10.0


def run() -> list[Figure]:
    """Rounds of both in turn, so that what else the machine does meets both; medians of the rounds."""
    with tempfile.TemporaryDirectory() as folder:
        broker = Mosquitto(Path(folder) / "mosquitto")
        broker.start()
        try:
            return _figures(broker.url, Path(folder))
        finally:
            broker.stop()


def _figures(url: str, folder: Path) -> list[Figure]:
    found: dict[tuple[str, float], list[dict[str, float]]] = {}
    for round_number in range(ROUNDS):
        found.setdefault(("commits", RATE), []).append(_commits(folder / f"commits-{round_number}"))
        for rate, messages in ((0.0, SATURATED), (RATE, PACED)):
            for chain in ("bare_chain", "link_chain"):
                own = folder / f"{chain}-{rate:.0f}-{round_number}"
                found.setdefault((chain, rate), []).append(_measure(chain, url, own, messages, rate))

    def median(chain: str, rate: float, key: str) -> float:
        return statistics.median(result[key] for result in found[chain, rate])

    bare, link = median("bare_chain", 0.0, "per_second"), median("link_chain", 0.0, "per_second")
    p99 = median("link_chain", RATE, "p99_ms")
    return [
        Figure("bare relay, saturated", f"{bare:,.0f}/s"),
        Figure("two links, saturated", f"{link:,.0f}/s"),
        Figure("links / relay", f"{link / bare:.2f}", f"at least {AIM_RATIO}", link / bare >= AIM_RATIO),
        Figure("three commits alone on this disk, p50 / p99", _waits(median, "commits")),
        Figure(f"bare relay at {RATE:.0f}/s, p50 / p99", _waits(median, "bare_chain")),
        Figure(
            f"two links at {RATE:.0f}/s, p50 / p99", _waits(median, "link_chain"), "p99 under 10 ms", p99 < AIM_P99_MS
        ),
    ]


def _commits(folder: Path) -> dict[str, float]:
    """What no durable chain of three services can be faster than, here and now."""
    store = Store(folder, "commits")
    store.open(Schema("rows", ["CREATE TABLE rows (body TEXT)"]))
    waits = []
    for _ in range(COMMITS):
        time.sleep(1 / RATE)  # as in the chain: a disk answers a lone commit later than one of many
        began = time.monotonic()
        for _ in range(3):
            with store.transaction() as unit:
                unit.execute("INSERT INTO rows VALUES (?)", ("x" * 400,))
        waits.append(time.monotonic() - began)
    store.close()
    waits.sort()
    return {"p50_ms": waits[COMMITS // 2] * 1000, "p99_ms": waits[int(COMMITS * 0.99)] * 1000}


def _waits(median: object, chain: str) -> str:
    assert callable(median)
    return f"{median(chain, RATE, 'p50_ms'):.1f} / {median(chain, RATE, 'p99_ms'):.1f} ms"


def _measure(chain: str, url: str, folder: Path, messages: int, rate: float) -> dict[str, float]:
    """What the sink prints. The source comes last, when the others listen."""
    folder.mkdir()
    processes: list[subprocess.Popen[str]] = []
    try:
        for role in ("sink", "relay", "source"):
            command = [sys.executable, "-m", f"tests.bench.{chain}", role, url, str(folder), str(messages), str(rate)]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            processes.append(process)
            assert process.stdout is not None
            while process.stdout.readline().strip() not in ("ready", ""):
                pass
        sink = processes[0].stdout
        assert sink is not None
        found: dict[str, float] = json.loads(sink.readline())
        return found
    finally:
        for process in processes:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
