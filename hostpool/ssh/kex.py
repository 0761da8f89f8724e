"""The usual key exchange, with a private key made of the kernel's random bytes.

OpenSSL would set up a random generator for each thread that asks it for a key, and each connection has a
thread: 6 KiB a session, kept as long as it is open.
"""

from __future__ import annotations

import os
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from paramiko.kex_curve25519 import KexCurve25519, c_MSG_KEXECDH_INIT
from paramiko.message import Message

_REPLY = 31  # SSH_MSG_KEX_ECDH_REPLY, RFC 5656 §4


class Curve25519(KexCurve25519):
    """curve25519-sha256 (RFC 8731), a client's side."""

    transport: Any

    def start_kex(self) -> None:
        self.key = X25519PrivateKey.from_private_bytes(os.urandom(32))
        m = Message()
        m.add_byte(c_MSG_KEXECDH_INIT)
        m.add_string(self.key.public_key().public_bytes_raw())
        self.transport._send_message(m)
        self.transport._expect_packet(_REPLY)
