"""JSON Schemas of the payloads, as readers may rely on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from contracts.channels import CHANNELS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
JsonSchema = dict[str, Any]


class _Plain(GenerateJsonSchema):
    """Without the titles that pydantic makes up for fields: they repeat the field's name."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def payloads() -> dict[str, Any]:
    """Every payload and link body of the table by its name, each once."""
    found: dict[str, Any] = {}
    for channel in CHANNELS:
        for kind in (channel.payload, channel.body):
            if kind is not None:
                found.setdefault(name_of(kind), kind)
    return found


def name_of(kind: Any) -> str:
    """The title of a payload: a model's or an enum's name, or the title given to a union."""
    if isinstance(kind, type):
        return kind.__name__
    return str(TypeAdapter(kind).json_schema()["title"])


def schema_of(name: str, kind: Any) -> JsonSchema:
    """A schema that stands by itself, its parts under ``$defs``."""
    schema = plain(TypeAdapter(kind).json_schema(schema_generator=_Plain))
    return {"$schema": DIALECT, "title": name, **schema}


def shared(kinds: Mapping[str, Any], ref: str) -> dict[str, JsonSchema]:
    """The schemas of all *kinds* and of their parts by name, pointing to each other by *ref*."""
    adapters = [(name, "validation", TypeAdapter(kind)) for name, kind in kinds.items()]
    tops, rest = TypeAdapter.json_schemas(adapters, ref_template=ref, schema_generator=_Plain)  # type: ignore[arg-type]  # a list of Literal["validation"] is seen as str
    parts = {name: plain(part) for name, part in rest.get("$defs", {}).items()}
    for (name, _), top in tops.items():
        if "$ref" not in top:  # a union; models stand among the parts already
            parts[name] = {"title": name} | plain(top)
    return dict(sorted(parts.items()))


def plain(schema: Any) -> Any:
    """*schema* in JSON Schema's own words alone.

    ``discriminator`` is OpenAPI's; what it says is said by the constant in every alternative, which is therefore
    required on the wire although our own models may leave it out in Python.
    """
    if isinstance(schema, list):
        return [plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    tidy = {key: plain(value) for key, value in schema.items() if key != "discriminator"}
    constants = []
    for name, value in tidy.get("properties", {}).items():
        if isinstance(value, dict) and "const" in value:
            value.pop("default", None)
            constants.append(name)
    if constants:
        required = tidy.get("required", [])
        tidy["required"] = [*(name for name in constants if name not in required), *required]
    return tidy
