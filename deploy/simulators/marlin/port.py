"""The printer's end of a serial line: a pseudo-terminal that notices when a host opens it.

A stable link points to the terminal, so that a host finds it again after a drop or a restart under the same name.

The kernel tells the other end's opening only as a state (no POLLHUP), so a host that closes and opens again at once
would be missed. Packet mode tells of a flush of the input too, which pyserial does with each opening.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import struct
import termios
import tty
from pathlib import Path

_CHUNK = 4096
_LARGEST_BACKLOG = 1 << 20


class Port:
    """A serial port below `link`. Raises OSError where the system has no terminal to give."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self.is_open = False
        self._master = -1
        self._rest = b""
        self._unsent = b""

    @property
    def fileno(self) -> int:
        """What to poll; -1 before `plug`."""
        return self._master

    def plug(self) -> None:
        """Make the terminal and the link, in the place of an earlier one."""
        self._master, host = os.openpty()
        tty.setraw(host)
        os.set_blocking(self._master, False)
        fcntl.ioctl(self._master, termios.TIOCPKT, struct.pack("i", 1))
        self.link.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.link.with_name(f"{self.link.name}.new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(host))
        fresh.replace(self.link)
        os.close(host)
        self.is_open, self._rest, self._unsent = False, b"", b""

    def unplug(self) -> None:
        """Hang up: the host finds its port gone."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1
        self.is_open = False

    def remove(self) -> None:
        """Hang up for good."""
        self.unplug()
        self.link.unlink(missing_ok=True)

    def look(self) -> tuple[bool, list[str]]:
        """Whether a host opened the port since the last call, and the complete lines that came in."""
        poller = select.poll()
        poller.register(self._master, select.POLLIN | select.POLLPRI | select.POLLHUP)
        state = dict(poller.poll(0)).get(self._master, 0)
        opened = not self.is_open and not state & select.POLLHUP
        self.is_open = not state & select.POLLHUP
        if not self.is_open:
            # What an earlier host left half said, or said and never stayed for.
            self._drain()
            self._rest = self._unsent = b""
            return False, []
        flushed, data = self._drain()
        *lines, self._rest = (self._rest + data).split(b"\n")
        return opened or flushed, [line.decode(errors="replace") for line in lines]

    @property
    def has_more_to_send(self) -> bool:
        """Whether the host has not taken everything yet; `write` goes on when the port can be written to."""
        return bool(self._unsent)

    def write(self, text: str = "") -> None:
        """Send *text* after what is left of earlier ones. Nobody listening, or not taking it for long, it is lost."""
        if not self.is_open:
            return
        self._unsent = (self._unsent + text.encode())[-_LARGEST_BACKLOG:]
        try:
            while self._unsent:
                self._unsent = self._unsent[os.write(self._master, self._unsent) :]
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EIO):
                raise

    def _drain(self) -> tuple[bool, bytes]:
        flushed, data = False, b""
        while True:
            try:
                packet = os.read(self._master, _CHUNK)
            except OSError as error:
                if error.errno in (errno.EAGAIN, errno.EIO):
                    return flushed, data
                raise
            if not packet:
                return flushed, data
            # The first byte of a packet says what it is; 0 is data.
            if packet[0] == 0:
                data += packet[1:]
            elif packet[0] & termios.TIOCPKT_FLUSHREAD:
                flushed, data = True, b""
