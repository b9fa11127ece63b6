"""Planted changes of a schema: what breaks somebody is found and named, what breaks nobody passes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from contracts.chat import ChatState
from contracts.commands import Command
from contracts.differences import Use, breaking
from contracts.plan import PlanBody
from contracts.schemas import schema_of

ORDER = schema_of("Command", Command)
NEWS = schema_of("ChatState", ChatState)
LINK = schema_of("PlanBody", PlanBody)
Change = Callable[[Any], Any]


def _changed(schema: dict[str, Any], change: Change) -> dict[str, Any]:
    new = copy.deepcopy(schema)
    change(new)
    return new


def _run(schema: Any) -> Any:
    return schema["$defs"]["Run"]


def _field(schema: Any, name: str, kind: dict[str, Any], required: bool = False) -> None:
    schema["properties"][name] = kind
    if required:
        schema.setdefault("required", []).append(name)


_TEXT = {"type": "string"}
_OPTIONAL = {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}

BREAKS: dict[str, tuple[Use, dict[str, Any], Change, str]] = {
    "required field added to an order": (
        Use.ORDER, ORDER, lambda s: _field(s, "by", _TEXT, True), "payload.by: is new and required"),
    "optional field of an order made required": (
        Use.ORDER, ORDER, lambda s: s["required"].append("id"), "payload.id: is now required"),
    "field of an order removed": (Use.ORDER, ORDER, lambda s: s["properties"].pop("id"), "payload.id: was removed"),
    "type in an order changed": (
        Use.ORDER, ORDER, lambda s: s["properties"]["command"].update(type="integer"),
        "payload.command: type changed from string to integer"),
    "order bounded more narrowly": (
        Use.ORDER, ORDER, lambda s: s["properties"]["command"].update(maxLength=10),
        "payload.command: maxLength changed from "),
    "order no longer takes null": (
        Use.ORDER, ORDER, lambda s: s["properties"].update(id=_TEXT), "payload.id: 'null' is no longer allowed"),
    "items of an order changed": (
        Use.ORDER, ORDER, lambda s: s["properties"]["arguments"].update(items={"type": "integer"}),
        "payload.arguments[]: type changed from string to integer"),
    "required field added to news": (
        Use.NEWS, NEWS, lambda s: _field(s, "extra", _TEXT, True), "payload.extra: is new and required"),
    "field of news removed": (Use.NEWS, NEWS, lambda s: s["properties"].pop("gaps"), "payload.gaps: was removed"),
    "field of news may be missing": (
        Use.NEWS, NEWS, lambda s: s["required"].remove("connected"), "payload.connected: is no longer always there"),
    "news may be null where it was not": (
        Use.NEWS, NEWS, lambda s: s["properties"].update(source=_OPTIONAL), "payload.source: 'null' is new"),
    "news of another type": (
        Use.NEWS, NEWS, lambda s: s["properties"]["gaps"].update(type="string"), "payload.gaps: type changed"),
    "new enum value on a link": (
        Use.LINK, LINK, lambda s: s["$defs"]["ControlWord"]["enum"].append("dance"),
        "payload(control).command: value 'dance' is new"),
    "enum value removed from a link": (
        Use.LINK, LINK, lambda s: s["$defs"]["ControlWord"]["enum"].remove("stop"),
        "payload(control).command: value 'stop' was removed"),
    "required field added to a link": (
        Use.LINK, LINK, lambda s: _field(_run(s), "x", _TEXT, True), "payload(run).x: is new and required"),
    "field removed from a link": (
        Use.LINK, LINK, lambda s: _run(s)["properties"].pop("board"), "payload(run).board: was removed"),
    "pattern on a link changed": (
        Use.LINK, LINK, lambda s: _run(s)["properties"]["planner"].update(pattern="^x$"),
        "payload(run).planner: pattern changed"),
    "link bounded more widely": (
        Use.LINK, LINK, lambda s: _run(s)["properties"]["gcode"].update(maxItems=9000),
        "payload(run).gcode: maxItems changed from "),
    "bound of a link removed": (
        Use.LINK, LINK, lambda s: _run(s)["properties"]["gcode"].pop("maxItems"),
        "payload(run).gcode: maxItems changed from "),
    "kind removed from a link": (
        Use.LINK, LINK, lambda s: s["oneOf"].pop(0), "payload: 'run' is no longer allowed"),
    "kind added to a link": (
        Use.LINK, LINK, lambda s: s["oneOf"].append({"properties": {"kind": {"const": "dance"}}}),
        "payload: 'dance' is new"),
}  # fmt: skip

PASSES: dict[str, tuple[Use, dict[str, Any], Change]] = {
    "nothing": (Use.LINK, LINK, lambda s: None),
    "optional field added to an order": (Use.ORDER, ORDER, lambda s: _field(s, "by", _OPTIONAL)),
    "optional field added to news": (Use.NEWS, NEWS, lambda s: _field(s, "extra", _OPTIONAL)),
    "optional field added to a link": (Use.LINK, LINK, lambda s: _field(_run(s), "x", _OPTIONAL)),
    "order bounded more widely": (Use.ORDER, ORDER, lambda s: s["properties"]["command"].update(maxLength=80)),
    "order takes null as well": (Use.ORDER, ORDER, lambda s: s["properties"].update(command=_OPTIONAL)),
    "required field of an order made optional": (Use.ORDER, ORDER, lambda s: s["required"].remove("command")),
    "new words in a description": (Use.LINK, LINK, lambda s: _run(s).update(description="Draw it.")),
}  # fmt: skip


@pytest.mark.parametrize("planted", BREAKS)
def test_a_breaking_change_is_found_and_named(planted: str) -> None:
    use, schema, change, message = BREAKS[planted]
    found = breaking(schema, _changed(schema, change), use)
    assert any(message in line for line in found), found


@pytest.mark.parametrize("planted", PASSES)
def test_a_compatible_change_passes(planted: str) -> None:
    use, schema, change = PASSES[planted]
    assert breaking(schema, _changed(schema, change), use) == []


def test_a_new_enum_value_passes_where_readers_take_it_for_unknown() -> None:
    class Before(BaseModel):
        """A state."""

        state: str

    schema = schema_of("Before", Before)
    schema["properties"]["state"]["enum"] = ["on", "unknown"]
    new = _changed(schema, lambda s: s["properties"]["state"]["enum"].append("half"))
    assert breaking(schema, new, Use.NEWS) == []
    assert breaking(new, schema, Use.NEWS) == ["payload.state: value 'half' was removed"]
    assert breaking(schema, new, Use.LINK) != []
