"""Where everything is in the init container."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from contracts import channels

SERVICES = channels.SERVICES
"""Each has a data volume."""


@dataclass(frozen=True)
class Owner:
    """A user and group, by number."""

    uid: int
    gid: int

    def take(self, path: Path, mode: int) -> None:
        """Make *path* theirs, with *mode*."""
        path.chmod(mode)
        os.chown(path, self.uid, self.gid)


SERVICE_OWNER = Owner(10001, 10001)
"""As in deploy/Dockerfile."""
BROKER_OWNER = Owner(1883, 1883)
"""As in Mosquitto's image."""


@dataclass(frozen=True)
class Places:
    """The volumes and the owner's folder."""

    volumes: Path = Path("/volumes")
    project: Path = Path("/project")
    service_owner: Owner = SERVICE_OWNER
    broker_owner: Owner = BROKER_OWNER

    @property
    def credentials(self) -> Path:
        """The passwords themselves; no other container has this volume."""
        return self.volumes / "credentials" / "credentials.json"

    @property
    def broker(self) -> Path:
        """What the broker reads."""
        return self.volumes / "broker_config"

    def data(self, service: str) -> Path:
        """The data folder of a service."""
        return self.volumes / service

    @property
    def dotenv(self) -> Path:
        """The settings of the stack."""
        return self.project / ".env"

    @property
    def project_owner(self) -> Owner:
        """Whoever owns the folder that holds compose.yaml."""
        found = self.project.stat()
        return Owner(found.st_uid, found.st_gid)


def write(path: Path, text: str, owner: Owner, mode: int = 0o600) -> None:
    """Replace *path* at once by *text*, never readable by anybody else. Unchanged content is not touched.

    It is on the disk before it takes the name: after a power loss there would else be an empty file of that name.
    """
    if path.exists() and path.read_bytes() == text.encode():  # what is damaged may be no text at all
        owner.take(path, mode)
        return
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    temporary.touch(mode=0o600)
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    owner.take(temporary, mode)
    temporary.replace(path)
