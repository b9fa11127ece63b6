"""A bridge from the stack's broker to the owner's: what people and Home Assistant need, and no link of services."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from contracts.channels import CHANNELS, Party
from services.chassis.bus.address import parse_addresses
from services.chassis.bus.port import matches

_PEOPLE = (Party.OPERATOR, Party.VIEWER)


def bridge_file(
    url: str,
    username: str | None,
    password: str | None,
    root: str,
    prefix: str = "homeassistant",
    status: str = "homeassistant/status",
) -> str:
    """The text of `broker.d/bridge.conf` for the broker at *url*; *prefix* and *status* are Home Assistant's.

    Raises ValueError.
    """
    (address,) = parse_addresses(url)
    for value in (username, password):
        if value is not None and (not value.strip() or any(ord(character) < 32 for character in value)):
            raise ValueError("user name and password are one line each")
    lines = [
        "# To the owner's broker. Retained state goes out, commands and requests come in.",
        "connection owner",
        f"address {address.host}:{address.port}",
        f"remote_clientid {root.replace('/', '-')}-bridge",
        "bridge_protocol_version mqttv311",
        # The other broker would send everything again that was sent while it was away, old commands too.
        "cleansession true",
        "restart_timeout 2 10",
        "notifications false",
    ]
    if username is not None:
        lines.append(f"remote_username {username}")
    if password is not None:
        lines.append(f"remote_password {password}")
    if address.tls:
        lines.append("bridge_capath /etc/ssl/certs")
    return "\n".join([*lines, *_topics(root), *_home_assistant(prefix, status), ""])


def _topics(root: str) -> Iterator[str]:
    out = [channel.filter(root) for channel in CHANNELS if any(party in channel.readers for party in _PEOPLE)]
    into = [channel.filter(root) for channel in CHANNELS if Party.OPERATOR in channel.publishers]
    yield from (f"topic {wanted} out 1" for wanted in _widest(out))
    yield from (f"topic {wanted} in 1" for wanted in _widest(into))


def _widest(filters: Sequence[str]) -> list[str]:
    """Those that no other one covers: a broker may hand over a message once for each filter that matches it."""
    return [wanted for wanted in filters if not any(matches(wide, wanted) for wide in filters if wide != wanted)]


def _home_assistant(prefix: str, status: str) -> Iterator[str]:
    yield f"topic {prefix}/device/+/config out 1"
    yield f"topic {status} in 1"
