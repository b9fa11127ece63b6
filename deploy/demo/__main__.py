"""`make demo`: a broker, a real OctoPrint with its Virtual Printer, a simulated REX II, every service, until Ctrl-C.

Settings: DEMO_MQTT_PORT (18830), DEMO_OCTOPRINT_PORT (15080), DEMO_CHAT_RATE (messages a minute of the simulated chat,
0 silences it). Everything that it makes is below `.demo/`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from pydantic import ValidationError

from contracts import channels
from contracts.events import Event, EventKind
from contracts.moves import MoveState, MoveStatus
from deploy.demo.ports import PortTaken, choose
from deploy.demo.view import View
from deploy.simulators.flashforge.child import FlashforgeSimulator
from deploy.simulators.mosquitto import Mosquitto, MosquittoMissing
from deploy.simulators.octoprint import OctoPrint
from deploy.simulators.waiting import DeadlineExceeded
from deploy.stack import REPOSITORY, Stack
from services.chassis import log
from services.chassis.bus.address import parse_addresses
from services.chassis.bus.mqtt.bus import MqttBus
from services.chassis.bus.mqtt.options import MqttOptions
from services.chassis.bus.port import Message
from services.chassis.log import LogFormat

ROOT = channels.DEFAULT_ROOT
DEFAULT_CHAT_RATE = "30"
TRIES = 20
"""For each of the demo's own commands."""


def main() -> int:
    """Set everything up, show what goes by, and take everything down again."""
    log.configure("demo", LogFormat.TEXT, "error")
    folder = REPOSITORY / ".demo"
    began = time.monotonic()
    # The children have sessions of their own: whatever ends this process without its `finally` leaves them running.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        stack = make_stack(folder)
    except (PortTaken, ValueError, MosquittoMissing, OSError) as error:
        print(f"The demo cannot start: {error}", file=sys.stderr)
        return 1
    try:
        print(f"Starting a broker, OctoPrint and the services ({_shown(folder)}) …", flush=True)
        stack.start()
        introduce(stack)
        asyncio.run(show(stack, began))
    except KeyboardInterrupt:
        pass  # before or after the loop had its own handler
    except (ValueError, MosquittoMissing, DeadlineExceeded, RuntimeError, OSError) as error:
        print(f"The demo cannot go on: {error}", file=sys.stderr)
        return 1
    finally:
        print("\nStopping everything …", flush=True)
        stack.stop()
        print("Stopped. What was drawn and logged is in", _shown(folder))
    return 0


def make_stack(folder: Path) -> Stack:
    """The stack on the demo's ports."""
    rate = os.environ.get("DEMO_CHAT_RATE", DEFAULT_CHAT_RATE)
    return Stack(
        folder,
        broker=Mosquitto(folder / "mosquitto", choose("DEMO_MQTT_PORT", 18830)),
        octoprint=OctoPrint(folder / "octoprint", choose("DEMO_OCTOPRINT_PORT", 15080)),
        rex=FlashforgeSimulator(folder / "flashforge", start="benchy.gx"),
        root=ROOT,
        settings={"BOARDCAST_CHAT_SOURCE": "simulated", "BOARDCAST_CHAT_RATE": rate},
    )


def introduce(stack: Stack) -> None:
    """Say where everything is."""
    port = stack.broker.port
    print(f"""
  broker       {stack.broker.url}
  OctoPrint    {stack.octoprint.url}   (no login from this machine)
  REX II       a simulated one, printing; watched on {ROOT}/v1/printer/rex/state
  logs         {_shown(stack.folder / "log")}

  watch        mosquitto_sub -p {port} -t '{ROOT}/v1/#' -v
  draw a line  mosquitto_pub -p {port} -t {channels.MOVE_REQUEST.topic(ROOT)} -m 'a1 h8'
""")


async def show(stack: Stack, began: float) -> None:
    """Confirm the empty plate, arm the printer, then print a line a move until Ctrl-C."""
    stop = asyncio.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    bus = MqttBus(MqttOptions(parse_addresses(stack.broker.url), client_id=f"demo-{os.getpid()}"))
    answers = Answers()
    bus.subscribe(channels.MOVE_STATUS.topic(ROOT), Printer(began).take)
    bus.subscribe(channels.BOARD_EVENT.topic(ROOT), answers.take)
    bus.subscribe(channels.ENDER_EVENT.topic(ROOT), answers.take)
    connected = asyncio.Event()
    bus.on_connect(connected.set)
    await bus.start()
    await connected.wait()
    print("A person has to see the empty plate and arm the printer; here it is virtual, so the demo does both:")
    await ask(bus, answers, channels.BOARD_COMMAND, "confirm_empty", stack.broker.port)
    await ask(bus, answers, channels.ENDER_COMMAND, "arm", stack.broker.port)
    print("\nMoves as they end (Ctrl-C stops everything):", flush=True)
    await stop.wait()
    await bus.stop()


async def ask(bus: MqttBus, answers: Answers, channel: channels.Channel, word: str, port: int) -> None:
    """Publish one command as a person would, and print the answer; asked again until there is one."""
    print(f"  mosquitto_pub -p {port} -t {channel.topic(ROOT)} -m {word}")
    said = f"no answer; look into the logs of the services for '{word}'"
    for _ in range(TRIES):
        answer = answers.next(word)
        bus.publish(channel.topic(ROOT), word.encode())
        try:
            event = await asyncio.wait_for(answer, 1.0)
        except TimeoutError:
            continue
        said = f"{event.event.value}: {event.reason}" if event.reason else event.event.value
        if event.event is EventKind.DONE:
            break
        # The services may not have heard of each other yet.
        await asyncio.sleep(0.2)
    print(f"    {said}", flush=True)


class Answers:
    """The events that answer the demo's own commands; everything else that goes wrong is printed."""

    def __init__(self) -> None:
        self._waiting: dict[str, asyncio.Future[Event]] = {}

    def next(self, word: str) -> asyncio.Future[Event]:
        """The answer to come to the command *word*."""
        future: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        self._waiting[word] = future
        return future

    def take(self, message: Message) -> None:
        """An event arrived."""
        try:
            event = Event.model_validate_json(message.payload)
        except ValidationError as error:
            print(f"! {message.topic}: {error.error_count()} errors in an event", flush=True)
            return
        future = self._waiting.get(event.command or "")
        if future is not None and not future.done() and event.event in (EventKind.DONE, EventKind.REFUSED):
            future.set_result(event)
        elif event.event in (EventKind.PROBLEM, EventKind.UNCERTAIN, EventKind.LATCHED, EventKind.HELD):
            print(f"! {event.event.value}: {event.reason or ''}", flush=True)


class Printer:
    """Prints the moves; the first one that is drawn says how long it all took."""

    def __init__(self, began: float) -> None:
        self._view = View()
        self._began: float | None = began

    def take(self, message: Message) -> None:
        """A status arrived."""
        try:
            status = MoveStatus.model_validate_json(message.payload)
        except ValidationError as error:
            print(f"! {message.topic}: {error.error_count()} errors in a status", flush=True)
            return
        line = self._view.line(status)
        if line is None:
            return
        if self._began is not None and status.state is MoveState.DRAWN:
            line += f"   (the first, {time.monotonic() - self._began:.0f} s after the start)"
            self._began = None
        print(line, flush=True)


def _shown(path: Path) -> str:
    return os.path.relpath(path)


if __name__ == "__main__":
    sys.exit(main())
