"""Commands: one word and its arguments, as text (``arm 2``) or as JSON with an optional id, and their one answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import Field, ValidationError

from contracts.base import Order
from contracts.text import EchoId, echo_of, printable

MAX_COMMAND_BYTES = 4096


class Command(Order):
    """JSON form of a command. Text is the same words: ``resolve drawn 7-42``."""

    command: str = Field(min_length=1, max_length=40)
    arguments: tuple[str, ...] = Field(default=(), max_length=8)
    id: EchoId | None = Field(default=None, description="Echoed in the answer.")


@dataclass(frozen=True)
class Verb:
    """A word that a command topic knows, with the number of arguments it takes."""

    usage: str
    meaning: str
    least: int = 0
    most: int = 0


Verbs = Mapping[str, Verb]


class BadCommand(ValueError):
    """A command that cannot be obeyed; ``args[0]`` is the reason for its sender."""

    def __init__(self, reason: str, word: str | None = None, command_id: str | None = None) -> None:
        super().__init__(reason)
        self.word = word
        self.command_id = command_id


def parse_command(payload: bytes, verbs: Verbs, *, retained: bool = False) -> Command:
    """The command in *payload*, known to *verbs* and with as many arguments as its verb takes.

    Raises BadCommand with a reason that says what would have been understood; and for every *retained* one, because
    the broker hands it over at every start: a retained pause would fire for ever.
    """
    command = _decode(payload)
    word = command.command.lower()
    verb = verbs.get(word)
    if retained:
        # A word that is none here is a stranger's text, which no answer repeats as it stands.
        named = None if verb is None else word
        raise BadCommand("a retained command is ignored: publish it without retain", named, command.id)
    if verb is None:
        known = ", ".join(v.usage for v in verbs.values())
        shown = printable(word.encode(), 40)
        raise BadCommand(f"'{shown}' is not a command here; known: {known}", None, command.id)
    if not verb.least <= len(command.arguments) <= verb.most:
        raise BadCommand(f"wrong number of arguments; usage: {verb.usage}", word, command.id)
    return command if word == command.command else command.model_copy(update={"command": word})


def _decode(payload: bytes) -> Command:
    if len(payload) > MAX_COMMAND_BYTES:
        raise BadCommand(f"a command has at most {MAX_COMMAND_BYTES} bytes, this one {len(payload)}")
    try:
        text = payload.decode().strip()
    except UnicodeDecodeError as error:
        raise BadCommand("a command is UTF-8 text or JSON") from error
    if not text:
        raise BadCommand("an empty payload is no command")
    if text[0] not in '{["':
        word, *arguments = text.split()
        if len(arguments) > 8 or len(word) > 40:
            raise BadCommand("a command is one word and at most 8 arguments")
        return Command(command=word, arguments=tuple(arguments))
    try:
        return Command.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the payload"
        raise BadCommand(
            f"not understood: {printable(where.encode(), 60)}: {first['msg']}"[:400], None, echo_of(text, "id")
        ) from error
