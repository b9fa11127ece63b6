"""Make what the broker and the services wait for. Run again, it changes nothing that is still right."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from pathlib import Path

from deploy.init import credentials
from deploy.init.access import access_list, topics_of
from deploy.init.places import SERVICES, Owner, Places, write

TLS_LISTENER = """\
listener 8883
certfile /mosquitto/generated/tls/server.crt
keyfile /mosquitto/generated/tls/server.key
"""


class BadCertificate(RuntimeError):
    """A certificate in the folder `tls` that the broker could not use."""


def prepare(places: Places, environment: Mapping[str, str]) -> dict[str, str]:
    """Everything at its place; the credentials. Raises Damaged, BadCertificate or OSError."""
    folders(places)
    known = credentials.ensure(places)
    for service in SERVICES:
        write(places.data(service) / "bus-password", known[service] + "\n", places.service_owner, 0o400)
    _broker(places, known, environment)
    return known


def folders(places: Places) -> None:
    """Make the volumes' folders, and everything in those of the services their own."""
    for folder in (places.credentials.parent, *(places.data(service) for service in SERVICES)):
        folder.mkdir(parents=True, exist_ok=True)
        places.service_owner.take(folder, 0o700)
        for path in folder.iterdir():
            # Never what a link leads to: it is the service that writes in here, and `init` is root.
            os.chown(path, places.service_owner.uid, places.service_owner.gid, follow_symlinks=False)
    places.broker.mkdir(parents=True, exist_ok=True)


def _broker(places: Places, known: Mapping[str, str], environment: Mapping[str, str]) -> None:
    owner, folder = places.broker_owner, places.broker
    rules = access_list(*topics_of(environment))
    # All that can be wrong in the owner's own files comes first: a broker that runs, or that Docker starts again, must
    # find its configuration whole.
    certificate = _certificate(places)
    parts = {path.name: path.read_text(encoding="utf-8") for path in (places.project / "broker.d").glob("*.conf")}
    owner.take(folder, 0o700)
    write(folder / "passwords", credentials.password_file(known), owner)
    write(folder / "access", rules, owner)
    if certificate:
        _write_all(folder / "tls", certificate, owner, 0o400)
        parts.setdefault("tls.conf", TLS_LISTENER)
    _write_all(folder / "conf.d", parts, owner, 0o600)


def _write_all(folder: Path, texts: Mapping[str, str], owner: Owner, mode: int) -> None:
    """*texts* by their names and nothing else in *folder*."""
    folder.mkdir(mode=0o700, exist_ok=True)
    owner.take(folder, 0o700)
    for name, text in texts.items():
        write(folder / name, text, owner, mode)
    for path in folder.iterdir():
        if path.name not in texts:
            path.unlink()


def _certificate(places: Places) -> dict[str, str]:
    """A certificate that was dropped in the folder `tls` opens the encrypted port. Raises BadCertificate."""
    source = places.project / "tls"
    certificate, key = source / "server.crt", source / "server.key"
    if not certificate.exists() and not key.exists():
        return {}
    try:
        ssl.create_default_context().load_cert_chain(certificate, key, password=lambda: b"")
        return {path.name: path.read_text(encoding="ascii") for path in (certificate, key)}
    except (OSError, ValueError) as error:
        raise BadCertificate(
            "tls/server.crt and tls/server.key are no pair that the broker could use (a certificate in PEM and its "
            f"key without a password): {error}; mend them, or remove both to go on without TLS"
        ) from error
