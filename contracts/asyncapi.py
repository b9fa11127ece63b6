"""The table of channels as an AsyncAPI 3.0 document.

Link channels carry frames; what their ``data`` frames hold in ``body`` is part of the message's schema. What AsyncAPI
has no word for stands in ``x-`` fields: a channel's kind, whether it is retained, its parties, the verbs of a command.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel

from contracts.channels import CHANNELS, DEFAULT_ROOT, JSON, SERVICES, VERSION, Channel, Kind, Party
from contracts.examples import BODIES, EXAMPLES, TEXTS
from contracts.schemas import name_of, payloads, shared

Json = dict[str, Any]
_SCHEMAS = "#/components/schemas/"
_PARAMETERS: dict[str, Json] = {
    "root": {"default": DEFAULT_ROOT, "description": "BOARDCAST_TOPIC_ROOT: several stacks share a broker by it."},
    "service": {"enum": [party.value for party in SERVICES], "description": "The service that publishes."},
    "printer": {"default": "rex", "description": "The printer's id; `ender` is the one behind OctoPrint."},
}


def document() -> Json:
    """The whole document, the same for the same table."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Boardcast",
            "version": VERSION,
            "description": "Moves from a chat, drawn by a 3D printer. MQTT 3.1.1, QoS 1. Readers ignore unknown keys "
            "and take unknown enum values for `unknown`; commands refuse unknown keys.",
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "broker": {
                "host": "localhost:1883",
                "protocol": "mqtt",
                "protocolVersion": "3.1.1",
                "description": "BOARDCAST_BUS_URL says where it is.",
            }
        },
        "channels": {channel.name: _channel(channel) for channel in CHANNELS},
        "operations": _operations(),
        "components": {"schemas": shared(payloads(), _SCHEMAS + "{model}")},
    }


def _channel(channel: Channel) -> Json:
    names = ("root", *channel.parameters)
    found: Json = {
        "address": f"{{root}}/{VERSION}/{channel.address}",
        "title": channel.name,
        "summary": channel.meaning,
        "parameters": {name: _PARAMETERS[name] for name in names},
        "messages": _messages(channel),
        "x-kind": channel.kind.value,
        "x-retained": channel.retained,
        "x-publishers": [party.value for party in channel.publishers],
        "x-readers": [party.value for party in channel.readers],
    }
    if channel.verbs is not None:
        found["x-verbs"] = {
            name: {"usage": verb.usage, "meaning": verb.meaning} for name, verb in channel.verbs.items()
        }
    return found


def _messages(channel: Channel) -> Json:
    if channel.kind is Kind.PRESENCE:
        return {"text": _message(channel, "text/plain", _ref(channel.payload), list(EXAMPLES[channel.name]))}
    if channel.content_type != JSON:
        return {"binary": _message(channel, channel.content_type, _ref(channel.payload), list(EXAMPLES[channel.name]))}
    found = {"json": _message(channel, "application/json", _json_payload(channel), _json_examples(channel))}
    if channel.text is not None:
        text = {"type": "string", "description": f"Plain text, for example `{channel.text}`."}
        found["text"] = _message(channel, "text/plain", text, list(TEXTS[channel.name]))
    return found


def _message(channel: Channel, content_type: str, payload: Json, examples: list[Any]) -> Json:
    return {
        "name": channel.name,
        "summary": channel.meaning,
        "contentType": content_type,
        "payload": payload,
        "examples": [{"payload": example} for example in examples],
    }


def _json_payload(channel: Channel) -> Json:
    payload = _ref(channel.payload)
    if channel.body is not None:
        data = {"properties": {"kind": {"const": "data"}}, "required": ["kind"]}
        return {"allOf": [payload, {"if": data, "then": {"properties": {"body": _ref(channel.body)}}}]}
    if channel.verbs is not None:
        # Any case is understood; the schema names the words as they are documented.
        return {"allOf": [payload, {"properties": {"command": {"enum": list(channel.verbs)}}}]}
    return payload


def _json_examples(channel: Channel) -> list[Any]:
    examples = [wire(example) for example in EXAMPLES[channel.name] if isinstance(example, BaseModel)]
    frames = [example for example in examples if example.get("kind") == "data"]
    others = [
        frames[0] | {"seq": seq, "body": wire(body)}
        for seq, body in enumerate(BODIES.get(channel.name, ())[1:], start=2)
    ]
    return examples + others


def wire(example: BaseModel) -> Any:
    """*example* as a JSON value, as it stands on the wire."""
    return json.loads(example.model_dump_json(by_alias=True))


def _operations() -> Json:
    found: Json = {}
    for party in Party:
        for channel in CHANNELS:
            if party in channel.publishers:
                found[f"{party}_sends_{channel.name}"] = _operation(party, "send", channel)
            if party in channel.readers:
                found[f"{party}_receives_{channel.name}"] = _operation(party, "receive", channel)
    return found


def _operation(party: Party, action: str, channel: Channel) -> Json:
    found: Json = {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel.name}"},
        "summary": channel.meaning,
        "tags": [{"name": party.value}],
        "messages": [{"$ref": f"#/channels/{channel.name}/messages/{name}"} for name in _messages(channel)],
        "bindings": {"mqtt": {"qos": 1, "bindingVersion": "0.2.0"}},
    }
    if action == "send":
        found["bindings"]["mqtt"]["retain"] = channel.retained
    answers = _answers(channel)
    if answers is not None:
        found["reply"] = {"channel": {"$ref": f"#/channels/{answers.name}"}}
    return found


def _answers(channel: Channel) -> Channel | None:
    """Where a command or request is answered."""
    if channel.kind not in (Kind.COMMAND, Kind.REQUEST):
        return None
    address = channel.address.replace("/command", "/event").replace("/request", "/status")
    return next(other for other in CHANNELS if other.address == address)


def _ref(kind: Any) -> Json:
    return {"$ref": _SCHEMAS + name_of(kind)}
