"""The main road's stack with SQS in the broker's place; Mosquitto has the states and Home Assistant's part."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from contracts import channels
from deploy.simulators.process import inherited
from deploy.stack import REPOSITORY, Stack
from services.chassis.bus.sqs import wire
from services.chassis.bus.sqs.client import Entry
from tests.bus.sqs_server import URL, SqsServer
from tests.e2e.main_road.table import Table

LOOKS_AGAIN_AFTER_S = 1.0


class PatientTable(Table):
    """A person who confirms once more when asked once more, and looks when the bridge asks what was drawn.

    What the bridge says of a new board may come after the planner took the first confirmation; over SQS a link's
    message is under way for a tenth of a second, and a person's script is quicker than that.
    """

    def tend(self) -> None:
        super().tend()
        board = self.probe.last(channels.BOARD_STATE.address)
        settled = board is not None and time.monotonic() - board.time_s > LOOKS_AGAIN_AFTER_S
        if board is not None and settled and board.json["plate"] == "unknown":
            self.probe.publish(channels.BOARD_COMMAND.address, "confirm_empty")
        for move, told in self.statuses().items():
            if told[-1]["state"] == "uncertain":
                # What the bridge cannot know after a kill, such as how hot the nozzle was, a person sees on the plate.
                word = "drawn" if move in self.drawn_moves() else "redraw"
                self.probe.publish(channels.BOARD_COMMAND.address, f"resolve {word} {move}")


class SqsStack(Stack):
    """The same services, told of SQS by their environment alone."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, settings={"BOARDCAST_CHAT_SOURCE": "mqtt"})
        self.sqs = SqsServer(folder / "sqs")
        self._sent = 0

    def start(self) -> None:
        self.sqs.start()
        made = subprocess.run(
            [sys.executable, "-m", "services.planner", "queues", "create"],
            env=inherited() | self.over_sqs(), cwd=REPOSITORY, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert len(made.stdout.split()) == 10, made.stdout
        super().start()

    def environment(self, name: str) -> dict[str, str]:
        return super().environment(name) | self.over_sqs() | {"BOARDCAST_STATE_BUS_URL": self.broker.url}

    def over_sqs(self) -> dict[str, str]:
        """What puts SQS in the broker's place."""
        return {"BOARDCAST_BUS_URL": URL, "BOARDCAST_SQS_ENDPOINT": self.sqs.endpoint}

    def ask(self, channel: channels.Channel, text: str) -> None:
        """Send *text* on a channel as a person does with AWS's command line."""
        (reader,) = channel.readers
        topic = channel.topic(self.root)
        self._sent += 1
        client = self.sqs.client()
        url = client.find(self.sqs.address.queue(topic, reader)).url
        refused = client.send(url, [Entry(wire.encode(text.encode()), topic, f"person-{self._sent}")])
        client.close()
        assert not refused

    def stop(self) -> None:
        super().stop()
        self.sqs.kill()
