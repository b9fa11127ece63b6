"""What is heard, written to a file that the `file` source can say again. It never stands in the way of storing."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from datetime import datetime
from pathlib import Path
from typing import IO

from contracts.chat import ChatMessage, MessageDeleted, UserCleared
from services.chassis import log
from services.chat_ingest.sources.port import Ear, Said

_log = log.get(__name__)


class Recorder:
    """An ear before another one. *names* false: ids and names are hashed with a salt that is written nowhere."""

    def __init__(self, ear: Ear, path: Path, names: bool) -> None:
        self._ear = ear
        self._path = path
        self._names = names
        self._salt = secrets.token_bytes(16)
        self._file: IO[bytes] | None = None
        self._given_up = False

    def heard(self, body: Said) -> None:
        """Pass *body* on, and write it down."""
        self._ear.heard(body)
        if self._given_up:
            return
        try:
            if self._file is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self._path.open("ab")
            self._file.write((body if self._names else self._hashed(body)).to_bytes() + b"\n")
        except OSError as error:
            self._give_up(error)

    def connected(self) -> None:
        """Pass it on."""
        self._ear.connected()

    def deaf(self, reason: str, since: datetime | None = None, *, missed: bool = True) -> None:
        """Pass it on."""
        self._ear.deaf(reason, since, missed=missed)

    def flush(self) -> None:
        """Have what was heard in the file; about once a second."""
        if self._file is not None:
            try:
                self._file.flush()
            except OSError as error:
                self._give_up(error)

    def close(self) -> None:
        """Write no more."""
        self.flush()
        self._let_go()
        self._given_up = True

    def _let_go(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):  # it tries once more to write what could not be written
                file.close()

    def _give_up(self, error: OSError) -> None:
        self._given_up = True
        self._let_go()
        _log.error("the chat is no longer recorded; check BOARDCAST_CHAT_RECORD", file=str(self._path),
                   error=str(error))  # fmt: skip

    def _hashed(self, body: Said) -> Said:
        if isinstance(body, ChatMessage):
            name = self._hash(body.user.id)
            return body.model_copy(update={"user": body.user.model_copy(update={"id": name, "name": name})})
        if isinstance(body, UserCleared | MessageDeleted) and body.user_id is not None:
            return body.model_copy(update={"user_id": self._hash(body.user_id)})
        return body

    def _hash(self, user_id: str) -> str:
        return "u" + hashlib.blake2b(user_id.encode(), key=self._salt, digest_size=6).hexdigest()
