"""The one file that knows boto3: the few calls of SQS that the adapter needs, and their errors as one kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

CONNECTIONS = 32
CONNECT_TIMEOUT = 3
ANSWER_TIMEOUT = 5
"""Seconds beyond the wait of a long poll."""
_MISSING = ("QueueDoesNotExist", "NonExistentQueue")
_DENIED = ("AccessDenied",)
_EXISTS = ("QueueNameExists", "QueueAlreadyExists")


class SqsError(Exception):
    """A call failed; the text says what SQS or the network said."""


class QueueMissing(SqsError):
    """There is no such queue, or this identity may not see it."""


class Denied(SqsError):
    """This identity is known and may not do it."""


@dataclass(frozen=True)
class Entry:
    """One message to be sent."""

    body: str
    stream: str
    deduplication_id: str


@dataclass(frozen=True)
class Received:
    """One message as it was received. *times*: how often so far. *sent_at*: seconds of the server's clock.

    *id* stays the same however often it is received.
    """

    body: str
    stream: str
    times: int
    sent_at: float
    handle: str = field(repr=False)
    id: str


@dataclass(frozen=True)
class Found:
    """A queue, and the time of the server's clock at which it was found."""

    url: str
    at: float


class Client:
    """SQS in one region. Every method blocks, may be called on any thread, and raises SqsError."""

    def __init__(self, region: str, endpoint: str | None, wait: int) -> None:
        self._region = region
        self._endpoint = endpoint
        self._wait = wait
        self._sqs: Any = None

    def open(self) -> None:
        """Read credentials by AWS's usual chain. No call is made."""
        config = Config(
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=self._wait + ANSWER_TIMEOUT,
            max_pool_connections=CONNECTIONS,
            # The supervisor and the links know better when to try again.
            retries={"total_max_attempts": 1, "mode": "standard"},
        )
        with _errors():
            self._sqs = boto3.session.Session().client(
                "sqs", region_name=self._region, endpoint_url=self._endpoint, config=config
            )

    def close(self) -> None:
        """Close idle connections."""
        if self._sqs is not None:
            self._sqs.close()

    def find(self, name: str) -> Found:
        """The queue called *name*. Raises QueueMissing."""
        with _errors():
            answer = self._sqs.get_queue_url(QueueName=name)
            date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
            return Found(answer["QueueUrl"], parsedate_to_datetime(date).timestamp() if date else 0.0)

    def send(self, url: str, entries: Sequence[Entry]) -> dict[int, str]:
        """Send up to ten; the places of those that were refused, each with the reason."""
        with _errors():
            answer = self._sqs.send_message_batch(
                QueueUrl=url,
                Entries=[
                    {
                        "Id": str(place),
                        "MessageBody": entry.body,
                        "MessageGroupId": entry.stream,
                        "MessageDeduplicationId": entry.deduplication_id,
                    }
                    for place, entry in enumerate(entries)
                ],
            )
            # Of what the answer does not name nobody has said that it was taken.
            named = {int(failed["Id"]): str(failed.get("Message")) for failed in answer.get("Failed", [])}
            taken = {int(sent["Id"]) for sent in answer.get("Successful", [])}
        return {n: named.get(n, "the answer does not name it") for n in range(len(entries)) if n not in taken}

    def receive(self, url: str, visibility: float) -> list[Received]:
        """Wait for up to ten messages; nobody else gets them for *visibility* seconds."""
        with _errors():
            answer = self._sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=10,
                WaitTimeSeconds=self._wait,
                VisibilityTimeout=round(visibility),
                MessageSystemAttributeNames=["MessageGroupId", "ApproximateReceiveCount", "SentTimestamp"],
            )
            return [_received(message) for message in answer.get("Messages", [])]

    def delete(self, url: str, messages: Sequence[Received]) -> list[Received]:
        """Forget *messages* for good; those that are known to be."""
        with _errors():
            answer = self._sqs.delete_message_batch(
                QueueUrl=url,
                Entries=[{"Id": str(n), "ReceiptHandle": message.handle} for n, message in enumerate(messages)],
            )
            return [messages[int(deleted["Id"])] for deleted in answer.get("Successful", [])]

    def hide(self, url: str, messages: Sequence[Received], seconds: float) -> None:
        """Nobody gets *messages* for so many seconds from now; 0 gives them back."""
        with _errors():
            answer = self._sqs.change_message_visibility_batch(
                QueueUrl=url,
                Entries=[
                    {"Id": str(n), "ReceiptHandle": message.handle, "VisibilityTimeout": round(seconds)}
                    for n, message in enumerate(messages)
                ],
            )
        if answer.get("Failed"):
            raise SqsError(f"the visibility could not be changed: {answer['Failed'][0].get('Message')}")

    def create(self, name: str, attributes: Mapping[str, str]) -> None:
        """Make the queue, or give an existing one these attributes."""
        try:
            with _errors():
                self._sqs.create_queue(QueueName=name, Attributes=dict(attributes))
        except QueueExists:
            url = self.find(name).url
            changeable = {key: value for key, value in attributes.items() if key != "FifoQueue"}
            with _errors():
                self._sqs.set_queue_attributes(QueueUrl=url, Attributes=changeable)


class QueueExists(SqsError):
    """There is a queue of that name with other attributes."""


def _received(message: Mapping[str, Any]) -> Received:
    attributes = message["Attributes"]
    return Received(
        message["Body"],
        attributes.get("MessageGroupId", ""),
        int(attributes["ApproximateReceiveCount"]),
        int(attributes["SentTimestamp"]) / 1000,
        message["ReceiptHandle"],
        message["MessageId"],
    )


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        kinds = ((_MISSING, QueueMissing), (_DENIED, Denied), (_EXISTS, QueueExists))
        kind = next((kind for words, kind in kinds if _any(words, code)), SqsError)
        # The first line alone: where a signature is wrong, the rest is the request as it should have been signed, with
        # the session token in it.
        raise kind(str(error).partition("\n")[0]) from None
    except (BotoCoreError, ResponseParserError, OSError, ValueError) as error:
        raise SqsError(f"{type(error).__name__}: {error}") from error
    except (KeyError, TypeError, AttributeError) as error:  # also out of the midst of botocore
        raise SqsError(
            f"an answer that is none of SQS's, a proxy's perhaps: {type(error).__name__}: {error}"
        ) from error


def _any(words: Sequence[str], code: str) -> bool:
    return any(word in code for word in words)
