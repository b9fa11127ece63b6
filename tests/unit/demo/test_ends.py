"""However the demo ends, nothing that it started goes on without it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.demo import __main__ as demo
from deploy.stack import Stack


class Part:
    """Something that was started."""

    def __init__(self, name: str, ended: list[str], fails: bool = False) -> None:
        self.name, self.ended, self.fails = name, ended, fails

    def stop(self) -> None:
        self.ended.append(self.name)
        if self.fails:
            raise RuntimeError(f"{self.name} did not end in time")

    terminate = stop


class Interrupted:
    """A stack whose start takes longer than the patience of whoever waits for it."""

    folder = Path("nowhere")

    def __init__(self, how: signal.Signals | Exception) -> None:
        self.how = how
        self.stopped = 0

    def start(self) -> None:
        if isinstance(self.how, Exception):
            raise self.how
        signal.raise_signal(self.how)

    def stop(self) -> None:
        self.stopped += 1


@pytest.fixture(autouse=True)
def _signals(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("services.chassis.log.configure", lambda *_: None)
    before = {signum: signal.getsignal(signum) for signum in (signal.SIGTERM, signal.SIGINT)}
    signal.signal(signal.SIGTERM, lambda *_: pytest.fail("nobody listens"))
    yield
    for signum, handler in before.items():
        signal.signal(signum, handler)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, RuntimeError("a service ended at once")])
def test_an_end_while_it_starts_leaves_nothing_running(how: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = Interrupted(how)
    monkeypatch.setattr(demo, "make_stack", lambda _: stack)
    assert demo.main() == (1 if isinstance(how, Exception) else 0)
    assert stack.stopped == 1


def test_a_service_that_does_not_end_keeps_nothing_else_running(tmp_path: Path) -> None:
    ended: list[str] = []
    parts: dict[str, Any] = {name: Part(name, ended) for name in ("broker", "octoprint", "rex")}
    stack = Stack(tmp_path, **parts)
    services: dict[str, Any] = {name: Part(name, ended, fails=name == "planner") for name in ("planner", "octo_bridge")}
    stack.services = services
    with pytest.raises(RuntimeError, match="planner did not end in time"):
        stack.stop()
    assert ended == ["planner", "octo_bridge", "rex", "octoprint", "broker"]
