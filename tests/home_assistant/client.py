"""Home Assistant's own interfaces, as its web page and its apps use them: REST and WebSocket."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlparse

import requests
from websockets.sync.client import connect

TIMEOUT = 10
CLIENT_ID = "http://boardcast.test/"


class Refused(RuntimeError):
    """Home Assistant refused a request; the text is its own."""


class Client:
    """A user's session. Made with :meth:`onboard`, or with the token of an earlier one."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.token = ""

    def reachable(self) -> bool:
        """Whether the web server answers; it does so before everything else is ready."""
        try:
            return requests.get(f"{self.url}/manifest.json", timeout=1).status_code == 200
        except requests.RequestException:
            return False

    def onboard(self, user: str, password: str) -> None:
        """Create the first user and keep a token that lasts.

        Only this step of the onboarding is done here: the others are marked as done in the storage, because one of
        them sets up integrations that ask the internet for the weather.
        """
        body = {"name": user, "username": user, "password": password, "client_id": CLIENT_ID, "language": "en"}
        code = self._answer(requests.post(f"{self.url}/api/onboarding/users", json=body, timeout=30))["auth_code"]
        form = {"grant_type": "authorization_code", "code": code, "client_id": CLIENT_ID}
        self.token = self._answer(requests.post(f"{self.url}/auth/token", data=form, timeout=TIMEOUT))["access_token"]
        self.token = str(self.ask("auth/long_lived_access_token", client_name="tests", lifespan=1))

    def get(self, path: str) -> Any:
        """GET below /api/."""
        return self._answer(requests.get(f"{self.url}/api/{path}", headers=self._headers(), timeout=TIMEOUT))

    def post(self, path: str, **body: Any) -> Any:
        """POST below /api/."""
        return self._answer(
            requests.post(f"{self.url}/api/{path}", headers=self._headers(), json=body, timeout=TIMEOUT)
        )

    def call(self, service: str, **data: Any) -> None:
        """Call a service such as ``button.press``, as an automation or a card does. Raises Refused."""
        domain, name = service.split(".")
        self.ask("call_service", domain=domain, service=name, service_data=data)

    def states(self) -> dict[str, dict[str, Any]]:
        """Every entity's state by entity id."""
        return {state["entity_id"]: state for state in self.get("states")}

    def ask(self, kind: str, **fields: Any) -> Any:
        """The result of one WebSocket command. Raises Refused with Home Assistant's own words."""
        with connect(f"ws://{urlparse(self.url).netloc}/api/websocket", max_size=1 << 24) as socket:
            socket.recv(timeout=TIMEOUT)
            socket.send(json.dumps({"type": "auth", "access_token": self.token}))
            if json.loads(socket.recv(timeout=TIMEOUT))["type"] != "auth_ok":
                raise Refused("the token is not taken")
            socket.send(json.dumps({"id": 1, "type": kind, **fields}))
            answer = json.loads(socket.recv(timeout=30))
        if not answer["success"]:
            raise Refused(f"{kind}: {answer['error']}")
        return answer["result"]

    def triggered(self, trigger: dict[str, Any], cause: Callable[[], None]) -> Any:
        """What an automation that begins with *trigger* is told when *cause* has happened. Raises TimeoutError."""
        with connect(f"ws://{urlparse(self.url).netloc}/api/websocket", max_size=1 << 24) as socket:
            socket.recv(timeout=TIMEOUT)
            socket.send(json.dumps({"type": "auth", "access_token": self.token}))
            socket.recv(timeout=TIMEOUT)
            socket.send(json.dumps({"id": 1, "type": "subscribe_trigger", "trigger": trigger}))
            answer = json.loads(socket.recv(timeout=TIMEOUT))
            if not answer["success"]:
                raise Refused(f"subscribe_trigger: {answer['error']}")
            cause()
            return json.loads(socket.recv(timeout=TIMEOUT))["event"]["variables"]["trigger"]

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    @staticmethod
    def _answer(response: requests.Response) -> Any:
        if response.status_code >= 400:
            raise Refused(f"{response.request.method} {response.url}: {response.status_code} {response.text[:500]}")
        return response.json()
