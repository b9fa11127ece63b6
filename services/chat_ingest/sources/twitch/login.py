"""`python -m services.chat_ingest login`: the device code flow, which needs no secret and no web server.

Twitch gives a code; a person types it in on any device; the token is stored where the service looks for it. A running
service notices the new file by itself.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

import aiohttp
import segno
import twitchio

from services.chat_ingest.settings import ChatIngestSettings
from services.chat_ingest.sources.twitch.client import ODD, point_at
from services.chat_ingest.sources.twitch.credential import READ, REDEEM, WRITE
from services.chat_ingest.sources.twitch.id_server import IdServer
from services.chat_ingest.sources.twitch.tokens import Token, TokenFile

Say = Callable[[str], None]


def log_in(settings: ChatIngestSettings, say: Say = print) -> int:
    """Exit code: 0 stored, 1 refused or not finished in time, 2 something is not set."""
    if settings.twitch_client_id is None:
        print("BOARDCAST_TWITCH_CLIENT_ID is not set; docs/twitch.md says how to get one", file=sys.stderr)
        return 2
    point_at(settings.twitch_eventsub_url, settings.twitch_api_url, settings.twitch_id_url)
    try:
        login = asyncio.run(_flow(settings, settings.twitch_client_id, say))
    except KeyboardInterrupt:
        return 1
    except TimeoutError:
        print("nobody typed the code in time; run login again for a new one", file=sys.stderr)
        return 1
    except (twitchio.HTTPException, aiohttp.ClientError, OSError, *ODD) as error:
        print(f"the login failed: {_plain(error)}", file=sys.stderr)
        return 1
    say(f"Logged in as {login}. The login is kept in {TokenFile(settings.data_dir).path}.")
    return 0


async def _flow(settings: ChatIngestSettings, client_id: str, say: Say) -> str:
    scopes = twitchio.Scopes([READ, WRITE, *([REDEEM] if settings.twitch_reward else [])])
    secret = settings.twitch_client_secret
    oauth = IdServer(client_id, secret.get_secret_value() if secret else None, scopes)
    try:
        code = await oauth.device_code_flow()
        say("To let Boardcast read and answer the chat, open this address on any device and confirm the code:\n")
        say(f"    {code['verification_uri']}\n    code {code['user_code']}\n")
        _show_qr(code["verification_uri"])
        async with asyncio.timeout(code["expires_in"]):
            found = await oauth.device_code_authorization(device_code=code["device_code"], interval=code["interval"])
        # On the disk first: this refresh token exists nowhere else.
        TokenFile(settings.data_dir).save(Token(found["access_token"], found["refresh_token"]))
        valid = await oauth.validate_token(found["access_token"])
        user, login = valid.user_id or "", valid.login or ""
        TokenFile(settings.data_dir).save(Token(found["access_token"], found["refresh_token"], user, login))
        return login
    finally:
        await oauth.close()


def _plain(error: Exception) -> str:
    """Without the request, which carries the codes."""
    # For a reason that it does not know twitchio raises a ValueError out of the answer.
    answer = error.__context__ if isinstance(error, ValueError) else error
    if isinstance(answer, twitchio.HTTPException):
        return f"Twitch answers {answer.status}: {str(answer.extra.get('message', ''))[:200]}"
    return f"{type(error).__name__}: {error}"


def _show_qr(address: str) -> None:
    if sys.stdout.isatty():
        segno.make(address, error="l").terminal(compact=True)
