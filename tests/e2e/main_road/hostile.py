"""Payloads of somebody who wants to break the stack, drawn from a seed."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable, Iterator

from contracts.links import START_DIGEST

WORDS = [
    "a1",
    "h8",
    "pause",
    "arm",
    "resolve",
    "\x00",
    "\u202e",
    "a" * 300,
    "-1",
    "1e999",
    "NaN",
    "{}",
    "%s",
    "../../etc",
]


def payloads(seed: int, count: int, epochs: list[str]) -> Iterator[bytes]:
    """*count* payloads; *epochs* are real ones, as anybody who can read the links would know them."""
    rng = random.Random(seed)
    makers: list[Callable[[random.Random, list[str]], bytes]] = [
        _noise, _not_utf8, _not_json, _wrong_types, _deep, _nul, _words, _frame, _frame, _receipt, _receipt, _body,
    ]  # fmt: skip
    for index in range(count):
        # A megabyte now and then: more of them would only test the broker's queue.
        yield b"A" * (1 << 20) if index % 400 == 399 else rng.choice(makers)(rng, epochs)


def _noise(rng: random.Random, _: list[str]) -> bytes:
    return rng.randbytes(rng.randrange(300))


def _not_utf8(rng: random.Random, _: list[str]) -> bytes:
    return b'{"command": "\xff\xfe' + rng.randbytes(5) + b'"}'


def _not_json(rng: random.Random, _: list[str]) -> bytes:
    return rng.choice([b"{", b'{"kind":', b"[1,2", b'"', b"}{", b'{"kind":"data"}}'])


def _wrong_types(rng: random.Random, _: list[str]) -> bytes:
    value: object = rng.choice([None, 1, -1, 1e308, True, [], {}, [[]], "x"])
    keys = ["command", "arguments", "id", "from", "to", "request_id", "user", "kind", "epoch", "seq", "body", "digest"]
    return json.dumps(dict.fromkeys(rng.sample(keys, 5), value)).encode()


def _deep(rng: random.Random, _: list[str]) -> bytes:
    depth = rng.choice([100, 5_000, 50_000])
    return rng.choice([b"[" * depth + b"]" * depth, b'{"body":' * depth + b"1" + b"}" * depth])


def _nul(rng: random.Random, _: list[str]) -> bytes:
    return rng.choice([b"\x00", b"a1\x00h8", b'{"from":"a1\\u0000","to":"h8"}', b"\x00" * 1000])


def _words(rng: random.Random, _: list[str]) -> bytes:
    return " ".join(rng.choices(WORDS, k=rng.randrange(1, 6))).encode()


def _epoch(rng: random.Random, epochs: list[str]) -> str:
    return rng.choice([*epochs, uuid.UUID(int=rng.getrandbits(128)).hex, "0" * 32, ""])


def _digest(rng: random.Random) -> str:
    return rng.choice([START_DIGEST, rng.randbytes(16).hex(), "f" * 32])


def _number(rng: random.Random) -> int:
    return rng.choice([0, 1, 2, 3, 10, 50, 10**6, 2**53 - 1, -1, 2**70])


def _frame(rng: random.Random, epochs: list[str]) -> bytes:
    frame: dict[str, object] = {
        "kind": rng.choice(["hello", "data", "lost", "data"]),
        "epoch": _epoch(rng, epochs), "seq": _number(rng), "digest": _digest(rng),
        "first": _number(rng), "next": _number(rng), "last": _number(rng), "before": _digest(rng),
        "body": {"kind": rng.choice(["run", "message", "ended", "control", "x"]), "command": "stop"},
    }  # fmt: skip
    return json.dumps(frame).encode()


def _receipt(rng: random.Random, epochs: list[str]) -> bytes:
    frame: dict[str, object] = {
        "kind": rng.choice(["receipt", "position"]), "epoch": _epoch(rng, epochs),
        "upto": _number(rng), "last": _number(rng), "digest": _digest(rng), "gap": rng.choice([True, False]),
    }  # fmt: skip
    return json.dumps(frame).encode()


def _body(rng: random.Random, epochs: list[str]) -> bytes:
    """A frame whose envelope would be in order if its digest were."""
    body: dict[str, object] = {
        "kind": "run", "planner": "0" * 8, "job_id": "forged-1-1-1", "move_id": "1-1", "ordinal": 1, "board": 1,
        "epoch": 0, "predecessor": None, "gcode": ["M112", "G1 X400"],
    }  # fmt: skip
    seq = rng.randrange(1, 60)
    return json.dumps(
        {"kind": "data", "epoch": _epoch(rng, epochs), "seq": seq, "digest": _digest(rng), "body": body}
    ).encode()
