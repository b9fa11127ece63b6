"""What the init container makes, and that it makes it once."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
from pathlib import Path

import pytest

from contracts.channels import Party
from deploy.init import credentials
from deploy.init.credentials import Damaged
from deploy.init.places import SERVICES, Places
from deploy.init.prepare import BadCertificate, prepare


def files(places: Places) -> dict[str, tuple[bytes, int, int]]:
    """Content, mode and time of everything in the volumes."""
    return {
        str(path.relative_to(places.volumes)): (path.read_bytes(), path.stat().st_mode & 0o777, path.stat().st_mtime_ns)
        for path in places.volumes.rglob("*")
        if path.is_file()
    }


def test_everything_is_there_and_private(places: Places) -> None:
    known = prepare(places, {})
    assert set(known) == {party.value for party in Party}
    assert len(set(known.values())) == len(known)
    for service in SERVICES:
        assert (places.data(service) / "bus-password").read_text() == known[service] + "\n"
    assert all(mode & 0o077 == 0 for _, mode, _ in files(places).values())


def test_a_second_time_nothing_changes(places: Places) -> None:
    known = prepare(places, {})
    before = files(places)
    assert prepare(places, {}) == known
    assert files(places) == before


def test_a_power_loss_leaves_what_it_made(places: Places, power_loss: None) -> None:
    known = prepare(places, {})
    before = files(places)
    assert prepare(places, {}) == known
    assert files(places) == before


def test_what_was_damaged_and_can_be_made_again_is(places: Places) -> None:
    prepare(places, {})
    before = {name: content for name, (content, _, _) in files(places).items()}
    for path in (places.data("planner") / "bus-password", places.broker / "passwords", places.broker / "access"):
        path.chmod(0o600)
        path.write_bytes(b"\xff\xfe")
    prepare(places, {})
    assert {name: content for name, (content, _, _) in files(places).items()} == before


def test_a_new_party_gets_a_password_and_the_others_keep_theirs(places: Places) -> None:
    known = prepare(places, {})
    places.credentials.write_text(json.dumps({"planner": known["planner"]}))
    again = prepare(places, {})
    assert again["planner"] == known["planner"]
    assert again["octo_bridge"] != known["octo_bridge"]


def test_damaged_credentials_are_not_replaced(places: Places) -> None:
    prepare(places, {})
    places.credentials.write_text("{")
    with pytest.raises(Damaged, match="remove the volume"):
        prepare(places, {})


def test_a_hash_is_mosquittos() -> None:
    """`$7$iterations$salt$key`: what `mosquitto_passwd` of version 2 writes and reads."""
    _, kind, iterations, salt, key = credentials.hashed("ada", "secret").split("$")
    assert kind == "7"
    expected = hashlib.pbkdf2_hmac("sha512", b"secret", base64.b64decode(salt), int(iterations))
    assert base64.b64decode(key) == expected
    assert len(base64.b64decode(salt)) == 12
    assert credentials.hashed("ada", "secret") != credentials.hashed("bob", "secret")


def test_a_certificate_opens_the_port_and_its_absence_closes_it(places: Places) -> None:
    tls = places.project / "tls"
    tls.mkdir()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-subj", "/CN=x", "-keyout", tls / "server.key", "-out", tls / "server.crt"], check=True, capture_output=True,
    )  # fmt: skip
    prepare(places, {})
    listener = places.broker / "conf.d" / "tls.conf"
    assert "listener 8883" in listener.read_text()
    before = files(places)
    (tls / "server.key").write_text("another")
    with pytest.raises(BadCertificate, match="are no pair"):
        prepare(places, {})
    assert files(places) == before
    for path in tls.iterdir():
        path.unlink()
    prepare(places, {})
    assert not listener.exists()


def test_what_lies_in_broker_d_reaches_the_broker_and_leaves_with_it(places: Places, tmp_path: Path) -> None:
    folder = places.project / "broker.d"
    folder.mkdir()
    (folder / "bridge.conf").write_text("connection x\n")
    (folder / "notes.txt").write_text("not for the broker")
    prepare(places, {})
    assert [path.name for path in (places.broker / "conf.d").iterdir()] == ["bridge.conf"]
    before = files(places)
    (folder / "more.conf").write_bytes(b"# B\xfchne\n")
    with pytest.raises(UnicodeDecodeError):
        prepare(places, {})
    assert files(places) == before
    (folder / "more.conf").unlink()
    prepare(places, {})
    assert files(places) == before
    (folder / "bridge.conf").unlink()
    prepare(places, {})
    assert list((places.broker / "conf.d").iterdir()) == []


def test_a_link_in_a_service_s_folder_gives_nothing_away(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that was taken over must not be given the owner's files by the next `docker compose up`."""
    prepare(places, {})
    (places.data("planner") / "link").symlink_to(places.project)
    (places.data("planner") / "leads nowhere").symlink_to("/nowhere")
    given = []
    chown = os.chown

    def watched(path: Path, uid: int, gid: int, *, follow_symlinks: bool = True) -> None:
        given.append(path.resolve() if follow_symlinks else path)
        chown(path, uid, gid, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(os, "chown", watched)
    prepare(places, {})
    assert given
    assert places.project not in given
