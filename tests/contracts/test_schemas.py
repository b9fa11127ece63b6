"""The schemas are valid, say what the models say, and every example fits."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from pydantic import TypeAdapter, ValidationError

from contracts.asyncapi import wire
from contracts.base import Order
from contracts.channels import CHANNELS, Channel
from contracts.examples import BODIES, EXAMPLES
from contracts.schemas import name_of, payloads, schema_of

PAYLOADS = payloads()
SCHEMAS = {name: schema_of(name, kind) for name, kind in PAYLOADS.items()}


def _wire(value: Any) -> Any:
    return str(value) if isinstance(value, str) else wire(value)


CASES = [(name_of(c.payload), _wire(example)) for c in CHANNELS for example in EXAMPLES[c.name]] + [
    (name_of(c.body), wire(body)) for c in CHANNELS for body in BODIES.get(c.name, ())
]
UNIONS = {"SenderFrame", "ConsumerFrame", "ChatBody", "PlanBody", "OutcomeBody"}


def _fits(name: str, value: Any) -> bool:
    return Draft202012Validator(SCHEMAS[name], format_checker=FormatChecker()).is_valid(value)


@pytest.mark.parametrize("name", SCHEMAS)
def test_schema_is_valid_and_stands_by_itself(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])
    text = json.dumps(SCHEMAS[name])
    assert "discriminator" not in text
    for part in text.split('"$ref": "')[1:]:
        assert part.startswith("#/$defs/")


@pytest.mark.parametrize(("name", "value"), CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_example_fits_its_schema_and_round_trips(name: str, value: Any) -> None:
    assert _fits(name, value)
    adapter = TypeAdapter(PAYLOADS[name])
    parsed = adapter.validate_json(json.dumps(value))
    assert json.loads(adapter.dump_json(parsed, by_alias=True)) == value


@pytest.mark.parametrize("name", sorted(UNIONS))
def test_an_alternative_is_told_by_its_kind(name: str) -> None:
    """Our models may leave `kind` out in Python; on the wire nobody may."""
    for value in [value for case, value in CASES if case == name]:
        without = {key: item for key, item in value.items() if key != "kind"}
        assert not _fits(name, without)
        assert not _fits(name, value | {"kind": "nonsense"})
        with pytest.raises(ValidationError):
            TypeAdapter(PAYLOADS[name]).validate_python(without)


def test_every_alternative_of_every_union_has_an_example() -> None:
    for name in UNIONS:
        kinds = {part["properties"]["kind"]["const"] for part in SCHEMAS[name]["$defs"].values() if _has_kind(part)}
        assert kinds == {value["kind"] for case, value in CASES if case == name}


def _has_kind(part: dict[str, Any]) -> bool:
    return "const" in part.get("properties", {}).get("kind", {})


@pytest.mark.parametrize(("name", "value"), [c for c in CASES if isinstance(c[1], dict)], ids=lambda v: str(v)[:20])
def test_readers_ignore_what_they_do_not_know_and_orders_refuse_it(name: str, value: dict[str, Any]) -> None:
    kind = PAYLOADS[name]
    newer = copy.deepcopy(value) | {"invented_later": 1}
    if isinstance(kind, type) and issubclass(kind, Order):
        assert not _fits(name, newer)
        with pytest.raises(ValidationError):
            TypeAdapter(kind).validate_python(newer)
    else:
        assert _fits(name, newer)
        assert TypeAdapter(kind).validate_python(newer) == TypeAdapter(kind).validate_python(value)


def _enums(channel: Channel) -> list[Any]:
    return [channel.payload] if isinstance(channel.payload, type) else []


@pytest.mark.parametrize("kind", [k for c in CHANNELS for k in _enums(c) if not issubclass(k, Order)])
def test_an_unknown_value_of_an_enum_is_read_as_unknown(kind: Any) -> None:
    adapter = TypeAdapter(kind)
    for name, value in CASES:
        if name != kind.__name__:
            continue
        if isinstance(value, str):
            assert adapter.validate_python("invented_later") == "unknown"
            continue
        for field, known in SCHEMAS[name]["properties"].items():
            target = known.get("$ref", "").rsplit("/", 1)[-1]
            if "enum" in SCHEMAS[name].get("$defs", {}).get(target, {}):
                read = adapter.validate_python(value | {field: "invented_later"})
                assert json.loads(adapter.dump_json(read, by_alias=True))[field] == "unknown"
