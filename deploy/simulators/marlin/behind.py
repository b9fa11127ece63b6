"""A printer behind a real OctoPrint."""

from __future__ import annotations

from deploy.simulators.marlin.printer import MarlinPrinter
from deploy.simulators.octoprint import OctoPrint
from deploy.simulators.waiting import wait_until

BAUD_RATE = 115200
CONNECT_DEADLINE_S = 30


def attach(octoprint: OctoPrint, printer: MarlinPrinter) -> None:
    """Connect a running OctoPrint to a running printer, and return when it is operational. Raises DeadlineExceeded.

    OctoPrint opens a port by name only if it lists it, and lists a pseudo-terminal only as an additional port.
    """
    port = str(printer.port)
    scripts = {"afterPrinterConnected": ""}
    octoprint.request("POST", "/api/settings", {"serial": {"additionalPorts": [port]}, "scripts": {"gcode": scripts}})
    octoprint.disconnect()
    wait_until(lambda: octoprint.state() in {"Closed", "Offline"}, CONNECT_DEADLINE_S, "a free port")
    connection = {"command": "connect", "port": port, "baudrate": BAUD_RATE, "save": True, "autoconnect": True}
    octoprint.request("POST", "/api/connection", connection)
    wait_until(
        lambda: octoprint.state() == "Operational",
        CONNECT_DEADLINE_S,
        lambda: f"OctoPrint to connect to {port}, it is {octoprint.state()!r}\n{octoprint.process.tail()}",
    )
