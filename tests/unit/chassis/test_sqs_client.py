"""Whatever stands between a service and SQS may answer in its place: every answer is an answer or an SqsError."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from services.chassis.bus.sqs.client import Client, Denied, Entry, QueueMissing, Received, SqsError

URL = "https://sqs.example/1/q.fifo"
ENTRIES = [Entry("a", "stream", "1"), Entry("b", "stream", "2")]


class Raw:
    """What botocore reads a body from."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self._body


class Answering:
    """Every call gets this answer, without a socket."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.status, self.headers, self.body = 200, dict[str, str](), b""
        client._sqs.meta.events.register("before-send.sqs.*", self._answer)

    def _answer(self, request: Any, **_: Any) -> AWSResponse:
        return AWSResponse(request.url, self.status, self.headers, Raw(self.body))

    def __call__(self, body: bytes, status: int = 200, **headers: str) -> Client:
        self.body, self.status, self.headers = body, status, headers
        return self.client


@pytest.fixture(scope="module")
def answering() -> Iterator[Answering]:
    patch = pytest.MonkeyPatch()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        patch.setenv(name, "x")
    client = Client("eu-central-1", None, 0)
    client.open()
    yield Answering(client)
    client.close()
    patch.undo()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>Please log in</html>"),
        (200, b"[1]"),
        (200, b"{}"),
        (400, b"[]"),
        (400, b'{"__type":5}'),
        (502, b""),
    ],
)
def test_an_answer_of_somebody_else_is_an_error_of_sqs(answering: Answering, status: int, body: bytes) -> None:
    with pytest.raises(SqsError):
        answering(body, status).find("q.fifo")


def test_a_date_that_is_none_is_an_error_of_sqs(answering: Answering) -> None:
    with pytest.raises(SqsError, match="rubbish"):
        answering(b'{"QueueUrl":"u"}', date="rubbish").find("q.fifo")


def test_a_message_without_its_attributes_is_an_error_of_sqs(answering: Answering) -> None:
    with pytest.raises(SqsError, match="none of SQS's"):
        answering(b'{"Messages":[{"Body":"a","ReceiptHandle":"h"}]}').receive(URL, 10)


@pytest.mark.parametrize(
    ("code", "kind"),
    [("AccessDenied", Denied), ("AccessDeniedException", Denied), ("QueueDoesNotExist", QueueMissing),
     ("ExpiredToken", SqsError), ("InvalidClientTokenId", SqsError)],
)  # fmt: skip
def test_what_may_not_be_done_is_told_from_who_is_not_known(
    answering: Answering, code: str, kind: type[SqsError]
) -> None:
    with pytest.raises(SqsError) as caught:
        answering(json.dumps({"__type": f"com.amazonaws.sqs#{code}", "message": "No."}).encode(), 400).find("q.fifo")
    assert type(caught.value) is kind


def test_a_wrong_signature_does_not_bring_the_session_token_into_the_log(answering: Answering) -> None:
    body = json.dumps(
        {
            "__type": "com.amazonaws.sqs#SignatureDoesNotMatch",
            "message": "The request signature we calculated does not match the signature you provided.\n\nThe "
            "Canonical String for this request should have been\n'POST\n/\n\nx-amz-security-token:hunter2\n'",
        }
    )
    with pytest.raises(SqsError, match=r"SignatureDoesNotMatch.*does not match the signature you provided") as caught:
        answering(body.encode(), 403).find("q.fifo")
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_only_what_an_answer_names_was_deleted(answering: Answering) -> None:
    messages = [Received(body, "stream", 1, 0.0, "handle", body) for body in "ab"]
    body = b'{"Successful":[{"Id":"1"}],"Failed":[{"Id":"0","Code":"RequestThrottled","SenderFault":false}]}'
    assert answering(body).delete(URL, messages) == messages[1:]


def test_what_an_answer_does_not_name_was_not_taken(answering: Answering) -> None:
    assert answering(b'{"Successful":[{"Id":"1"}]}').send(URL, ENTRIES) == {0: "the answer does not name it"}
    assert set(answering(b"<html>Please log in</html>").send(URL, ENTRIES)) == {0, 1}
