"""OpenSSH's own private key format (PROTOCOL.key): the container, its public part, its comment."""

from __future__ import annotations

import base64
import binascii

import msgspec

from .wire import Malformed, Reader, key_type, string

MAGIC = b"openssh-key-v1\0"
BEGIN = "-----BEGIN OPENSSH PRIVATE KEY-----"
END = "-----END OPENSSH PRIVATE KEY-----"
_LINE = 70

_PRIVATE_FIELDS = {"ssh-ed25519": 2, "ssh-rsa": 6, "ssh-dss": 5}
_ECDSA_FIELDS = 3


class Container(msgspec.Struct, frozen=True):
    """``private`` is the (encrypted) section with what follows it, an authentication tag for instance."""

    cipher: str
    kdf: str
    kdf_options: bytes
    public_blob: bytes
    private: bytes
    tag: bytes

    @property
    def encrypted(self) -> bool:
        return self.cipher != "none"

    @property
    def key_type(self) -> str:
        return key_type(self.public_blob)


def is_container(text: str) -> bool:
    return BEGIN in text


def parse_container(text: str) -> Container:
    """Reads the text of such a file. Raises Malformed."""
    body = text.partition(BEGIN)[2].partition(END)
    if not body[1]:
        raise Malformed("the end of the key is missing")
    try:
        data = base64.b64decode("".join(body[0].split()), validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("the key is not base64") from None
    if not data.startswith(MAGIC):
        raise Malformed("not in OpenSSH's key format")
    reader = Reader(data[len(MAGIC) :])
    cipher, kdf, options = reader.text(), reader.text(), reader.string()
    if reader.uint32() != 1:
        raise Malformed("only files with one key are read")
    public, private = reader.string(), reader.string()
    key_type(public)
    return Container(cipher, kdf, options, public, private, reader.rest)


def plain_text(public_blob: bytes, private: bytes) -> bytes:
    """The file text of an unencrypted key from its two sections."""
    one_key = (1).to_bytes(4, "big")
    data = (
        MAGIC
        + string(b"none")
        + string(b"none")
        + string(b"")
        + one_key
        + string(public_blob)
        + string(private)
    )
    encoded = base64.b64encode(data).decode()
    lines = [encoded[at : at + _LINE] for at in range(0, len(encoded), _LINE)]
    return "\n".join((BEGIN, *lines, END, "")).encode()


def check_private(private: bytes) -> None:
    """Raises Malformed unless the decrypted section begins with its two equal check numbers."""
    reader = Reader(private)
    if reader.uint32() != reader.uint32():
        raise Malformed("the check numbers differ")


def comment_of(private: bytes) -> str | None:
    """The comment in a decrypted section, None for a type of key whose fields we do not know."""
    reader = Reader(private)
    reader.take(8)
    kind = reader.text()
    fields = _ECDSA_FIELDS if kind.startswith("ecdsa-sha2-") else _PRIVATE_FIELDS.get(kind)
    if fields is None:
        return None
    for _ in range(fields):
        reader.string()
    return reader.text()
