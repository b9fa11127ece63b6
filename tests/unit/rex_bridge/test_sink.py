"""The HTTP API's side: whatever comes of a request is said once, and the next state is offered all the same."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from services.rex_bridge import sink
from services.rex_bridge.sink import Sink


@pytest.mark.parametrize(
    ("url", "token"),
    [
        ("http://localhost:9/", "a token with an ellipsis…"),
        ("http://localhost:9/", "an\nellipsis"),
        ("http://a..b/", None),
    ],
)
def test_a_request_that_cannot_even_be_made_is_said_and_ends_nothing(url: str, token: str | None) -> None:
    async def main() -> None:
        reported: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
        api = Sink("rex", url, token, lambda: None)
        for _ in range(3):
            api.offer(b"{}")
            task = api._task
            assert task is not None
            await asyncio.wait([task], timeout=20)
            assert task.done()
            assert task.exception() is None
        assert reported == []

    with capture_logs() as logged:
        asyncio.run(main())
    assert "ellipsis" not in str(logged)
    assert [line["event"] for line in logged] == ["the HTTP API does not take states; trying on with every look"]


def test_a_pause_that_meets_a_defect_does_not_end_the_states(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink, "post", lambda *_: sink.PAUSE_STATUS)

    def pause() -> None:
        raise ValueError("a defect")

    async def main() -> None:
        api = Sink("rex", "http://localhost/", None, pause)
        api.offer(b"{}")
        task = api._task
        assert task is not None
        await asyncio.wait([task], timeout=20)
        assert task.exception() is None

    with capture_logs() as logged:
        asyncio.run(main())
    assert len(logged) == 1
