"""Private keys of every format that OpenSSH writes, turned into unencrypted OpenSSH text.

``cryptography`` and ``bcrypt`` are imported only for keys that need them. Nothing here checks that
an RSA key's numbers are prime: that costs 80 ms a key, and ssh does not do it either.
"""

from __future__ import annotations

from typing import NamedTuple

from hostpool.errors import ConfigError

from .key_container import Container, check_private, is_container, parse_container, plain_text
from .wire import Malformed, Reader

SUPPORTED = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")
_CURVES = ("secp256r1", "secp384r1", "secp521r1")


class _Cipher(NamedTuple):
    key: int
    iv: int
    mode: str


_CIPHERS = {
    "aes128-cbc": _Cipher(16, 16, "CBC"),
    "aes192-cbc": _Cipher(24, 16, "CBC"),
    "aes256-cbc": _Cipher(32, 16, "CBC"),
    "aes128-ctr": _Cipher(16, 16, "CTR"),
    "aes192-ctr": _Cipher(24, 16, "CTR"),
    "aes256-ctr": _Cipher(32, 16, "CTR"),
    "aes128-gcm@openssh.com": _Cipher(16, 12, "GCM"),
    "aes256-gcm@openssh.com": _Cipher(32, 12, "GCM"),
    "3des-cbc": _Cipher(24, 8, "3DES"),
    "chacha20-poly1305@openssh.com": _Cipher(64, 0, "CHACHA"),
}


def decrypt_key(data: bytes, passphrase: str | None) -> bytes:
    """The key as unencrypted text in OpenSSH's format, whatever it was.

    The passphrase of a key that has none is ignored.

    Raises ConfigError, its ``kind`` being ``passphrase_needed``, ``passphrase_wrong``,
    ``unsupported_key`` or ``private_key`` (damaged, or no private key at all).
    """
    text = data.decode("latin-1")
    if is_container(text):
        return _decrypt_container(text, passphrase)
    if "PRIVATE KEY-----" in text:
        return _convert_pem(data, text, passphrase)
    raise ConfigError("not a private key", kind="private_key")


def public_part(text: bytes) -> bytes:
    """The public key blob of an OpenSSH-format key, encrypted or not. Raises ConfigError."""
    try:
        return parse_container(text.decode("latin-1")).public_blob
    except Malformed as error:
        raise ConfigError(f"a damaged private key: {error}", kind="private_key") from None


def _decrypt_container(text: str, passphrase: str | None) -> bytes:
    try:
        container = parse_container(text)
        named = container.key_type
    except Malformed as error:
        raise ConfigError(f"a damaged private key: {error}", kind="private_key") from None
    if named not in SUPPORTED:
        raise _unsupported(named)
    if not container.encrypted:
        return _plain(container, container.private, "private_key", "a damaged private key")
    if passphrase is None:
        raise _passphrase_needed()
    private = _decrypt_section(container, passphrase)
    return _plain(container, private, "passphrase_wrong", "the passphrase is wrong")


def _plain(container: Container, private: bytes, kind: str, message: str) -> bytes:
    try:
        check_private(private)
    except Malformed:
        raise ConfigError(message, kind=kind) from None
    return plain_text(container.public_blob, private)


def _decrypt_section(container: Container, passphrase: str) -> bytes:
    """The decrypted section; garbage after a wrong passphrase where the cipher has no tag."""
    import bcrypt

    cipher = _CIPHERS.get(container.cipher)
    if cipher is None or container.kdf != "bcrypt":
        raise ConfigError(
            f"the key is encrypted with {container.cipher} and {container.kdf}, which are not supported",
            kind="unsupported_key",
            hint="ssh-keygen -p -f KEY encrypts it anew",
        )
    try:
        options = Reader(container.kdf_options)
        salt, rounds = options.string(), options.uint32()
        material = bcrypt.kdf(
            passphrase.encode(), salt, cipher.key + cipher.iv, rounds, ignore_few_rounds=True
        )
    except ValueError as error:
        if not passphrase:
            raise ConfigError("the passphrase is wrong", kind="passphrase_wrong") from None
        raise ConfigError(f"a damaged private key: {error}", kind="private_key") from None
    key, iv = material[: cipher.key], material[cipher.key :]
    return _decipher(cipher.mode, key, iv, container.private, container.tag)


def _decipher(mode: str, key: bytes, iv: bytes, data: bytes, tag: bytes) -> bytes:
    from cryptography.exceptions import InvalidSignature, InvalidTag
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    try:
        if mode == "CHACHA":
            return _chacha20_poly1305(key, data, tag)
        if mode == "3DES":
            from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES

            decryptor = Cipher(TripleDES(key), modes.CBC(iv)).decryptor()
        elif mode == "GCM":
            decryptor = Cipher(algorithms.AES(key), modes.GCM(iv, tag[:16])).decryptor()
        else:
            chain = modes.CBC(iv) if mode == "CBC" else modes.CTR(iv)
            decryptor = Cipher(algorithms.AES(key), chain).decryptor()
        return decryptor.update(data) + decryptor.finalize()
    except (InvalidTag, InvalidSignature):
        raise ConfigError("the passphrase is wrong", kind="passphrase_wrong") from None
    except ValueError as error:
        raise ConfigError(f"a damaged private key: {error}", kind="private_key") from None


def _chacha20_poly1305(key: bytes, data: bytes, tag: bytes) -> bytes:
    """OpenSSH's own construction (PROTOCOL.chacha20poly1305): sequence number 0, the key's first half."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
    from cryptography.hazmat.primitives.poly1305 import Poly1305

    def stream(counter: int, text: bytes) -> bytes:
        nonce = counter.to_bytes(8, "little") + bytes(8)
        return Cipher(algorithms.ChaCha20(key[:32], nonce), mode=None).encryptor().update(text)

    Poly1305.verify_tag(stream(0, bytes(32)), data, tag[:16])
    return stream(1, data)


def _convert_pem(data: bytes, text: str, passphrase: str | None) -> bytes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    encrypted = "BEGIN ENCRYPTED PRIVATE KEY" in text or "Proc-Type: 4,ENCRYPTED" in text
    if "BEGIN DSA PRIVATE KEY" in text:
        raise _unsupported("ssh-dss")
    if encrypted and passphrase is None:
        raise _passphrase_needed()
    secret = passphrase.encode() if encrypted and passphrase is not None else None
    try:
        key = serialization.load_pem_private_key(data, secret, unsafe_skip_rsa_key_validation=True)
    except UnsupportedAlgorithm as error:
        raise ConfigError(f"the key is not supported: {error}", kind="unsupported_key") from None
    except (ValueError, TypeError):
        if encrypted:
            raise ConfigError("the passphrase is wrong", kind="passphrase_wrong") from None
        raise ConfigError("a damaged private key", kind="private_key") from None
    if isinstance(key, ec.EllipticCurvePrivateKey):
        if key.curve.name not in _CURVES:
            raise _unsupported(f"ECDSA on {key.curve.name}")
    elif not isinstance(key, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey):
        raise _unsupported("ssh-dss" if "DSA" in type(key).__name__ else type(key).__name__)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )


def _passphrase_needed() -> ConfigError:
    return ConfigError(
        "the key is encrypted",
        kind="passphrase_needed",
        hint="load it into an agent with ssh-add, or run at a terminal to be asked",
    )


def _unsupported(named: str) -> ConfigError:
    if named.startswith("sk-"):
        hint = "ssh-add loads it into an agent, which can use the security key"
    else:
        hint = "ssh-keygen -t ed25519 makes a key of today's type"
    return ConfigError(f"keys of type {named} are not supported", kind="unsupported_key", hint=hint)
