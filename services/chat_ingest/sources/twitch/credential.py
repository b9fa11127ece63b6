"""The login that a session works with: which token is taken, how it is renewed, and what becomes of a new one."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import twitchio

from services.chassis import log
from services.chat_ingest.sources.twitch.client import ChatClient
from services.chat_ingest.sources.twitch.id_server import REFUSED
from services.chat_ingest.sources.twitch.tokens import Token, TokenFile
from services.chat_ingest.sources.twitch.trouble import NeedsPerson

_log = log.get(__name__)

REFRESH_BEFORE = 5400
"""Seconds before its end at which a token is renewed when a session opens; twitchio does it at an hour."""
READ, WRITE, REDEEM = "user:read:chat", "user:write:chat", "channel:read:redemptions"


class Credential:
    """*given* is the ready token of the settings; without one, that of the file."""

    def __init__(self, tokens: TokenFile, given: Token | None) -> None:
        self._tokens = tokens
        self._given = given
        self._token: Token | None = None
        self._lapsed = False
        self._lapsed_file: int | None = None

    @property
    def replaced(self) -> bool:
        """Whether it cannot be renewed any more, and somebody has logged in since."""
        return self._lapsed and self._tokens.changed_at() != self._lapsed_file

    def renewed(self, token: Token) -> None:
        """It is *token* from now on, and on the disk when this returns; where that fails, it is said."""
        if self._token is not None:
            token = replace(token, user_id=self._token.user_id, login=self._token.login)
        self._token, self._lapsed = token, False
        try:
            self._tokens.save(token)
        except OSError as error:
            _log.error("the new login cannot be written; it is tried again until this process ends",
                       file=str(self._tokens.path), error=str(error))  # fmt: skip

    def save_again(self) -> None:
        """Write what could not be written."""
        with contextlib.suppress(OSError):  # said when it happened
            self._tokens.save_again()

    def lapse(self) -> None:
        """It cannot be renewed, now or later."""
        self._lapsed, self._lapsed_file = True, self._tokens.changed_at()

    async def enter(self, client: ChatClient) -> str:
        """Have *client* ask everything with this login, and return its user. Raises NeedsPerson."""
        try:
            return await self._enter_with(client, self._given or self._tokens.load())
        except NeedsPerson:
            # Who has logged in because the ready token is of no use is not asked for it again.
            stored = self._tokens.load() if self._given is not None else None
            if stored is None:
                raise
            return await self._enter_with(client, stored)

    async def _enter_with(self, client: ChatClient, token: Token | None) -> str:
        if token is None:
            raise NeedsPerson("there is no login at Twitch yet")
        self._token = token
        try:
            valid = await client.logins.validate_token(token.access)
        except twitchio.HTTPException as error:
            if error.status != 401:
                raise
            token = await self._refresh(client, token)
            valid = await client.logins.validate_token(token.access)
        if valid.expires_in <= REFRESH_BEFORE and token.refresh:
            try:
                token = await self._refresh(client, token)
                valid = await client.logins.validate_token(token.access)
            except (NeedsPerson, twitchio.HTTPException, ConnectionError) as error:
                # A process that was killed in the middle of a refresh left this, or the id server has a bad time: the
                # old token is good for a while.
                _log.error("the login at Twitch cannot be renewed; if that goes on, run login again", why=str(error),
                           lapses_in_minutes=valid.expires_in // 60)  # fmt: skip
        if READ not in valid.scopes:
            raise NeedsPerson(f"the login at Twitch does not allow {READ}")
        if not valid.user_id:
            raise NeedsPerson("the token is an application's; a user's is needed")
        await client.use(token, valid.user_id)
        return valid.user_id

    async def _refresh(self, client: ChatClient, token: Token) -> Token:
        if not token.refresh:
            raise NeedsPerson("the token that was given has lapsed")
        try:
            new = await client.logins.refresh_token(token.refresh)
        except twitchio.HTTPException as error:
            if error.status in REFUSED:
                raise NeedsPerson("the login at Twitch has lapsed or was revoked") from error
            raise
        return Token(new.access_token, new.refresh_token)
