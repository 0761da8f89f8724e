"""OpenSSH certificates (PROTOCOL.certkeys): parsed, and host certificates checked.

A certificate is a public key with a statement about it, signed by an authority. ``cryptography``
is imported only when a signature is verified.
"""

from __future__ import annotations

import msgspec

from .patterns import matches
from .wire import Malformed, Reader, key_type, string

CERTIFICATE_SUFFIX = "-cert-v01@openssh.com"
HOST, USER = 2, 1
FOREVER = 2**64 - 1

_PLAIN_FIELDS = {
    "ssh-ed25519": 1,
    "ecdsa-sha2-nistp256": 2,
    "ecdsa-sha2-nistp384": 2,
    "ecdsa-sha2-nistp521": 2,
    "ssh-rsa": 2,
}
"""How many fields the public key itself has, all strings or mpints (which are framed alike)."""


class HostCertificate(msgspec.Struct, frozen=True):
    """A certificate for a host or a user (``kind`` HOST or USER). Times are seconds since 1970."""

    blob: bytes
    key_type: str
    plain_blob: bytes
    """The certified key as a plain public key."""
    serial: int
    kind: int
    key_id: str
    principals: tuple[str, ...]
    valid_after: int
    valid_before: int
    critical_options: tuple[tuple[str, bytes], ...]
    authority: bytes
    """The public key of the authority."""
    signature: bytes
    signed: bytes
    """The bytes that the signature covers."""

    @property
    def signature_algorithm(self) -> str:
        return Reader(self.signature).text()

    def problem(self, host: str, now: float | None = None) -> str | None:
        """Why this is no valid host certificate for ``host`` (patterns count), None if it is.

        As OpenSSH does (sshkey_cert_check_host): type, validity, principals, no critical options,
        and the signature of the authority, which must not use SHA-1. A certificate without
        principals is good for every host (ssh-keygen(1), CERTIFICATES).
        """
        if now is None:
            import time

            now = time.time()
        if self.kind != HOST:
            return "the certificate is for a user, not for a host"
        if now < self.valid_after:
            return f"the certificate is not valid before {_date(self.valid_after)}"
        if now >= self.valid_before:
            return f"the certificate has expired on {_date(self.valid_before)}"
        if self.principals and not any(matches(host, principal) for principal in self.principals):
            return f"the certificate is for {', '.join(self.principals)}, not for {host}"
        if self.critical_options:
            name = self.critical_options[0][0]
            return f"the certificate has the critical option {name!r}, which hosts do not have"
        return None if self.signature_holds() else "the signature of the certificate's authority is wrong"

    def signature_holds(self) -> bool:
        """Whether the authority has signed it, by an algorithm that may be used."""
        return verify_signature(self.authority, self.signature, self.signed)


def is_certificate(blob: bytes) -> bool:
    return key_type(blob).endswith(CERTIFICATE_SUFFIX)


def parse_host_certificate(blob: bytes) -> HostCertificate:
    """Reads a certificate, ``blob`` being its wire form. Nothing is verified yet. Raises Malformed."""
    reader = Reader(blob)
    named = reader.text()
    plain = named.removesuffix(CERTIFICATE_SUFFIX)
    if plain == named or plain not in _PLAIN_FIELDS:
        raise Malformed(f"{named} is not a certificate of a supported type")
    reader.string()  # the nonce
    start = reader.at
    for _ in range(_PLAIN_FIELDS[plain]):
        reader.string()
    plain_blob = string(plain.encode()) + blob[start : reader.at]
    serial, kind, key_id = reader.uint64(), reader.uint32(), reader.text()
    principals = _principals(reader.string())
    after, before = reader.uint64(), reader.uint64()
    critical = _options(reader.string())
    reader.string()  # extensions: they are for users
    reader.string()  # reserved
    authority = reader.string()
    signed = blob[: reader.at]
    signature = reader.string()
    if reader.rest:
        raise Malformed("something follows the certificate's signature")
    if key_type(authority).endswith(CERTIFICATE_SUFFIX):
        raise Malformed("the authority of a certificate must not be a certificate")
    return HostCertificate(
        blob=blob,
        key_type=named,
        plain_blob=plain_blob,
        serial=serial,
        kind=kind,
        key_id=key_id,
        principals=principals,
        valid_after=after,
        valid_before=before,
        critical_options=critical,
        authority=authority,
        signature=signature,
        signed=signed,
    )


def _principals(data: bytes) -> tuple[str, ...]:
    reader = Reader(data)
    found = []
    while reader.rest:
        found.append(reader.text())
    return tuple(found)


def _options(data: bytes) -> tuple[tuple[str, bytes], ...]:
    reader = Reader(data)
    found = []
    while reader.rest:
        found.append((reader.text(), reader.string()))
    return tuple(found)


def _date(seconds: int) -> str:
    import time

    if seconds >= 2**40:
        return "the end of time"
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


_CURVES = {"nistp256": "SECP256R1", "nistp384": "SECP384R1", "nistp521": "SECP521R1"}
_EC_HASHES = {"nistp256": "SHA256", "nistp384": "SHA384", "nistp521": "SHA512"}
_RSA_HASHES = {"rsa-sha2-256": "SHA256", "rsa-sha2-512": "SHA512"}


def verify_signature(key: bytes, signature: bytes, signed: bytes) -> bool:
    """Whether ``signature`` (with its algorithm's name) is the key's over ``signed``.

    ed25519, ECDSA and RSA with SHA-2; anything else, SHA-1 among it, does not hold.
    """
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    try:
        fields = Reader(signature)
        _check(Reader(key), fields.text(), fields.string(), signed)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return not fields.rest


def _check(key: Reader, algorithm: str, signature: bytes, signed: bytes) -> None:
    """Raises InvalidSignature or ValueError."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

    named = key.text()
    if named == algorithm == "ssh-ed25519":
        ed25519.Ed25519PublicKey.from_public_bytes(key.string()).verify(signature, signed)
    elif named == "ssh-rsa" and algorithm in _RSA_HASHES:
        exponent, modulus = key.mpint(), key.mpint()
        digest = getattr(hashes, _RSA_HASHES[algorithm])()
        rsa.RSAPublicNumbers(exponent, modulus).public_key().verify(
            signature, signed, padding.PKCS1v15(), digest
        )
    elif named == algorithm and named.startswith("ecdsa-sha2-"):
        curve = key.text()
        if named != f"ecdsa-sha2-{curve}" or curve not in _CURVES:
            raise ValueError(f"the curve {curve} does not belong to {named}")
        group = getattr(ec, _CURVES[curve])()
        public = ec.EllipticCurvePublicKey.from_encoded_point(group, key.string())
        numbers = Reader(signature)
        encoded = utils.encode_dss_signature(numbers.mpint(), numbers.mpint())
        public.verify(encoded, signed, ec.ECDSA(getattr(hashes, _EC_HASHES[curve])()))
    else:
        raise ValueError(f"{algorithm} by a key of type {named} is not supported")
