"""A house: a fresh copy of the tree, started by `docker compose` as its owner would, and what can happen to it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import docker
from docker.models.containers import Container

from deploy.simulators.octoprint import Job, SerialLog
from tests.harness.waiting import wait_until

REPOSITORY = Path(__file__).resolve().parents[2]
IMAGES = ("init", "chat_ingest", "planner", "octo_bridge", "rex_bridge", "notifier", "octoprint", "rex_simulator")
SQS_IMAGES = ("chat_ingest-sqs", "planner-sqs", "octo_bridge-sqs", "rex_bridge-sqs")
HELPER_IMAGE = os.environ.get("PYTHON_IMAGE", "python:3.13-slim")
BROKER_IMAGE = os.environ.get("MOSQUITTO_IMAGE", "eclipse-mosquitto:2")
SERIAL_LOG = "/data/logs/plugin_virtual_printer_serial.log"
COMMAND_DEADLINE_S = 420
_OWN = ("BOARDCAST_", "COMPOSE_", "MQTT_")


class House:
    """One compose project in a folder of its own. Nothing else on the engine is touched."""

    def __init__(self, folder: Path, project: str, environment: Mapping[str, str]) -> None:
        """*environment* is the shell of the owner; settings of whoever runs the tests never get in."""
        self.folder = folder
        self.project = project
        self.engine = docker.from_env(timeout=120)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OWN)}
        self._environment = {**inherited, **environment, "COMPOSE_PROJECT_NAME": project}

    def clone(self) -> None:
        """Copy what the repository has, tracked or new, and nothing that is ignored."""
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=REPOSITORY, capture_output=True, check=True,
        ).stdout.decode()  # fmt: skip
        for name in filter(None, listed.split("\0")):
            source, target = REPOSITORY / name, self.folder / name
            if source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)

    def compose(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `docker compose …`. Raises AssertionError with what it said when it fails."""
        done = subprocess.run(
            ["docker", "compose", "--progress", "plain", *words],
            cwd=self.folder, env=self._environment, capture_output=True, text=True, timeout=COMMAND_DEADLINE_S,
            stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        if check and done.returncode != 0:
            logs = "" if words[0] != "up" else self.compose("logs", "--tail", "15", check=False).stdout
            raise AssertionError(f"docker compose {' '.join(words)}\n{done.stdout[-3000:]}{done.stderr[-5000:]}{logs}")
        return done

    def init(self, *words: str) -> str:
        """`docker compose run --rm init …` without a terminal; what it printed."""
        return self.compose("run", "--rm", "-T", "init", *words).stdout

    def up(self) -> None:
        """Start everything and return when it is healthy."""
        self.compose("up", "--detach", "--wait", "--wait-timeout", "120")

    def container(self, service: str) -> Container:
        """The container of *service*, as it is now, running or not."""
        found = self.engine.containers.list(all=True, filters={"label": [
            f"com.docker.compose.project={self.project}", f"com.docker.compose.service={service}",
            "com.docker.compose.oneoff=False"]})  # fmt: skip
        assert len(found) == 1, f"{len(found)} containers of {service}"
        return found[0]

    def services(self) -> set[str]:
        """The services that have a running container."""
        found = self.engine.containers.list(filters={"label": [f"com.docker.compose.project={self.project}"]})
        return {container.labels["com.docker.compose.service"] for container in found}

    def health(self, service: str) -> tuple[str, str]:
        """Docker's verdict on *service*, and the service's own last words."""
        state = self.container(service).attrs["State"]["Health"]
        return state["Status"], state["Log"][-1]["Output"].strip() if state["Log"] else ""

    def wait_health(self, service: str, well: bool, text: str, deadline_s: float = 60) -> None:
        """Return when *service* says *text*; the engine calls it unhealthy only after a while."""
        wait_until(
            lambda: text in self.health(service)[1] and (self.health(service)[0] == "healthy") == well,
            deadline_s, lambda: f"{service} to say '{text}', it is {self.health(service)}", poll_s=0.3,
            ignore=(KeyError,),
        )  # fmt: skip

    def volume(self, name: str) -> str:
        """The engine's name of a volume."""
        return f"{self.project}_{name}"

    def kill_first_process(self, service: str) -> None:
        """SIGKILL the first process from outside; `docker kill` would count as the owner's wish and not restart it."""
        pid = self.container(service).attrs["State"]["Pid"]
        assert pid > 1, f"{service} does not run"
        self.engine.containers.run(
            HELPER_IMAGE,
            ["python3", "-c", f"import os; os.kill({pid}, 9)"],
            pid_mode="host",
            network_mode="none",
            remove=True,
            user="0",
        )

    def sql(self, service: str, statement: str) -> list[Any]:
        """Run one statement in the database of a service that does not run."""
        program = (
            "import json, sqlite3, sys\n"
            "with sqlite3.connect(sys.argv[1]) as base: print(json.dumps(base.execute(sys.argv[2]).fetchall()))"
        )
        output = self.engine.containers.run(
            HELPER_IMAGE, ["python3", "-c", program, f"/data/{service}.sqlite3", statement],
            volumes={self.volume(service): {"bind": "/data"}}, network_mode="none", remove=True, user="10001",
        )  # fmt: skip
        rows: list[Any] = json.loads(output)
        return rows

    def jobs(self) -> list[Job]:
        """What the Virtual Printer drew since its OctoPrint was made."""
        return [job for job in self.serial_log().jobs() if job.move is not None]

    def serial_log(self) -> SerialLog:
        """A copy of the serial log, which outlives OctoPrint's restarts."""
        path = self.folder / ".serial.log"
        found = self.container("octoprint").exec_run(["cat", SERIAL_LOG])
        path.write_bytes(found.output if found.exit_code == 0 else b"")
        return SerialLog(path)

    def remove(self) -> None:
        """Take away containers, volumes, networks and image names; layers stay for the next time."""
        self.compose("--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "5", check=False)
        tag = self._environment["BOARDCAST_IMAGE_TAG"]
        for image in (*IMAGES, *SQS_IMAGES):
            subprocess.run(
                ["docker", "image", "rm", f"boardcast/{image}:{tag}"],
                env=self._environment,
                capture_output=True,
                check=False,
            )
        self.engine.close()
