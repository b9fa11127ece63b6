"""Broker addresses as an owner writes them: a comma-separated list of ``mqtt://host[:port]`` and ``mqtts://…``."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

_DEFAULT_PORT = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True)
class Address:
    """One broker to try."""

    host: str
    port: int
    tls: bool = False

    def __str__(self) -> str:
        return f"{'mqtts' if self.tls else 'mqtt'}://{self.host}:{self.port}"


def parse_addresses(text: str) -> tuple[Address, ...]:
    """The addresses in *text*, in the order in which they are tried. Raises ValueError with the part at fault."""
    if "@" in text:
        # Not a word of it: what stands before the @ is a password, which may have a comma in it.
        raise ValueError("a broker address carries credentials; set BUS_USERNAME and BUS_PASSWORD instead")
    addresses = tuple(_parse(part.strip()) for part in text.split(",") if part.strip())
    if not addresses:
        raise ValueError("no broker address; use for example mqtt://localhost:1883")
    return addresses


def _parse(part: str) -> Address:
    try:
        url = urlsplit(part)
        port = url.port
    except ValueError as error:
        raise ValueError(f"'{part}' is no broker address: {error}") from error
    if url.scheme not in _DEFAULT_PORT or not url.hostname:
        raise ValueError(f"'{part}' is no broker address; use mqtt://host[:port] or mqtts://host[:port]")
    if url.path not in ("", "/") or url.query or url.fragment:
        raise ValueError(f"'{part}' has something behind the port")
    return Address(url.hostname, port or _DEFAULT_PORT[url.scheme], url.scheme == "mqtts")
