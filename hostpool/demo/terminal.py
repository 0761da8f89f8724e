"""A pseudo-terminal of our end of an SSH session (RFC 4254, 6.2; a client's modes are ignored)."""

from __future__ import annotations

import fcntl
import os
import struct
import termios

# what a fresh session leader opens first becomes its controlling terminal
_ATTACH = 'tty=$1; shift; exec "$@" <"$tty" >"$tty" 2>&1'


class Terminal:
    """Both ends stay open until ``close``, which hangs up whoever still uses it."""

    def __init__(self, term: bytes, columns: int, rows: int) -> None:
        self.term = term.decode(errors="replace")
        self.master, self._slave = os.openpty()
        self._name = os.ttyname(self._slave)
        os.set_blocking(self.master, False)
        self.resize(columns, rows)

    def attached(self, argv: list[str | bytes]) -> list[str | bytes]:
        """The argv that runs ``argv`` on this terminal, given a session of its own."""
        return ["/bin/sh", "-c", _ATTACH, "sh", self._name, *argv]

    def resize(self, columns: int, rows: int) -> None:
        if self.master >= 0:
            fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def close(self) -> None:
        master, self.master = self.master, -1
        os.close(master)
        os.close(self._slave)
