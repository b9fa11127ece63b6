"""`python -m tests.home_assistant.pictures FOLDER`: pictures of what one gets, for the documentation.

Needs a Docker engine and Chromium; everything in the pictures is real, but the printers.
"""

from __future__ import annotations

import base64
import json
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from websockets.sync.client import ClientConnection, connect

from deploy.simulators.mosquitto import Mosquitto
from deploy.simulators.ports import LOOPBACK, free_port
from deploy.simulators.process import ChildProcess
from deploy.simulators.waiting import wait_until
from tests.home_assistant.client import Client
from tests.home_assistant.container import Network
from tests.home_assistant.container import connect as connect_engine
from tests.home_assistant.instance import HomeAssistant
from tests.home_assistant.stack import Lab

WIDTH, HEIGHT = 1360, 1000


class Browser:
    """A headless Chromium, steered by its own protocol."""

    def __init__(self, folder: Path) -> None:
        self._port = free_port()
        self._process = ChildProcess(
            "chromium",
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile",
             f"--remote-debugging-port={self._port}", f"--window-size={WIDTH},{HEIGHT}", "about:blank"],
            folder / "chromium.log",
        )  # fmt: skip
        self._next = 0

    @contextmanager
    def page(self) -> Iterator[ClientConnection]:
        """The one page."""
        self._process.start()
        try:
            found = wait_until(self._target, 20, self._process.tail) or ""
            with connect(found, max_size=1 << 26) as socket:
                self.ask(socket, "Emulation.setDeviceMetricsOverride", width=WIDTH, height=HEIGHT,
                         deviceScaleFactor=1, mobile=False)  # fmt: skip
                yield socket
        finally:
            self._process.kill()

    def ask(self, socket: ClientConnection, method: str, **params: Any) -> Any:
        """The answer to one command."""
        self._next += 1
        socket.send(json.dumps({"id": self._next, "method": method, "params": params}))
        while True:
            answer = json.loads(socket.recv(timeout=30))
            if answer.get("id") == self._next:
                return answer.get("result")

    def _target(self) -> str | None:
        try:
            targets = requests.get(f"http://{LOOPBACK}:{self._port}/json", timeout=1).json()
        except requests.RequestException:
            return None
        return next((str(t["webSocketDebuggerUrl"]) for t in targets if t["type"] == "page"), None)


def log_in(browser: Browser, page: ClientConnection, client: Client) -> None:
    """Put the tests' token where the web page keeps its own."""
    tokens = {"access_token": client.token, "token_type": "Bearer", "expires_in": 86400, "hassUrl": client.url,
              "clientId": f"{client.url}/", "expires": 4102444800000, "refresh_token": ""}  # fmt: skip
    browser.ask(page, "Page.navigate", url=f"{client.url}/manifest.json")
    time.sleep(1)
    script = f"localStorage.setItem('hassTokens', {json.dumps(json.dumps(tokens))})"
    browser.ask(page, "Runtime.evaluate", expression=script)


def take(browser: Browser, page: ClientConnection, url: str, target: Path) -> None:
    """A picture of *url* once it has been drawn; nothing tells when, so a while is waited."""
    browser.ask(page, "Page.navigate", url=url)
    time.sleep(8)
    picture = browser.ask(page, "Page.captureScreenshot", format="png")
    target.write_bytes(base64.b64decode(picture["data"]))
    print(target)


def devices(client: Client, root: str) -> dict[str, str]:
    """Home Assistant's own id of each device."""
    found = client.ask("config/device_registry/list")
    names = {device["identifiers"][0][1]: device["id"] for device in found if device["identifiers"]}
    return {key.removeprefix(f"{root}_"): value for key, value in names.items() if key.startswith(f"{root}_")}


def main(target: Path) -> None:
    """All of them."""
    engine = connect_engine()
    network = Network(engine, f"boardcast-pictures-{uuid.uuid4().hex[:8]}")
    network.create()
    folder = Path(tempfile.mkdtemp())
    port = free_port()
    broker = Mosquitto(folder / "mosquitto", extra=[f"listener {port} {network.gateway}"])
    broker.start()
    home = HomeAssistant(engine, network, folder / "config")
    lab = Lab(folder / "lab", broker, home.client, "boardcast")
    lab.settings["BOARDCAST_CHAT_SOURCE"] = "simulated"
    try:
        home.start(network.gateway, port)
        lab.start()
        play(lab)
        browser = Browser(folder)
        with browser.page() as page:
            log_in(browser, page, home.client)
            take(browser, page, f"{home.client.url}/boardcast-board/board", target / "home-assistant-dashboard.png")
            for name, device in devices(home.client, "boardcast").items():
                if name in ("board", "ender", "rex"):
                    take(browser, page, f"{home.client.url}/config/devices/device/{device}",
                         target / f"home-assistant-{name}.png")  # fmt: skip
    finally:
        lab.stop()
        home.remove()
        broker.stop()
        network.remove()
        engine.close()
        shutil.rmtree(folder, ignore_errors=True)


def play(lab: Lab) -> None:
    """Something to look at: a few lines, and one command that is refused."""
    wait_until(lab.settled, 30, "everything to be there")
    lab.press("ender_park")
    lab.press("board_confirm_empty")
    lab.call("switch.turn_on", "switch.ender_armed")
    for move in ("a1 h8", "a8 h1", "d4 e5"):
        lab.call("text.set_value", "text.board_move", value=move)
    lab.wait("sensor.board_drawn", lambda drawn: int(drawn or 0) >= 2, 60)
    lab.press("ender_home")
    lab.press("ender_adopt")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
