"""Encrypts as ansible-vault does, for tests."""

from __future__ import annotations

import hmac
import os
from binascii import hexlify
from hashlib import pbkdf2_hmac, sha256

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


def encrypted(plain: bytes, password: str) -> str:
    salt = os.urandom(32)
    derived = pbkdf2_hmac("sha256", password.encode(), salt, 10_000, 80)
    padder = padding.PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES(derived[:32]), modes.CTR(derived[64:80])).encryptor()
    body = encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()
    code = hmac.new(derived[32:64], body, sha256).digest()
    text = hexlify(b"\n".join(hexlify(part) for part in (salt, code, body))).decode()
    lines = [text[start : start + 80] for start in range(0, len(text), 80)]
    return "\n".join(["$ANSIBLE_VAULT;1.1;AES256", *lines]) + "\n"
