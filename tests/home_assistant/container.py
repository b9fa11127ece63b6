"""The container that Home Assistant runs in: its image, and a network that leads to this machine and no further."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import docker
from docker.errors import DockerException, ImageNotFound, NotFound

VERSION = "2026.2.3"
FOLDER = Path(__file__).resolve().parent / "image"
NAME = "boardcast-test-home-assistant"
LABEL = "boardcast-test"


class NoEngine(RuntimeError):
    """There is no Docker engine to run Home Assistant in."""

    def __init__(self, why: object) -> None:
        super().__init__(f"Home Assistant runs in a container: start a Docker engine, or set DOCKER_HOST ({why})")


def connect() -> Any:
    """A client of the engine. Raises NoEngine."""
    try:
        engine = docker.from_env(timeout=600)
        engine.ping()
    except DockerException as error:
        raise NoEngine(error) from error
    return engine


def image_tag() -> str:
    """The image's name; another content is another tag, so that an image of an older tree is never taken for this."""
    digest = hashlib.sha256(VERSION.encode())
    for path in sorted(FOLDER.iterdir()):
        if path.is_file():
            digest.update(path.name.encode() + path.read_bytes())
    return f"{NAME}:{VERSION}-{digest.hexdigest()[:8]}"


def ensure_image(engine: Any) -> str:
    """Build the image unless the engine has it (takes minutes) and return its name."""
    tag = image_tag()
    try:
        engine.images.get(tag)
    except ImageNotFound:
        print(f"building {tag}; this takes some minutes, once", file=sys.stderr, flush=True)
        engine.images.build(path=str(FOLDER), tag=tag, rm=True, buildargs={"HOME_ASSISTANT": VERSION})
    return tag


class Network:
    """A bridge without a way out: containers on it reach this machine's address on it, and nothing else."""

    def __init__(self, engine: Any, name: str) -> None:
        self._engine = engine
        self._name = name
        self._network: Any = None

    def create(self) -> None:
        """Make the network."""
        self._network = self._engine.networks.create(self._name, driver="bridge", internal=True, labels={LABEL: ""})
        self._network.reload()

    @property
    def name(self) -> str:
        """The network's name."""
        return self._name

    @property
    def gateway(self) -> str:
        """This machine's address on the network."""
        return str(self._network.attrs["IPAM"]["Config"][0]["Gateway"])

    def remove(self) -> None:
        """Take the network away."""
        if self._network is not None:
            self._network.remove()


class Container:
    """One Home Assistant process. It keeps its configuration folder over restarts."""

    def __init__(self, engine: Any, image: str, network: Network, folder: Path) -> None:
        self._engine = engine
        self._image = image
        self._network = network
        self._folder = folder
        self._container: Any = None
        self._address: str | None = None

    def start(self) -> None:
        """Start the container, again if it was stopped."""
        if self._container is None:
            self._container = self._engine.containers.create(
                self._image,
                network=self._network.name,
                user=f"{os.getuid()}:{os.getgid()}",
                environment={"HOME": "/config", "TZ": "UTC"},
                volumes={str(self._folder): {"bind": "/config", "mode": "rw"}},
                labels={LABEL: ""},
                init=True,
            )
        self._container.start()
        self._container.reload()
        self._address = self._container.attrs["NetworkSettings"]["Networks"][self._network.name]["IPAddress"]

    @property
    def address(self) -> str:
        """Its address on the network. Raises RuntimeError before the first start."""
        if self._address is None:
            raise RuntimeError("Home Assistant was never started")
        return self._address

    def run(self, *command: str) -> str:
        """What *command* prints within the container."""
        return bytes(self._container.exec_run(list(command)).output).decode(errors="replace")

    def stop(self) -> None:
        """End Home Assistant in an orderly way."""
        self._container.stop(timeout=30)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._container.kill()

    def log(self) -> str:
        """Everything it has written, of all its runs."""
        return bytes(self._container.logs()).decode(errors="replace")

    def remove(self) -> None:
        """End it and take it away."""
        if self._container is not None:
            with contextlib.suppress(NotFound):
                self._container.remove(force=True)


if __name__ == "__main__":
    client = connect()
    print(json.dumps({"image": ensure_image(client)}))
    client.close()
