"""``password_hash``: what crypt(3) makes of a password, for ``user`` and htpasswd files.

SHA-256 and SHA-512 by Ulrich Drepper's description (akkadia.org/drepper/SHA-crypt.txt): Python 3.13 has
no crypt module any more. Blowfish by the bcrypt package, which paramiko brings.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from typing import Any

_ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ROUNDS = 5000
_SHA = {"sha256": ("5", 32), "sha512": ("6", 64)}


def password_hash(
    password: Any, hashtype: str = "sha512", salt: str | None = None, salt_size: int | None = None,
    rounds: int | None = None, ident: str | None = None,
) -> str:  # fmt: skip
    """Without ``salt`` another one each time. ``rounds`` as crypt(3) has them: 5,000, or 12 for blowfish."""
    text = str(password)
    if hashtype in ("blowfish", "bcrypt"):
        return _blowfish(text, salt, rounds, ident)
    if hashtype not in _SHA:
        raise ValueError(f"password_hash: {hashtype!r} is none of {', '.join(_SHA)}, blowfish")
    if salt is None:
        salt = "".join(secrets.choice(_ALPHABET) for _ in range(salt_size or 16))
    if not set(salt) <= set(_ALPHABET):
        raise ValueError("password_hash: a salt holds letters, digits, dots and slashes only")
    return sha_crypt(text, salt[:16], hashtype, rounds)


def sha_crypt(password: str, salt: str, kind: str = "sha512", rounds: int | None = None) -> str:
    digest = getattr(hashlib, kind)
    number, size = _SHA[kind]
    count = _ROUNDS if rounds is None else min(max(rounds, 1000), 999_999_999)
    word, grain = password.encode(), salt.encode()
    other = digest(word + grain + word).digest()
    mixed = word + grain + _long(other, len(word))
    bits = len(word)
    while bits:
        mixed += other if bits & 1 else word
        bits >>= 1
    state = digest(mixed).digest()
    p = _long(digest(word * len(word)).digest(), len(word))
    s = _long(digest(grain * (16 + state[0])).digest(), len(grain))
    for turn in range(count):
        odd = turn & 1
        part = (p if odd else state) + (s if turn % 3 else b"") + (p if turn % 7 else b"")
        state = digest(part + (state if odd else p)).digest()
    said = "" if rounds is None else f"rounds={count}$"
    return f"${number}${said}{salt}${_encoded(state, size)}"


def _long(data: bytes, length: int) -> bytes:
    return (data * (length // len(data) + 1))[:length]


def _encoded(state: bytes, size: int) -> str:
    """Three bytes become four letters, in the order in which the algorithm takes them."""
    third = size // 3
    text = ""
    for i in range(third):
        # Each group of three begins one place further; the two sizes turn in opposite directions.
        turn = (i if size == 64 else -i) % 3
        places = [i, i + third, i + 2 * third]
        a, b, c = (state[place] for place in places[turn:] + places[:turn])
        text += _letters(a << 16 | b << 8 | c, 4)
    if size == 64:
        return text + _letters(state[63], 2)
    return text + _letters(state[31] << 8 | state[30], 3)


def _letters(value: int, count: int) -> str:
    return "".join(_ALPHABET[value >> 6 * place & 63] for place in range(count))


def _blowfish(password: str, salt: str | None, rounds: int | None, ident: str | None) -> str:
    import bcrypt

    if ident not in (None, "2b", "2a", "2y"):
        raise ValueError(f"password_hash: no such ident {ident!r}")
    cost = 12 if rounds is None else rounds
    grain = bcrypt.gensalt(cost) if salt is None else f"$2b${cost:02d}${salt}".encode()
    made = bcrypt.hashpw(password.encode(), grain).decode()
    return made if ident is None else f"${ident}{made[3:]}"


PASSWORDS: dict[str, Callable[..., Any]] = {"password_hash": password_hash}
