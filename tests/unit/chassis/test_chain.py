"""Both ends must come to the same digest of the same message, whatever is in it, or a link stops for good."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel

from contracts.links import SENDER_FRAME, START_DIGEST, Data
from services.chassis.link.chain import canonical, digest
from services.chassis.link.frames import data_frame
from services.chassis.link.outbox import Row

EPOCH = "a" * 32
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


class Anything(BaseModel):
    """A body with everything that JSON has."""

    value: Any


@given(values)
@example(1e16)
@example(-0.0)
@example(5e-324)
@example(2**80)
@example({"b": 1, "a": "\u2028\x7f\U0001f600", "": "\x00"})
def test_what_the_sender_hashed_is_what_the_consumer_hashes(value: Any) -> None:
    text = canonical(json.loads(Anything(value=value).model_dump_json()))
    own = digest(START_DIGEST, EPOCH, 1, text)
    frame = SENDER_FRAME.validate_json(data_frame(EPOCH, Row(1, own, text)))
    assert isinstance(frame, Data)
    assert (frame.seq, frame.digest) == (1, own)
    assert digest(START_DIGEST, EPOCH, 1, canonical(frame.body)) == own


def test_a_digest_covers_everything_that_it_stands_for() -> None:
    base = digest(START_DIGEST, EPOCH, 1, "{}")
    others = {
        digest("1" * 32, EPOCH, 1, "{}"), digest(START_DIGEST, "b" * 32, 1, "{}"),
        digest(START_DIGEST, EPOCH, 2, "{}"), digest(START_DIGEST, EPOCH, 1, '{"a":1}'),
    }  # fmt: skip
    assert len(others | {base}) == 5
