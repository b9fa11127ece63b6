"""An SQS as a child process, for tests and benches."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.request import urlopen

from deploy.simulators.ports import LOOPBACK, accepts_connections, free_port
from deploy.simulators.process import ChildProcess
from deploy.simulators.waiting import wait_until
from services.chassis.bus.routes import Route
from services.chassis.bus.sqs import queues
from services.chassis.bus.sqs.address import SqsAddress, parse_sqs
from services.chassis.bus.sqs.client import Client

URL = "sqs://eu-central-1/test"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing"}
REPOSITORY = Path(__file__).resolve().parents[2]


class SqsServer:
    """It keeps its port over restarts and, like a new account, nothing else."""

    def __init__(self, folder: Path, host: str = LOOPBACK) -> None:
        os.environ.update(CREDENTIALS)  # what boto3 finds by its usual chain, here and in children
        self.host = host
        self.port = free_port()
        command = [sys.executable, "-m", "tests.bus.aws", host, str(self.port)]
        self.process = ChildProcess("sqs", command, folder / "sqs.log", folder=REPOSITORY)

    @property
    def endpoint(self) -> str:
        """The value for BOARDCAST_SQS_ENDPOINT."""
        return f"http://{self.host}:{self.port}"

    @property
    def address(self) -> SqsAddress:
        """Where the queues are."""
        return parse_sqs(URL)

    def start(self) -> None:
        """Return when it answers."""
        self.process.start()
        wait_until(
            lambda: accepts_connections(self.port, self.host), 30, lambda: f"SQS to listen\n{self.process.tail()}"
        )

    def client(self, wait: int = 0) -> Client:
        """An open client."""
        client = Client(self.address.region, self.endpoint, wait)
        client.open()
        return client

    def make(self, routes: Sequence[Route]) -> None:
        """Make the queues of *routes*."""
        client = self.client()
        for route in routes:
            client.create(self.address.queue(route.filter, route.reader), queues.attributes(route))
        client.close()

    def calls(self) -> dict[str, int]:
        """How often each action was called."""
        with urlopen(f"{self.endpoint}/calls", timeout=10) as answer:
            found: dict[str, int] = json.load(answer)
        return found

    def kill(self) -> None:
        """End it at once, and with it every queue."""
        self.process.kill()
