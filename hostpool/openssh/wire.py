"""SSH's wire format (RFC 4251, section 5), as far as keys and certificates need it."""

from __future__ import annotations

import base64
import binascii


class Malformed(ValueError):
    """Bytes that are not what they should be."""


class Reader:
    """Takes fields off a buffer, front to back. Raises Malformed where it ends too early."""

    __slots__ = ("at", "data")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, size: int) -> bytes:
        end = self.at + size
        if end > len(self.data):
            raise Malformed("the data end too early")
        piece = self.data[self.at : end]
        self.at = end
        return piece

    def uint32(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def uint64(self) -> int:
        return int.from_bytes(self.take(8), "big")

    def string(self) -> bytes:
        return self.take(self.uint32())

    def text(self) -> str:
        return self.string().decode("utf-8", "replace")

    def mpint(self) -> int:
        return int.from_bytes(self.string(), "big", signed=True)

    @property
    def rest(self) -> bytes:
        return self.data[self.at :]


def string(data: bytes) -> bytes:
    """``data`` with its length before it."""
    return len(data).to_bytes(4, "big") + data


def key_type(blob: bytes) -> str:
    """The type that a key blob names itself, such as ``ssh-ed25519``. Raises Malformed."""
    try:
        return Reader(blob).string().decode("ascii")
    except UnicodeDecodeError:
        raise Malformed("the type of the key is not ASCII") from None


def fingerprint(blob: bytes) -> str:
    """``SHA256:…`` as ssh prints it (base64 without padding)."""
    import hashlib

    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def decode_key(text: str | bytes, named: str) -> bytes:
    """The blob of a base64 key that is said to be of type ``named``. Raises Malformed."""
    try:
        blob = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("the key is not base64") from None
    inside = key_type(blob)
    if inside != named:
        raise Malformed(f"the key says it is {inside}, the line says {named}")
    return blob
