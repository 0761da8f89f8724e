"""Which algorithms are offered, in which order.

AES-GCM first (twice the speed of CTR with a MAC here), cheap key exchanges before any
Diffie-Hellman group, nothing broken unless a host's settings name it.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

import msgspec

from hostpool.messages import Target

CERTIFICATE = "-cert-v01@openssh.com"

CIPHERS = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
)
KEX = (
    "mlkem768x25519-sha256",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group14-sha256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group-exchange-sha256",
)
MACS = (
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
)
HOST_KEYS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)


class Offer(msgspec.Struct, frozen=True):
    ciphers: tuple[str, ...]
    kex: tuple[str, ...]
    macs: tuple[str, ...]
    host_keys: tuple[str, ...]
    compression: tuple[str, ...]


def key_type(algorithm: str) -> str:
    """The type a key of this signature algorithm has in known_hosts (RFC 8332 §2)."""
    plain = algorithm.removesuffix(CERTIFICATE)
    return "ssh-rsa" if plain in ("rsa-sha2-256", "rsa-sha2-512") else plain


def order_host_keys(
    known_types: Iterable[str], authorities: bool, wanted: tuple[str, ...]
) -> tuple[str, ...]:
    """Algorithms of *all* keys known for the host first, so that a host with several keys shows one we
    know. Certificates are asked for only where an authority is known: others could not be verified."""
    allowed = choose(wanted, HOST_KEYS, HOST_KEYS)
    known = set(known_types)
    first = [name for name in allowed if key_type(name) in known]
    rest = [name for name in allowed if key_type(name) not in known]
    certificates = [name + CERTIFICATE for name in allowed] if authorities else []
    return (*certificates, *first, *rest)


def choose(wanted: tuple[str, ...], ours: tuple[str, ...], supported: Iterable[str]) -> tuple[str, ...]:
    """What a setting leaves of ``ours``: a list replaces it, ``+`` adds, ``-`` takes away, ``^`` puts
    in front (ssh_config(5)). Patterns match within what is supported; unknown names drop out."""
    if not wanted:
        return ours
    mark, names = wanted[0][:1], list(wanted)
    if mark in "+-^":
        names[0] = names[0][1:]
    else:
        mark = ""
    supported = tuple(supported)
    named = [s for name in names for s in supported if fnmatchcase(s, name)]
    if mark == "+":
        named = [*ours, *named]
    elif mark == "^":
        named = [*named, *ours]
    elif mark == "-":
        named = [name for name in ours if name not in named]
    return tuple(dict.fromkeys(named))


def offer_for(target: Target, host_keys: tuple[str, ...], supported: Offer) -> Offer:
    return Offer(
        ciphers=choose(target.ciphers, CIPHERS, supported.ciphers),
        kex=choose(target.kex, tuple(k for k in KEX if k in supported.kex), supported.kex),
        macs=choose(target.macs, MACS, supported.macs),
        host_keys=host_keys,
        compression=("zlib@openssh.com", "none") if target.compression else ("none",),
    )
