"""The three bases of every payload: what is read leniently, what is refused strictly, and enums that may grow."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict


class Payload(BaseModel):
    """A message that services publish for others: immutable, and newer keys are ignored by older readers."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    def to_bytes(self) -> bytes:
        """The payload as it stands on the wire: UTF-8 JSON with every key present, null where unknown."""
        return self.model_dump_json(by_alias=True).encode()


class Order(BaseModel):
    """A message that asks for something: an unknown key is refused, since a typo must not be obeyed by halves."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class OpenEnum(StrEnum):
    """An enum that may gain values in a later version: a value that this reader does not know becomes ``unknown``.

    Every subclass names a member ``UNKNOWN``.
    """

    @classmethod
    def _missing_(cls, value: object) -> Any:
        return cls.__members__["UNKNOWN"] if isinstance(value, str) else None
