"""Private keys and certificates from files: read once per process, signed with `cryptography`."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from hostpool.errors import ConfigError
from hostpool.openssh.keys import inspect_key, load_certificate, permissions_problem
from hostpool.openssh.wire import Malformed, Reader, decode_key, string
from hostpool.secrets import Secret
from hostpool.ssh.algorithms import CERTIFICATE

PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
_RSA = ("rsa-sha2-512", "rsa-sha2-256")


class KeyFileError(Exception):
    """A key file cannot be used; the text says why, without its name."""


class Locked(KeyFileError):
    """A key file is encrypted."""


class Identity(msgspec.Struct, frozen=True):
    """Something to log in with: ``blob`` is the public key or certificate in wire form, ``label``
    what a person calls it. ``costly``: signing asks a person or a device, so ask the host first."""

    label: str
    blob: bytes
    sign: Callable[[bytes, str], bytes]
    costly: bool = False

    @property
    def type(self) -> str:
        return Reader(self.blob).text()


def algorithm_for(identity_type: str, accepted: tuple[str, ...], allowed: tuple[str, ...]) -> str | None:
    """The signature algorithm for a key of this type, None if the two sides share none.

    ``accepted`` is the host's server-sig-algs (empty: unknown), ``allowed`` our own setting.
    """
    suffix = CERTIFICATE if identity_type.endswith(CERTIFICATE) else ""
    plain = plain_type(identity_type)
    for name in _RSA if plain == "ssh-rsa" else (plain,):
        full = name + suffix if plain == "ssh-rsa" else identity_type
        if all(not names or name in names or full in names for names in (accepted, allowed)):
            return full
    return None


def plain_type(identity_type: str) -> str:
    """The type of the key inside a certificate; any other type as it is."""
    if not identity_type.endswith(CERTIFICATE):
        return identity_type
    plain = identity_type.removesuffix(CERTIFICATE)
    return plain + "@openssh.com" if plain.startswith("sk-") else plain


def load_private(data: bytes) -> PrivateKey:
    """Reads OpenSSH, PEM and PKCS8. Raises Locked or KeyFileError.

    The consistency of an RSA key is not proved again (84 ms): a broken one fails at the host.
    """
    try:
        key: object
        if b"BEGIN OPENSSH PRIVATE KEY" in data:
            key = serialization.load_ssh_private_key(data, None, unsafe_skip_rsa_key_validation=True)
        else:
            key = serialization.load_pem_private_key(data, None, unsafe_skip_rsa_key_validation=True)
    except TypeError:
        raise Locked("it is encrypted") from None
    except (ValueError, UnsupportedAlgorithm) as error:
        if b"ENCRYPTED" in data:
            raise Locked("it is encrypted") from error
        raise KeyFileError(f"not a private key we can read: {error}") from error
    if isinstance(key, ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        return key
    raise KeyFileError("DSA and other outdated keys are not supported")


@lru_cache
def public_blob(key: PrivateKey) -> bytes:
    line = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return base64.b64decode(line.split()[1])


def sign(key: PrivateKey, data: bytes, algorithm: str) -> bytes:
    """A signature blob (RFC 8709 §6, RFC 5656 §3.1.2, RFC 8332 §3)."""
    name = algorithm.removesuffix(CERTIFICATE)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        raw = key.sign(data)
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        digest = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}[key.curve.key_size]
        r, s = decode_dss_signature(key.sign(data, ec.ECDSA(digest)))
        raw = _mpint(r) + _mpint(s)
    else:
        chosen = hashes.SHA512() if name == "rsa-sha2-512" else hashes.SHA256()
        raw = key.sign(data, padding.PKCS1v15(), chosen)
    return string(name.encode()) + string(raw)


def _mpint(number: int) -> bytes:
    return string(number.to_bytes(number.bit_length() // 8 + 1, "big") if number else b"")


def read_public_half(path: str) -> bytes | None:
    """The public key of a private key file, even of an encrypted one, from it or the .pub beside it.

    There may be only the public file, the agent holding the key itself. None if there is neither.
    """
    for file, reader in ((path, _inspected), (path + ".pub", _public_line), (path, _public_line)):
        blob = reader(file)
        if blob is not None:
            return blob
    return None


def _inspected(path: str) -> bytes | None:
    try:
        return inspect_key(path).public_blob
    except (ConfigError, OSError):
        return None


def _public_line(path: str) -> bytes | None:
    try:
        words = Path(path).read_text("latin-1").split(None, 2)
        return decode_key(words[1], words[0])
    except (OSError, IndexError, Malformed):
        return None


def read_certificate(path: str) -> bytes | None:
    """None if there is no certificate in the file, or no file."""
    try:
        return load_certificate(path)
    except (ConfigError, OSError):
        return None


class KeyRing:
    """The key files of one process: each is read at most once, a refused passphrase is final."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: dict[str, PrivateKey | KeyFileError | None] = {}
        self._unlocking: dict[str, threading.Lock] = {}

    def load(self, path: str) -> PrivateKey | None:
        """None if there is no such file. Raises Locked, KeyFileError."""
        with self._lock:
            if path not in self._keys:
                self._keys[path] = _read(path)
            found = self._keys[path]
        if isinstance(found, KeyFileError):
            raise found
        return found

    def unlock(self, path: str, ask: Callable[[], Secret | None]) -> PrivateKey:
        """Asks for the decrypted key, once per process however many hosts want it. Raises as load."""
        with self._lock:
            turn = self._unlocking.setdefault(path, threading.Lock())
        with turn:
            with self._lock:
                found = self._keys.get(path)
            if not isinstance(found, Locked) or isinstance(found, Refused):
                key = self.load(path)
                if key is None:
                    raise KeyFileError("the file is gone")
                return key
            answer = ask()
            unlocked: PrivateKey | KeyFileError
            if answer is None:
                unlocked = Refused("it is encrypted and nobody gave its passphrase")
            else:
                try:
                    unlocked = load_private(answer.reveal().encode())
                except KeyFileError as error:
                    unlocked = error
            with self._lock:
                self._keys[path] = unlocked
        if isinstance(unlocked, KeyFileError):
            raise unlocked
        return unlocked


class Refused(Locked):
    """The passphrase was asked for in vain."""


def _read(path: str) -> PrivateKey | KeyFileError | None:
    try:
        problem = permissions_problem(path)
        return KeyFileError(problem) if problem else load_private(Path(path).read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        return KeyFileError(f"cannot be read: {error.strerror}")
    except KeyFileError as error:
        return error
