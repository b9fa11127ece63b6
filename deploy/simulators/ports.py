"""Ports of the loopback interface."""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
import threading
from pathlib import Path

LOOPBACK = "127.0.0.1"

_PORTS = range(20_000, 32_000)
"""Below those that the system gives to whoever wants any: by that, nobody gets one of these between a server's runs."""
_one_at_a_time = threading.Lock()
_given: set[int] = set()
_locks: int | None = None


def free_port() -> int:
    """A port that nothing listens on, and that no other process is given before this one has ended.

    A server is started some time after it was given its port, and may be down for a while. Raises RuntimeError.
    """
    first = random.SystemRandom().randrange(len(_PORTS))
    with _one_at_a_time:
        for further in range(len(_PORTS)):
            port = _PORTS[(first + further) % len(_PORTS)]
            if port not in _given and claim(port) and is_free(port):
                _given.add(port)
                return port
    raise RuntimeError(f"no port from {_PORTS[0]} to {_PORTS[-1]} is free")


def claim(port: int) -> bool:
    """Whether *port* is this process's from now on and not another's, of those that ask here. It ends with the process.

    A lock on one byte of one file: a file for each port would be too many open ones.
    """
    global _locks
    if _locks is None:
        path = Path(tempfile.gettempdir()) / f"boardcast-ports-{os.getuid()}"
        _locks = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.lockf(_locks, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    return True


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` now."""
    with socket.socket() as probe:
        # As servers do: a port whose last connections are still closing counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def accepts_connections(port: int, host: str = LOOPBACK) -> bool:
    """Whether something listens on `port`."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True
