"""The lines of known_hosts and RevokedHostKeys files."""

from __future__ import annotations

import base64
import binascii
from enum import Enum
from pathlib import Path

import msgspec

from hostpool.errors import SSHConfigError

from .wire import Malformed, decode_key

_HASH_PREFIX = "|1|"
_SHA1_SIZE = 20
_KRL_MAGIC = b"SSHKRL\n\0"


class Marker(Enum):
    KEY = ""
    CA = "@cert-authority"
    REVOKED = "@revoked"


class Entry(msgspec.Struct, frozen=True):
    """One line: ``names`` as written (patterns or a hash), the key's raw ``blob``, and its place."""

    names: str
    key_type: str
    blob: bytes
    marker: Marker
    file: str
    line: int


def read_revoked(path: str) -> str:
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise SSHConfigError(f"RevokedHostKeys: {error.strerror}", file=path) from None
    if data.startswith(_KRL_MAGIC):
        raise SSHConfigError(
            "RevokedHostKeys: key revocation lists in binary form are not read",
            file=path,
            hint="list the public keys one a line",
        )
    return data.decode("utf-8", "surrogateescape")


def read_lines(path: str, warnings: list[str]) -> str | None:
    try:
        return Path(path).read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return None
    except OSError as error:
        warnings.append(f"{path}: {error.strerror}; the file is skipped")
        return None


def parse_line(words: list[str], path: str, number: int) -> Entry:
    marker = Marker.KEY
    if words[0].startswith("@"):
        try:
            marker = Marker(words[0])
        except ValueError:
            raise Malformed(f"unknown marker {words[0]}") from None
        words = words[1:]
    if len(words) < 3:
        raise Malformed("a line is: [@marker] names key-type base64-key [comment]")
    names, named, text = words[:3]
    return Entry(names, named, decode_key(text, named), marker, path, number)


def hash_parts(names: str) -> tuple[bytes, bytes]:
    parts = names.split("|")
    try:
        if names.startswith(_HASH_PREFIX) and len(parts) == 4:
            salt, hashed = (base64.b64decode(part, validate=True) for part in parts[2:])
            if len(salt) == len(hashed) == _SHA1_SIZE:
                return salt, hashed
    except (binascii.Error, ValueError):
        pass
    raise Malformed("the hashed name is not |1|salt|hash")
