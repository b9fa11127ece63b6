"""What a change of a JSON Schema breaks, as plain functions on schemas.

Two directions. What others send to a service must still be accepted; what a service sends must still be understood by
a reader that has not been updated. A link's two ends may be of different versions either way round, and what waits in
an outbox is older than both, so nothing about a link may change but by optional additions.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any

JsonSchema = dict[str, Any]


class Use(Enum):
    """Which way a payload goes."""

    ORDER = "order"
    """Sent to a service by people and programs that are not updated with it."""
    NEWS = "news"
    """Published for readers, who take unknown enum values for ``unknown`` and ignore unknown keys."""
    LINK = "link"
    """Between two services, stored on the way."""


def breaking(old: JsonSchema, new: JsonSchema, use: Use) -> list[str]:
    """Each change from *old* to *new* that breaks somebody, with where it is; empty when nothing does."""
    return sorted(_Comparison(old, new, use).compare(old, new, "payload"))


class _Comparison:
    """Two schemas side by side, with the parts that they refer to."""

    def __init__(self, old: JsonSchema, new: JsonSchema, use: Use) -> None:
        self._old_parts = old.get("$defs", {})
        self._new_parts = new.get("$defs", {})
        self._use = use

    def compare(self, old: JsonSchema, new: JsonSchema, where: str) -> Iterator[str]:
        old, new = _resolve(old, self._old_parts), _resolve(new, self._new_parts)
        old_ways, new_ways = _alternatives(old), _alternatives(new)
        if old_ways or new_ways:
            yield from self._ways(old_ways or [old], new_ways or [new], where)
            return
        yield from self._kind(old, new, where)
        yield from self._values(old, new, where)
        yield from self._bounds(old, new, where)
        yield from self._fields(old, new, where)
        if isinstance(old.get("items"), dict) and isinstance(new.get("items"), dict):
            yield from self.compare(old["items"], new["items"], f"{where}[]")

    def _ways(self, old: list[JsonSchema], new: list[JsonSchema], where: str) -> Iterator[str]:
        """Alternatives, told apart by their constant ``kind`` or else by their type."""
        before = {_label(_resolve(way, self._old_parts)): way for way in old}
        after = {_label(_resolve(way, self._new_parts)): way for way in new}
        for label in before.keys() - after.keys():
            # A reader of a state that is never null again still understands it.
            if self._use is not Use.NEWS or label != "null":
                yield f"{where}: '{label}' is no longer allowed"
        for label in after.keys() - before.keys():
            if self._use is not Use.ORDER:
                yield f"{where}: '{label}' is new, and a reader of the old version does not know it"
        for label in before.keys() & after.keys():
            yield from self.compare(before[label], after[label], where if label == "null" else f"{where}({label})")

    def _kind(self, old: JsonSchema, new: JsonSchema, where: str) -> Iterator[str]:
        if old.get("type") == new.get("type"):
            return
        # Every integer is a number: who sends integers may go on.
        if self._use is Use.ORDER and (old.get("type"), new.get("type")) == ("integer", "number"):
            return
        yield f"{where}: type changed from {old.get('type')} to {new.get('type')}"

    def _values(self, old: JsonSchema, new: JsonSchema, where: str) -> Iterator[str]:
        before, after = _enumerated(old), _enumerated(new)
        if before is None and after is None:
            return
        if before is None or after is None:
            yield f"{where}: a list of values {'appeared' if before is None else 'went'}"
            return
        for value in sorted(before - after):
            yield f"{where}: value '{value}' was removed"
        # Readers of news map what they do not know to `unknown`; on a link that would be a command that is not obeyed.
        for value in sorted(after - before) if self._use is Use.LINK else ():
            yield f"{where}: value '{value}' is new, and the link's other end may be of the old version"

    def _bounds(self, old: JsonSchema, new: JsonSchema, where: str) -> Iterator[str]:
        for key in ("pattern", "format", "const"):
            if old.get(key) != new.get(key):
                yield f"{where}: {key} changed from {old.get(key)!r} to {new.get(key)!r}"
        for key, tighter in _BOUNDS.items():
            before, after = old.get(key), new.get(key)
            if before == after:
                continue
            narrowed = before is None or (after is not None and (after - before) * tighter > 0)
            # Who publishes may bind itself more, and who takes orders may take more; a link is checked at both ends.
            if self._use is Use.LINK or self._use is (Use.ORDER if narrowed else None):
                yield f"{where}: {key} changed from {before} to {after}"

    def _fields(self, old: JsonSchema, new: JsonSchema, where: str) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        needed, needed_now = set(old.get("required", ())), set(new.get("required", ()))
        for name in before.keys() - after.keys():
            yield f"{where}.{name}: was removed"
        for name in (needed_now - needed) & after.keys():
            yield f"{where}.{name}: is now required" if name in before else f"{where}.{name}: is new and required"
        for name in (needed - needed_now) & after.keys() if self._use is not Use.ORDER else ():
            yield f"{where}.{name}: is no longer always there"
        for name in before.keys() & after.keys():
            yield from self.compare(before[name], after[name], f"{where}.{name}")
        if old.get("additionalProperties") is not False and new.get("additionalProperties") is False:
            yield f"{where}: unknown keys are now refused"


_BOUNDS = {
    "minimum": 1, "exclusiveMinimum": 1, "minLength": 1, "minItems": 1,
    "maximum": -1, "exclusiveMaximum": -1, "maxLength": -1, "maxItems": -1,
}  # fmt: skip
"""1 where a higher bound allows less, -1 where a lower one does."""


def _resolve(schema: JsonSchema, parts: dict[str, JsonSchema]) -> JsonSchema:
    while "$ref" in schema:
        schema = parts[schema["$ref"].rsplit("/", 1)[1]]
    return schema


def _alternatives(schema: JsonSchema) -> list[JsonSchema]:
    ways: list[JsonSchema] = schema.get("anyOf") or schema.get("oneOf") or []
    return ways


def _label(schema: JsonSchema) -> str:
    kind = schema.get("properties", {}).get("kind", {}).get("const")
    return str(kind or schema.get("type", "anything"))


def _enumerated(schema: JsonSchema) -> set[str] | None:
    return {str(value) for value in schema["enum"]} if "enum" in schema else None
