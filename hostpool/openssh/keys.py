"""Private key files and certificates, looked at without decrypting anything and without cryptography."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from hostpool.errors import ConfigError

from .certificates import is_certificate
from .host_config import DEFAULT_IDENTITIES
from .key_container import comment_of, is_container, parse_container
from .key_decryption import decrypt_key, public_part
from .wire import Malformed, decode_key

__all__ = [
    "DEFAULT_IDENTITIES",
    "KeyFile",
    "certificate_beside",
    "decrypt_key",
    "inspect_key",
    "load_certificate",
    "permissions_problem",
    "public_part",
]

MAX_SIZE = 1 << 20
"""Bytes; as in OpenSSH (MAX_KEY_FILE_SIZE)."""


class KeyFile(msgspec.Struct, frozen=True):
    """``type``, ``public_blob`` and ``comment`` are None where only decryption could tell."""

    path: str
    type: str | None
    encrypted: bool
    public_blob: bytes | None
    comment: str | None = None


def inspect_key(path: str) -> KeyFile:
    """What a private key file is. Raises ConfigError for anything else, OSError if it cannot be read.

    The public part comes out of OpenSSH's format itself; for PEM and PKCS8 from ``path.pub``.
    """
    text = _read(path)
    if is_container(text):
        return _inspect_container(path, text)
    label = _pem_label(text)
    if label is None or not label.endswith("PRIVATE KEY"):
        raise _not_a_private_key(path, text)
    encrypted = label == "ENCRYPTED PRIVATE KEY" or "Proc-Type: 4,ENCRYPTED" in text
    named = {"RSA PRIVATE KEY": "ssh-rsa", "DSA PRIVATE KEY": "ssh-dss"}.get(label)
    public = _public_beside(path)
    if public is None:
        return KeyFile(path, named, encrypted, None)
    return KeyFile(path, public.type, encrypted, public.public_blob, public.comment)


def permissions_problem(path: str) -> str | None:
    """Why ssh would not use the key file, None if it would.

    As in OpenSSH (sshkey_perm_ok): a key of our own that others may read or write is not used.
    """
    status = Path(path).stat()
    if status.st_uid != os.getuid() or not status.st_mode & 0o077:
        return None
    mode = status.st_mode & 0o777
    return f"permissions {mode:04o} for {path} are too open: the key is not used (chmod 600 {path})"


def load_certificate(path: str) -> bytes:
    """The wire form of the certificate in a ``…-cert.pub`` file. Raises ConfigError and OSError."""
    public = _parse_public(path, _read(path))
    if public is None or public.public_blob is None:
        raise ConfigError("not a certificate", file=path, kind="certificate")
    if not is_certificate(public.public_blob):
        raise ConfigError(
            "a public key, not a certificate", file=path, kind="certificate", hint="ssh-keygen -s signs one"
        )
    return public.public_blob


def certificate_beside(path: str) -> str | None:
    """The certificate that ssh tries with an identity file: ``path-cert.pub``, if it is there."""
    beside = Path(f"{path}-cert.pub")
    return str(beside) if beside.exists() else None


def _read(path: str) -> str:
    with open(path, "rb") as file:
        data = file.read(MAX_SIZE + 1)
    if len(data) > MAX_SIZE:
        raise ConfigError("too large for a key file", file=path, kind="private_key")
    return data.decode("latin-1")


def _inspect_container(path: str, text: str) -> KeyFile:
    try:
        container = parse_container(text)
        comment = None if container.encrypted else comment_of(container.private)
        named = container.key_type
    except Malformed as error:
        raise ConfigError(f"a damaged private key: {error}", file=path, kind="private_key") from None
    if comment is None and (public := _public_beside(path)) is not None:
        comment = public.comment
    return KeyFile(path, named, container.encrypted, container.public_blob, comment)


def _pem_label(text: str) -> str | None:
    for line in text.splitlines():
        if line.startswith("-----BEGIN ") and line.rstrip().endswith("-----"):
            return line.rstrip()[11:-5]
    return None


def _public_beside(path: str) -> KeyFile | None:
    try:
        return _parse_public(f"{path}.pub", _read(f"{path}.pub"))
    except OSError:
        return None


def _parse_public(path: str, text: str) -> KeyFile | None:
    for line in text.splitlines():
        words = line.split(None, 2)
        if len(words) < 2 or words[0].startswith("#"):
            continue
        try:
            blob = decode_key(words[1], words[0])
        except Malformed:
            return None
        return KeyFile(path, words[0], False, blob, words[2].strip() if len(words) > 2 else None)
    return None


def _not_a_private_key(path: str, text: str) -> ConfigError:
    if _parse_public(path, text) is not None or (_pem_label(text) or "").endswith("PUBLIC KEY"):
        private = path.removesuffix(".pub")
        hint = f"name the private key: {private}" if private != path else "name the private key instead"
        return ConfigError("a public key, not a private one", file=path, kind="private_key", hint=hint)
    if text.startswith("PuTTY-User-Key-File"):
        hint = "puttygen KEY -O private-openssh -o NEW converts it"
        return ConfigError("a key in PuTTY's format", file=path, kind="private_key", hint=hint)
    return ConfigError("not a private key", file=path, kind="private_key")
