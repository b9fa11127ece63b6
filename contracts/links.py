"""The frames of a durable link: what its two ends say to each other on the link's topic and its receipt topic.

Sender → consumer (``link/<name>``): ``hello``, ``data``, ``batch``, ``lost``.
Consumer → sender (``link/<name>/receipt``): ``position``, ``receipt``.

A digest is chained: each one covers its predecessor, so that two histories that differ anywhere differ ever after.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, TypeAdapter

from contracts.base import Payload

Epoch = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Sequence = Annotated[int, Field(ge=0, lt=2**53)]
START_DIGEST = "0" * 32
"""The digest before the first message of an epoch."""


class Hello(Payload):
    """The sender introduces its history: it still holds the messages first … next-1 of this epoch."""

    kind: Literal["hello"] = "hello"
    epoch: Epoch
    first: Sequence = Field(description="Oldest sequence number still held; equals next when nothing is held.")
    next: Sequence = Field(description="Sequence number that the next new message will get; the first is 1.")
    before: Digest = Field(description="Digest of message first-1, from which a consumer may go on.")


class Data(Payload):
    """One message of the link."""

    kind: Literal["data"] = "data"
    epoch: Epoch
    seq: Sequence
    digest: Digest
    body: dict[str, Any]


class Batch(Payload):
    """Several messages that were waiting together, in order: what a message costs is mostly its own MQTT packet."""

    kind: Literal["batch"] = "batch"
    frames: tuple[Data, ...] = Field(min_length=1, max_length=100)


class Lost(Payload):
    """The sender can never deliver these messages again; the consumer goes on behind them and says so aloud."""

    kind: Literal["lost"] = "lost"
    epoch: Epoch
    first: Sequence
    last: Sequence
    digest: Digest = Field(description="Digest of message last, from which the chain goes on.")


class Position(Payload):
    """The consumer says where it stands in an epoch; 0 and the start digest when it knows nothing of it."""

    kind: Literal["position"] = "position"
    epoch: Epoch | None = Field(description="None asks the sender for its hello.")
    last: Sequence
    digest: Digest


class Receipt(Payload):
    """Everything up to and including *upto* is committed at the consumer."""

    kind: Literal["receipt"] = "receipt"
    epoch: Epoch
    upto: Sequence
    digest: Digest
    gap: bool = Field(default=False, description="Something after upto went missing: send again from there.")


SenderFrame = Annotated[Hello | Data | Batch | Lost, Field(discriminator="kind", title="SenderFrame")]
ConsumerFrame = Annotated[Position | Receipt, Field(discriminator="kind", title="ConsumerFrame")]
SENDER_FRAME: TypeAdapter[Hello | Data | Batch | Lost] = TypeAdapter(SenderFrame)
CONSUMER_FRAME: TypeAdapter[Position | Receipt] = TypeAdapter(ConsumerFrame)
