"""SSH's packets: paramiko's, with bounds on what they believe."""

from __future__ import annotations

import time
from typing import Any

from paramiko.packet import Packetizer
from paramiko.ssh_exception import SSHException

MAX_PACKET = 256 * 1024 + 1024  # OpenSSH's PACKET_MAX_SIZE, and room for MAC and padding
MAX_PREAMBLE = 64 * 1024


class Packets(Packetizer):
    """Bounded in what it believes, without a timer thread per connection, and never first to rekey.

    A rekey that we start deadlocks paramiko's reader when a CHANNEL_CLOSE comes in meanwhile
    (paramiko#822), so ours would be due only long after the server's own (RFC 4344 §3.1: 2^31 packets).
    """

    REKEY_PACKETS = 2**31
    REKEY_BYTES = 2**36

    def __init__(self, socket: Any) -> None:
        super().__init__(socket)
        self.packets_in = 0
        self.heard_at = time.monotonic()
        self._preamble = 0

    def start_handshake(self, timeout: float) -> None:
        """Nothing: the attempt that connects has a deadline for all of it."""

    def complete_handshake(self) -> None:
        self.packets_in += 1
        self.heard_at = time.monotonic()

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:
        if not 0 <= n <= MAX_PACKET:
            raise SSHException("a packet of impossible size: the stream is corrupt, or not SSH")
        return super().read_all(n, check_rekey)

    def _read_timeout(self, timeout: float) -> bytes:
        piece: bytes = super()._read_timeout(timeout)  # type: ignore[misc]  # not in the stubs
        self._preamble += len(piece)
        if self._preamble > MAX_PREAMBLE:
            raise SSHException("64 KiB came in and no SSH banner among them")
        return piece
