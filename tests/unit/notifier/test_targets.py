"""What a service on the net is sent: as it reads it, and to nobody twice. Nothing goes out: requests are caught."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
import requests

from services.notifier import targets
from services.notifier.notices import Notice
from services.notifier.targets import Target

# One of apprise's plugins imports it as they are all loaded.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
BOT = "tgram://123456789:abcdefghijklmnopqrstuvwxyz123456789"


class Answer:
    """What Telegram says."""

    content = b'{"ok": true, "result": {}}'
    text = content.decode()
    headers: dict[str, str] = {}  # noqa: RUF012 - as requests has it

    def __init__(self, status_code: int) -> None:
        self.status_code = status_code


@pytest.fixture
def telegram(monkeypatch: pytest.MonkeyPatch) -> Callable[[set[int]], list[dict[str, Any]]]:
    """Catches what goes there; called with the chats that fail, it returns the list of all messages."""
    sent: list[dict[str, Any]] = []
    failing: set[int] = set()

    def post(url: str, data: str, **_: object) -> Answer:
        sent.append(json.loads(data))
        return Answer(500 if sent[-1]["chat_id"] in failing else 200)

    def caught(chats: set[int]) -> list[dict[str, Any]]:
        failing.update(chats)
        return sent

    monkeypatch.setattr(requests, "post", post)
    return caught


def test_a_name_with_angle_brackets_is_text_and_no_markup_that_the_target_refuses(
    telegram: Callable[[set[int]], list[dict[str, Any]]],
) -> None:
    sent = telegram(set())
    assert Target(f"{BOT}/12345").deliver(Notice("rex: print finished", "lid<2>&box.gx"))
    assert "lid&lt;2&gt;&amp;box.gx" in sent[0]["text"]


def test_one_of_several_chats_that_fails_brings_the_others_nothing_twice(
    telegram: Callable[[set[int]], list[dict[str, Any]]],
) -> None:
    sent = telegram({2})
    target = Target(f"{BOT}/1/2", retries=(0.0, 0.0))
    assert not target._try(Notice("rex: print finished", "cube.gx"))
    assert [message["chat_id"] for message in sent if message["chat_id"] == 1] == [1]


@pytest.mark.parametrize(
    ("error", "took", "tries"),
    [(requests.ReadTimeout, 20.0, 1), (requests.ConnectTimeout, 4.0, 3), (requests.ConnectionError, 0.0, 3)],
)
def test_a_target_that_has_it_and_only_answers_late_does_not_get_it_again(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception], took: float, tries: int
) -> None:
    timeouts: list[tuple[float, float]] = []

    def post(url: str, *, timeout: tuple[float, float], **_: object) -> Answer:
        timeouts.append(timeout)
        raise error

    monkeypatch.setattr(requests, "post", post)
    monkeypatch.setattr(targets, "monotonic", lambda: len(timeouts) * took, raising=False)
    target = Target(f"{BOT}/2", retries=(0.0, 0.0))
    assert not target._try(Notice("rex: print finished", "cube.gx"))
    assert timeouts == [(4.0, 20.0)] * tries


def test_a_notice_is_delivered_by_the_thread_of_its_target_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread of apprise's own is waited for at the interpreter's end, for as long as the target hangs."""
    threads: list[threading.Thread] = []

    def post(url: str, **_: object) -> Answer:
        threads.append(threading.current_thread())
        return Answer(200)

    monkeypatch.setattr(requests, "post", post)
    assert Target(f"{BOT}/2").deliver(Notice("rex: print finished", "cube.gx"))
    assert threads == [threading.current_thread()]


def test_a_single_chat_that_fails_is_tried_again(telegram: Callable[[set[int]], list[dict[str, Any]]]) -> None:
    sent = telegram({2})
    target = Target(f"{BOT}/2", retries=(0.0, 0.0))
    assert not target._try(Notice("rex: print finished", "cube.gx"))
    assert len(sent) == 3
