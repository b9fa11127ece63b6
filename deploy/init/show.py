"""What an owner is told: the credentials, where to use them, and what comes next."""

from __future__ import annotations

from collections.abc import Mapping

from contracts import channels
from contracts.channels import Party

NEXT = """\
Next:  docker compose up --build -d     starts everything, or takes up what was changed
       docker compose ps                says how it is
       docker compose logs -f           says why\
"""


def credentials(known: Mapping[str, str], settings: Mapping[str, str]) -> str:
    """For Home Assistant and the MQTT command line."""
    bind, port = settings.get("MQTT_BIND") or "127.0.0.1", settings.get("MQTT_PORT") or "1883"
    root = settings.get("BOARDCAST_TOPIC_ROOT") or channels.DEFAULT_ROOT
    host = "this machine's address (127.0.0.1 until MQTT_BIND or `init --bind` says otherwise)"
    operator = f"-h {bind} -p {port} -u {Party.OPERATOR.value} -P {known[Party.OPERATOR.value]}"
    return f"""\
Broker      {bind}, port {port}: {host}

            user         password
Home Assistant, MQTT command line (may do what a person may):
            {Party.OPERATOR.value:12} {known[Party.OPERATOR.value]}
Overlays and dashboards (read only):
            {Party.VIEWER.value:12} {known[Party.VIEWER.value]}

Look at the plate, then:
  mosquitto_pub {operator} -t {channels.BOARD_COMMAND.topic(root)} -m confirm_empty
  mosquitto_pub {operator} -t {channels.ENDER_COMMAND.topic(root)} -m 'arm 2'
  mosquitto_pub {operator} -t {channels.MOVE_REQUEST.topic(root)} -m 'a1 h8'
Watch:
  mosquitto_sub {operator} -t '{root}/{channels.VERSION}/#' -v
"""
