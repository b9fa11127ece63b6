"""One credential for each party, made once and kept."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from pathlib import Path

from contracts.channels import Party
from deploy.init.places import Places, write

ITERATIONS = 101
"""Mosquitto's own number; these passwords are random, so that guessing is not made easier by few of them."""


class Damaged(RuntimeError):
    """The file of credentials cannot be read."""


def ensure(places: Places) -> dict[str, str]:
    """User names and passwords, the missing ones made now. Raises Damaged."""
    path = places.credentials
    known: dict[str, str] = {}
    if path.exists():
        try:
            known = read(path)
        except Damaged as error:
            raise Damaged(f"{error}; remove the volume 'credentials' to make all anew") from error
    wanted = {party.value: known.get(party.value) or secrets.token_hex(16) for party in Party}
    write(path, json.dumps(wanted, indent=1) + "\n", places.service_owner)
    return wanted


def read(path: Path) -> dict[str, str]:
    """User names and passwords in the file *path*. Raises Damaged."""
    try:
        return {str(user): str(password) for user, password in json.loads(path.read_text("utf-8")).items()}
    except (ValueError, AttributeError) as error:
        raise Damaged(f"{path} is damaged: {error}") from error


def password_file(credentials: Mapping[str, str]) -> str:
    """The text of Mosquitto's password file."""
    return "".join(f"{user}:{hashed(user, password)}\n" for user, password in sorted(credentials.items()))


def hashed(user: str, password: str) -> str:
    """A password as `mosquitto_passwd` writes it: PBKDF2-HMAC-SHA512, https://mosquitto.org/man/mosquitto_passwd-1.html.

    The salt follows from the random password, so that the same credentials always give the same file.
    """
    salt = hashlib.sha256(f"{user}:{password}".encode()).digest()[:12]
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
    return f"$7${ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}"
