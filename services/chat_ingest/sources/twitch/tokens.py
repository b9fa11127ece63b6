"""The login at Twitch, in a file that is whole at every moment and that nobody else may read.

A public client's refresh token is good for one refresh. The new one is therefore on the disk before anything else is
done with it, and a process that dies at any moment leaves the old file or the new one.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

NAME = "twitch-token.json"


@dataclass(frozen=True)
class Token:
    """A user's access token, and what renews it; *refresh* is empty for a token that was given ready."""

    access: str
    refresh: str
    user_id: str = ""
    login: str = ""

    def __repr__(self) -> str:
        return f"Token(login={self.login!r})"  # never in a log


class BadTokenFile(ValueError):
    """The file is there and cannot be used; the text says which and why."""


class TokenFile:
    """The token in a service's data folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._unwritten: Token | None = None
        self._in_its_place: int | None = None

    def load(self) -> Token | None:
        """The token that was saved last, None if there was none. Raises BadTokenFile."""
        if self._unwritten is not None and self.changed_at() == self._in_its_place:
            return self._unwritten  # what is on the disk is void
        try:
            token = Token(**json.loads(self.path.read_text(encoding="utf-8")))
            if not token.access or not all(_goes_into_a_header(text) for text in (token.access, token.refresh)):
                raise ValueError
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise BadTokenFile(f"{self.path} cannot be used ({type(error).__name__})") from error
        return token

    def save(self, token: Token) -> None:
        """Replace the file at once; on the disk when this returns. Raises OSError; load() knows it all the same."""
        self._unwritten, self._in_its_place = token, self.changed_at()
        self._write(token)
        self._unwritten = None

    def save_again(self) -> None:
        """Write what could not be written, unless somebody has logged in meanwhile. Raises OSError."""
        if self._unwritten is None:
            return
        if self.changed_at() == self._in_its_place:
            self._write(self._unwritten)
        self._unwritten = None

    def _write(self, token: Token) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_suffix(f".{os.getpid()}.tmp")
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(token), file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def changed_at(self) -> int | None:
        """A number that changes whenever the file does, None while there is none."""
        try:
            return self.path.stat().st_mtime_ns
        except OSError:
            return None


def _goes_into_a_header(text: object) -> bool:
    return isinstance(text, str) and text.isascii() and text.isprintable()
