"""SSH's packets: paramiko's, with bounds on what they believe, and a shorter way for much data."""

from __future__ import annotations

import os
import struct
import threading
import time
from collections.abc import Sequence
from typing import Any

from paramiko.message import Message
from paramiko.packet import Packetizer
from paramiko.ssh_exception import SSHException

MAX_PACKET = 256 * 1024 + 1024  # OpenSSH's PACKET_MAX_SIZE, and room for MAC and padding
MAX_PREAMBLE = 64 * 1024
_AROUND = 4 + 16  # an encrypted packet's length before it, its tag behind
_MOST_AROUND = _AROUND + 1 + 4 + 16  # the length of its padding, and the padding


class Data(Message):
    """Messages with the same ``head`` whose last field is a string: the pieces of ``text``, at most ``most``
    bytes each. They need not be copied into it, and go out together."""

    def __init__(self, head: bytes, text: bytes | memoryview, most: int) -> None:
        super().__init__()
        pieces = [text[at : at + most] for at in range(0, len(text), most)]
        self.packets = [(head, struct.pack(">I", len(piece)), piece) for piece in pieces]


class Packets(Packetizer):
    """Bounded in what it believes, without a timer thread per connection, and never first to rekey.

    A rekey that we start deadlocks paramiko's reader when a CHANNEL_CLOSE comes in meanwhile
    (paramiko#822), so ours would be due only long after the server's own (RFC 4344 §3.1: 2^31 packets).
    """

    REKEY_PACKETS = 2**31
    REKEY_BYTES = 2**36

    _aead: Any = None
    _out = memoryview(bytearray())
    _Packetizer__remainder: bytes
    _Packetizer__closed: bool
    _Packetizer__write_lock: threading.Lock
    _Packetizer__compress_engine_out: Any
    _Packetizer__iv_out: bytes
    _Packetizer__sequence_number_out: int

    def __init__(self, socket: Any) -> None:
        super().__init__(socket)
        self._wire = socket
        self.packets_in = 0
        self.heard_at = time.monotonic()
        self._preamble = 0

    def start_handshake(self, timeout: float) -> None:
        """Nothing: the attempt that connects has a deadline for all of it."""

    def complete_handshake(self) -> None:
        self.packets_in += 1
        self.heard_at = time.monotonic()

    def set_outbound_cipher(self, block_engine: Any, block_size: int, *more: Any, **named: Any) -> None:
        super().set_outbound_cipher(block_engine, block_size, *more, **named)
        # cryptography has encrypt_into for some releases only
        self._aead = block_engine if named.get("aead") and hasattr(block_engine, "encrypt_into") else None
        self._block = block_size

    def send_message(self, data: Message) -> None:
        packets = data.packets if isinstance(data, Data) else [(data.asbytes(),)]
        if self._aead is not None and not self._Packetizer__compress_engine_out:
            self._send_sealed(packets)
            return
        for parts in packets:
            super().send_message(Message(b"".join(parts)))

    def _send_sealed(self, packets: Sequence[tuple[bytes | memoryview, ...]]) -> None:
        """As paramiko does it under AES-GCM (RFC 5647 §7), with one copy in the place of six, and one call of
        the kernel for all. Nothing counts towards a rekey of ours: see above."""
        room = sum(sum(map(len, parts)) + _MOST_AROUND for parts in packets)
        with self._Packetizer__write_lock:
            if len(self._out) < room:
                self._out = memoryview(bytearray(room))
            end = 0
            for parts in packets:
                end = self._seal(parts, end)
            self.write_all(self._out[:end])

    def _seal(self, parts: tuple[bytes | memoryview, ...], start: int) -> int:
        """One packet, at ``start`` of what goes out; returns where it ends."""
        size = sum(map(len, parts))
        padding = 4 + (-(size + 5) % self._block)
        length = struct.pack(">I", size + padding + 1)
        plain = b"".join((bytes((padding,)), *parts, os.urandom(padding)))
        end = start + len(plain) + _AROUND
        iv = self._Packetizer__iv_out
        self._out[start : start + 4] = length
        self._aead.encrypt_into(iv, plain, length, self._out[start + 4 : end])
        self._Packetizer__iv_out = iv[:4] + (int.from_bytes(iv[4:], "big") + 1).to_bytes(8, "big")
        self._Packetizer__sequence_number_out = (self._Packetizer__sequence_number_out + 1) & 0xFFFFFFFF
        return end

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:
        """As paramiko does it, on a stream that waits by itself. Raises EOFError."""
        if not 0 <= n <= MAX_PACKET:
            raise SSHException("a packet of impossible size: the stream is corrupt, or not SSH")
        data = self._Packetizer__remainder[:n]  # what came with the banner's line
        self._Packetizer__remainder = self._Packetizer__remainder[n:]
        while len(data) < n:
            try:
                piece = self._wire.recv(n - len(data))
            except OSError:
                if self._Packetizer__closed:
                    raise EOFError from None
                raise
            if not piece:
                raise EOFError
            data += piece
        return data

    def _read_timeout(self, timeout: float) -> bytes:
        piece: bytes = super()._read_timeout(timeout)  # type: ignore[misc]  # not in the stubs
        self._preamble += len(piece)
        if self._preamble > MAX_PREAMBLE:
            raise SSHException("64 KiB came in and no SSH banner among them")
        return piece
