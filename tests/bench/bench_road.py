"""The main road on real parts: from a chat message to the first line of G-code, and from one move to the next."""

from __future__ import annotations

import itertools
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from contracts.channels import CHAT_MESSAGE
from deploy.stack import Stack
from tests.bench.figures import Figure
from tests.e2e.main_road.table import Table
from tests.harness.mqtt_probe import MqttProbe

MESSAGES = 40
MOVES = 60
UNIT_LINES = [(f"{a}{rank}", f"{b}{rank}") for rank in range(1, 9) for a, b in itertools.pairwise("abcdefgh")]
"""They do not cross, so that no line is full and every plan is alike."""


def run() -> list[Figure]:
    """Both figures on one stack."""
    with _table() as table:
        table.ready()
        table.insist(("a1", "a2"), "warm-up")
        table.wait_ended(1, 60)
        reaction = _reaction(table)
        gaps = _gaps(table)
    return [
        _figure("chat message to first G-code line", reaction, 40),
        _figure("last acknowledged line to the next move's first", gaps, 60),
    ]


@contextmanager
def _table() -> Iterator[Table]:
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder), settings={"BOARDCAST_CHAT_SOURCE": "mqtt", "BOARDCAST_COOLDOWN_USER": "0"})
        try:
            stack.start()
            probe = MqttProbe(stack.broker.url, f"{stack.root}/v1")
            probe.start()
            yield Table(stack, probe)
            probe.stop()
        finally:
            stack.stop()


def _reaction(table: Table) -> list[float]:
    """Milliseconds, one message at a time while the machine is hot and idle."""
    said: list[datetime] = []
    begun = len(table.drawn_jobs())
    for number in range(MESSAGES):
        start, end = UNIT_LINES[number]
        message: dict[str, object] = {
            "message_id": f"m{number}", "user_id": f"u{number}", "user_name": "viewer", "text": f"{start} {end}"
        }  # fmt: skip
        said.append(datetime.now())  # the serial log's clock is the local one too
        table.probe.publish(CHAT_MESSAGE.address, message)
        table.wait_ended(begun + number + 1, 30)
    jobs = table.drawn_jobs()[begun:]
    return [(job.started - at) / timedelta(milliseconds=1) for job, at in zip(jobs, said, strict=True)]


def _gaps(table: Table) -> list[float]:
    """Milliseconds between two moves of a queue that is never empty."""
    before = len(table.drawn_jobs())
    for number in range(MOVES):
        table.request(UNIT_LINES[number % 56], f"gap{number}")
    table.wait_ended(before + MOVES, 120)
    jobs = table.drawn_jobs()[before:]
    return [
        (after.started - first.finished) / timedelta(milliseconds=1)
        for first, after in itertools.pairwise(jobs)
        if first.finished is not None
    ]


def _figure(what: str, values: list[float], aim: float) -> Figure:
    median, p95 = statistics.median(values), statistics.quantiles(values, n=20)[-1]
    return Figure(what, f"{median:.0f} ms (p95 {p95:.0f})", f"< {aim:.0f} ms at the median", median < aim)
