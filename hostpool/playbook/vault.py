"""Ansible Vault's format 1.1 and 1.2: PBKDF2-SHA256, AES-256-CTR, HMAC-SHA256 over the ciphertext.

Source: ansible/parsing/vault/__init__.py (VaultAES256).
"""

from __future__ import annotations

import hmac
from binascii import Error as HexError
from binascii import unhexlify
from collections.abc import Sequence
from hashlib import pbkdf2_hmac, sha256

from hostpool.secrets import Secret

HEADER = "$ANSIBLE_VAULT;"
_ITERATIONS = 10_000


class VaultError(ValueError):
    """Not to be decrypted; the message says why."""


def is_vault(data: bytes | str) -> bool:
    if isinstance(data, bytes):
        return data.startswith(HEADER.encode())
    return data.startswith(HEADER)


def decrypt(text: str, passwords: Sequence[Secret]) -> bytes:
    """The plaintext, by the first password that fits. Raises VaultError."""
    salt, code, ciphertext = _parts(text)
    if not passwords:
        raise VaultError("it is encrypted with Ansible Vault, and no vault password is given")
    for password in passwords:
        derived = pbkdf2_hmac("sha256", password.reveal().encode(), salt, _ITERATIONS, 80)
        if hmac.compare_digest(hmac.new(derived[32:64], ciphertext, sha256).digest(), code):
            return _decrypted(derived[:32], derived[64:80], ciphertext)
    raise VaultError("none of the vault passwords fits")


def _parts(text: str) -> tuple[bytes, bytes, bytes]:
    lines = text.strip().splitlines()
    head = lines[0].strip().split(";") if lines else []
    if len(head) < 3 or head[1] not in ("1.1", "1.2") or head[2].strip() != "AES256":
        raise VaultError(f"no vault format that is known: {lines[0][:60] if lines else ''!r}")
    try:
        body = unhexlify("".join(line.strip() for line in lines[1:]))
        salt, code, ciphertext = (unhexlify(part) for part in body.split(b"\n", 2))
    except (HexError, ValueError) as error:
        raise VaultError("the vault text is damaged") from error
    return salt, code, ciphertext


def _decrypted(key: bytes, counter: bytes, ciphertext: bytes) -> bytes:
    from cryptography.hazmat.primitives import padding
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    decryptor = Cipher(algorithms.AES(key), modes.CTR(counter)).decryptor()
    unpadder = padding.PKCS7(128).unpadder()
    plain = decryptor.update(ciphertext) + decryptor.finalize()
    return unpadder.update(plain) + unpadder.finalize()
