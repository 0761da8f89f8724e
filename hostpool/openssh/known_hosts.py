"""known_hosts files (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT): read, indexed, asked. Never rewritten."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import NamedTuple

import msgspec

from hostpool.errors import SSHConfigError

from .certificates import HostCertificate, parse_host_certificate
from .host_names import host_name, names_for
from .known_hosts_file import append_line
from .known_hosts_lines import Entry, Marker, hash_parts, parse_line, read_lines, read_revoked
from .patterns import has_wildcard, matches_hostname
from .wire import Malformed, decode_key, fingerprint, key_type

__all__ = [
    "CertificateVerdict",
    "Entry",
    "HostCertificate",
    "KnownHosts",
    "Marker",
    "Status",
    "Verdict",
    "append_line",
    "fingerprint",
    "host_name",
    "key_type",
    "names_for",
    "parse_host_certificate",
]

_HMAC_BLOCK = 64
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))
"""The pads of HMAC (RFC 2104) as translation tables."""


class Status(Enum):
    KNOWN = "known"
    UNKNOWN = "unknown"
    CHANGED = "changed"
    REVOKED = "revoked"


class Verdict(NamedTuple):
    """``entries``: the matching one for KNOWN, the contradicting ones for CHANGED, the revoking ones."""

    status: Status
    entries: tuple[Entry, ...] = ()


class CertificateVerdict(NamedTuple):
    """``problem``: why the certificate of a KNOWN authority still does not hold, None if it does."""

    status: Status
    entries: tuple[Entry, ...] = ()
    problem: str | None = None

    @property
    def valid(self) -> bool:
        return self.status is Status.KNOWN and self.problem is None


class KnownHosts(msgspec.Struct):
    """All entries of several files, in their order; ``warnings`` names the lines that were skipped.

    Cheap to build (a few µs a line) and to pickle.
    """

    entries: list[Entry] = []
    warnings: list[str] = []
    _plain: dict[str, list[int]] = {}
    _patterns: list[int] = []
    _hashed: list[tuple[bytes, bytes, bytes, int]] = []
    _found: dict[tuple[str, ...], list[int]] = {}

    @classmethod
    def load(cls, paths: Iterable[str], *, revoked: str | None = None) -> KnownHosts:
        """Reads the files that exist. Bad lines are skipped with a warning.

        ``revoked``: a RevokedHostKeys file in text form, one public key a line: revoked for every host.
        As a list that cannot be read must not let a key pass, that raises SSHConfigError.
        """
        known = cls()
        for path in paths:
            data = read_lines(path, known.warnings)
            if data is not None:
                known._add_file(path, data)
        if revoked is not None:
            known._add_revoked(revoked)
        return known

    def lookup(self, names: Sequence[str]) -> list[Entry]:
        """The entries for any of ``names`` (``host`` or ``[host]:port``), in file order."""
        key = tuple(names)
        numbers = self._found.get(key)
        if numbers is None:
            # Asked twice a connection (which algorithms, then which verdict); hashes cost 1 µs a line.
            numbers = self._found[key] = self._numbers(key)
        return [self.entries[number] for number in numbers]

    def _numbers(self, names: Sequence[str]) -> list[int]:
        found = set(self._patterns_for(names))
        for name in names:
            found.update(self._plain.get(name.lower(), ()))
        if self._hashed:
            found.update(self._hashed_for(names))
        return sorted(found)

    def key_types(self, names: Sequence[str]) -> tuple[str, ...]:
        """The types of all keys known for a host, in file order: put their algorithms first.

        An authority counts with the type that its certificates may have: ``*-cert-v01@openssh.com``
        stands for all of them and comes first.
        """
        entries = self.lookup(names)
        types = dict.fromkeys(entry.key_type for entry in entries if entry.marker is Marker.KEY)
        authority = any(entry.marker is Marker.CA for entry in entries)
        return ("*-cert-v01@openssh.com", *types) if authority else tuple(types)

    def verify(self, names: Sequence[str], blob: bytes) -> Verdict:
        """What the files say about a plain host key.

        As in OpenSSH (hostfile.c): any other plain key known for the host makes a key that is not
        known CHANGED, whatever its type; offering the algorithms of ``key_types`` first avoids that.
        """
        entries = self.lookup(names)
        revoking = tuple(e for e in entries if e.marker is Marker.REVOKED and e.blob == blob)
        if revoking:
            return Verdict(Status.REVOKED, revoking)
        keys = tuple(e for e in entries if e.marker is Marker.KEY)
        same = tuple(e for e in keys if e.blob == blob)
        if same:
            return Verdict(Status.KNOWN, same)
        return Verdict(Status.CHANGED, keys) if keys else Verdict(Status.UNKNOWN)

    def verify_certificate(
        self, names: Sequence[str], blob: bytes, host: str, now: float | None = None
    ) -> CertificateVerdict:
        """What the files say about a host certificate: its authority, then the certificate itself.

        ``host`` (HostKeyAlias or the name connected to, without a port) must be among its principals;
        ``now`` is in seconds since 1970. UNKNOWN: no ``@cert-authority`` line vouches for it; the
        plain key inside (``HostCertificate.plain_blob``) may still be known. Raises Malformed.
        """
        certificate = parse_host_certificate(blob)
        entries = self.lookup(names)
        bad = (certificate.plain_blob, certificate.authority, blob)
        revoking = tuple(e for e in entries if e.marker is Marker.REVOKED and e.blob in bad)
        if revoking:
            return CertificateVerdict(Status.REVOKED, revoking)
        trusted = tuple(e for e in entries if e.marker is Marker.CA and e.blob == certificate.authority)
        if not trusted:
            return CertificateVerdict(Status.UNKNOWN)
        return CertificateVerdict(Status.KNOWN, trusted, certificate.problem(host.lower(), now))

    def _patterns_for(self, names: Sequence[str]) -> list[int]:
        return [
            number
            for number in self._patterns
            if any(matches_hostname(name, self.entries[number].names) for name in names)
        ]

    def _hashed_for(self, names: Sequence[str]) -> list[int]:
        from hashlib import sha1  # loads libcrypto: only for hashed files

        found: list[int] = []
        for name in names:
            text = name.lower().encode("utf-8", "surrogateescape")
            # HMAC by hand: half the price of hmac.digest, which looks the algorithm up at each call.
            found += [
                number
                for inner, outer, hashed, number in self._hashed
                if sha1(outer + sha1(inner + text).digest()).digest() == hashed
            ]
        return found

    def _add_file(self, path: str, data: str) -> None:
        for number, line in enumerate(data.split("\n"), 1):
            words = line.split(None, 4)
            if not words or words[0].startswith("#"):
                continue
            try:
                self._add(parse_line(words, path, number))
            except Malformed as error:
                self.warnings.append(f"{path}:{number}: {error}; the line is skipped")

    def _add(self, entry: Entry) -> None:
        number = len(self.entries)
        if entry.names.startswith("|"):
            salt, hashed = hash_parts(entry.names)
            block = salt.ljust(_HMAC_BLOCK, b"\0")
            self._hashed.append((block.translate(_INNER), block.translate(_OUTER), hashed, number))
        elif "!" in entry.names or has_wildcard(entry.names):
            self._patterns.append(number)
        else:
            for name in entry.names.lower().split(","):
                self._plain.setdefault(name, []).append(number)
        self.entries.append(entry)

    def _add_revoked(self, path: str) -> None:
        for number, line in enumerate(read_revoked(path).split("\n"), 1):
            words = line.split(None, 2)
            if not words or words[0].startswith("#"):
                continue
            try:
                if len(words) < 2:
                    raise Malformed("not a public key")
                self._add(Entry("*", words[0], decode_key(words[1], words[0]), Marker.REVOKED, path, number))
            except Malformed as error:
                raise SSHConfigError(
                    f"RevokedHostKeys: {error}", file=path, line=number, hint="one public key a line is read"
                ) from None
