"""`python -m deploy.simulators.flashforge`: run until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import signal

from deploy.simulators.flashforge import control
from deploy.simulators.flashforge.dialects import DIALECTS
from deploy.simulators.flashforge.server import Printer


async def run(arguments: argparse.Namespace) -> None:
    """Serve the printer and its control port."""
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    printer = Printer(arguments.host, arguments.port, arguments.dialect, arguments.speed)
    await printer.settle()
    if arguments.start:
        await control.act(printer, "start", {"file": arguments.start, "seconds": arguments.seconds})
    server = await control.serve(printer, arguments.host, arguments.control)
    steered = server.sockets[0].getsockname()[1]
    print(f"printer on port {printer.listener.port}, control on http://{arguments.host}:{steered}/", flush=True)
    await stop.wait()


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m deploy.simulators.flashforge", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="interface to listen on")
    parser.add_argument("--port", type=int, default=8899, help="the printer's port, 0 for any")
    parser.add_argument("--control", type=int, default=0, help="port of the HTTP control, 0 for any")
    parser.add_argument("--dialect", choices=list(DIALECTS), default="rex", help="model whose replies it gives")
    parser.add_argument("--speed", type=float, default=1.0, help="simulated seconds a second")
    parser.add_argument("--start", metavar="FILE", help="print this from the beginning")
    parser.add_argument("--seconds", type=float, default=600.0, help="how long that print takes, once hot")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
