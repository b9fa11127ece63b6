"""The AsyncAPI document, read by a model of AsyncAPI 3 that is not ours, and consistent in itself."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jsonschema import Draft7Validator
from pydantic import ValidationError

from contracts.asyncapi import document
from contracts.channels import CHANNELS, Kind, Party

with warnings.catch_warnings():
    # Two of its fields shadow names of pydantic's; no matter here.
    warnings.simplefilter("ignore", UserWarning)
    from asyncapi3.models.asyncapi import AsyncAPI3  # type: ignore[import-untyped]  # it ships no py.typed

DOCUMENT = document()
A_MESSAGE = "move_request", "json"


def _operation(doc: Any) -> Any:
    return next(iter(doc["operations"].values()))


def _misspell(doc: Any) -> None:
    doc["channels"]["move_request"]["adress"] = doc["channels"]["move_request"].pop("address")


PLANTED: dict[str, Callable[[Any], Any]] = {
    "action of AsyncAPI 2": lambda doc: _operation(doc).update(action="publish"),
    "misspelt key": _misspell,
    "no version": lambda doc: doc["info"].pop("version"),
    "AsyncAPI 2": lambda doc: doc.update(asyncapi="2.6.0"),
    "messages as a list": lambda doc: doc["channels"]["move_request"].update(messages=[]),
    "QoS 7": lambda doc: _operation(doc)["bindings"]["mqtt"].update(qos=7),
    "operation without a channel": lambda doc: _operation(doc).pop("channel"),
}


def test_document_is_asyncapi_3() -> None:
    read = AsyncAPI3.model_validate(DOCUMENT)
    assert read.channels is not None
    assert read.operations is not None


@pytest.mark.parametrize("planted", PLANTED)
def test_the_validator_refuses_planted_errors(planted: str) -> None:
    broken = copy.deepcopy(DOCUMENT)
    PLANTED[planted](broken)
    with pytest.raises(ValidationError):
        AsyncAPI3.model_validate(broken)


def test_every_reference_leads_somewhere() -> None:
    found = list(_references(DOCUMENT))
    assert len(found) > 100
    for reference in found:
        _follow(reference)


def test_schemas_are_valid_and_every_example_fits_its_message() -> None:
    count = 0
    for channel in DOCUMENT["channels"].values():
        for message in channel["messages"].values():
            schema = {"components": DOCUMENT["components"], **message["payload"]}
            Draft7Validator.check_schema(schema)
            for example in message["examples"]:
                Draft7Validator(schema).validate(example["payload"])
                count += 1
    assert count > 60


@pytest.mark.parametrize("name", ["link_chat", "link_plan", "link_outcome"])
def test_a_link_message_with_a_wrong_body_does_not_fit(name: str) -> None:
    message = DOCUMENT["channels"][name]["messages"]["json"]
    schema = Draft7Validator({"components": DOCUMENT["components"], **message["payload"]})
    data = next(e["payload"] for e in message["examples"] if e["payload"]["kind"] == "data")
    assert schema.is_valid(data)
    assert not schema.is_valid(data | {"body": {"kind": "nonsense"}})


def test_every_channel_and_both_its_ends_are_there() -> None:
    for channel in CHANNELS:
        said = DOCUMENT["channels"][channel.name]
        assert said["address"] == "{root}/v1/" + channel.address
        assert said["x-kind"] == channel.kind
        assert set(said["parameters"]) == {"root", *channel.parameters}
        for party in Party:
            assert (f"{party}_sends_{channel.name}" in DOCUMENT["operations"]) == (party in channel.publishers)
            assert (f"{party}_receives_{channel.name}" in DOCUMENT["operations"]) == (party in channel.readers)


def test_what_is_retained_is_sent_with_the_flag_and_commands_name_where_they_are_answered() -> None:
    for name, operation in DOCUMENT["operations"].items():
        channel = DOCUMENT["channels"][operation["channel"]["$ref"].rsplit("/", 1)[1]]
        if operation["action"] == "send":
            assert operation["bindings"]["mqtt"]["retain"] == channel["x-retained"], name
        if channel["x-kind"] in (Kind.COMMAND, Kind.REQUEST):
            answer = DOCUMENT["channels"][operation["reply"]["channel"]["$ref"].rsplit("/", 1)[1]]
            assert answer["x-kind"] == Kind.EVENT


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def _follow(reference: str) -> Any:
    found: Any = DOCUMENT
    head, *parts = reference.split("/")
    assert head == "#"
    for part in parts:
        found = found[part]
    return found
