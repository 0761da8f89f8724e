"""Is it the host we know? The verdict on a host key, and what to tell about it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from hostpool.errors import SSHConfigError, Unreachable
from hostpool.messages import Target
from hostpool.openssh.certificates import CERTIFICATE_SUFFIX, is_certificate, parse_host_certificate
from hostpool.openssh.known_hosts import (
    Entry,
    KnownHosts,
    Status,
    Verdict,
    fingerprint,
    key_type,
    names_for,
)
from hostpool.openssh.wire import Malformed
from hostpool.ssh.algorithms import order_host_keys
from hostpool.ssh.mapping import place, unreachable

NewHostKey = Callable[[str, tuple[str, ...], bytes, str, bool], None]


class HostKeys:
    """The known_hosts of one process: each set of files is read and indexed once.

    Keys that ``accept-new`` took are remembered here, for the files are not read again.
    """

    def __init__(self, new_host_key: NewHostKey) -> None:
        self._tell = new_host_key
        self._lock = threading.Lock()
        self._indexes: dict[tuple[tuple[str, ...], str | None], KnownHosts] = {}
        self._warnings: list[str] = []
        self._accepted: dict[tuple[tuple[str, ...], tuple[str, ...]], bytes] = {}

    def warnings(self) -> list[str]:
        """The lines that could not be read and were skipped, of the files read since the last call."""
        if not self._warnings:
            return []
        with self._lock:
            news, self._warnings = self._warnings, []
        return news

    def order(self, target: Target) -> tuple[str, ...]:
        """The host key algorithms to offer, best first. Raises Unreachable for a broken list of
        revoked keys."""
        if target.host_keys == "off":
            return order_host_keys((), False, target.host_key_algorithms)
        types = self._index(target).key_types(names_of(target))
        authorities = any(each.endswith(CERTIFICATE_SUFFIX) for each in types)
        return order_host_keys(types, authorities, target.host_key_algorithms)

    def verify(self, target: Target, blob: bytes) -> None:
        """Returns for a key that may be trusted. Raises Unreachable."""
        if target.host_keys == "off":
            return
        try:
            plain = self._check_certificate(target, blob) if is_certificate(blob) else blob
        except Malformed as error:
            raise _broken_certificate(target, error) from error
        if plain is not None:
            self._check_plain(target, plain)

    def examine(self, target: Target, blob: bytes) -> tuple[bytes, Verdict]:
        """The plain key and what the files say about it, whatever the policy. Raises Unreachable for
        a certificate that does not hold."""
        if not is_certificate(blob):
            return blob, self._index(target).verify(names_of(target), blob)
        try:
            plain = self._check_certificate(target, blob)
        except Malformed as error:
            raise _broken_certificate(target, error) from error
        if plain is None:
            return parse_host_certificate(blob).plain_blob, Verdict(Status.KNOWN)
        return plain, self._index(target).verify(names_of(target), plain)

    def _index(self, target: Target) -> KnownHosts:
        key = (target.known_hosts, target.revoked_host_keys)
        with self._lock:
            index = self._indexes.get(key)
            if index is None:
                try:
                    index = KnownHosts.load(target.known_hosts, revoked=target.revoked_host_keys)
                except SSHConfigError as error:
                    raise unreachable(
                        target, "revoked_host_keys", f"{error.where()}: {error.message}", error.hint
                    ) from error
                self._indexes[key] = index
                self._warnings += index.warnings
            return index

    def _check_certificate(self, target: Target, blob: bytes) -> bytes | None:
        """None if it holds; the plain key inside if nobody we know vouches for it."""
        names = names_of(target)
        verdict = self._index(target).verify_certificate(names, blob, _bare(names[0]))
        if verdict.valid:
            return None
        if verdict.status is Status.UNKNOWN:
            return parse_host_certificate(blob).plain_blob
        if verdict.status is Status.REVOKED:
            raise _revoked(target, blob, verdict.entries)
        raise unreachable(
            target,
            "host_certificate",
            f"{place(target)}: {verdict.problem}",
            f"its authority is trusted by {_places(verdict.entries)}; the host needs a new certificate",
        )

    def _check_plain(self, target: Target, blob: bytes) -> None:
        names = names_of(target)
        verdict = self._index(target).verify(names, blob)
        if verdict.status is Status.KNOWN:
            return
        if verdict.status is Status.REVOKED:
            raise _revoked(target, blob, verdict.entries)
        if verdict.status is Status.CHANGED:
            raise _changed(target, blob, verdict.entries)
        if target.host_keys != "accept-new":
            raise _unknown(target, blob)
        self._accept(target, names, blob)

    def _accept(self, target: Target, names: tuple[str, ...], blob: bytes) -> None:
        with self._lock:
            before = self._accepted.get((target.known_hosts, names))
            self._accepted.setdefault((target.known_hosts, names), blob)
        if before not in (None, blob):
            raise unreachable(
                target,
                "host_key_changed",
                f"the host key of {place(target)} changed since it was accepted a moment ago: "
                f"now {_show(blob)}",
                "two hosts behind one address, or somebody in between",
            )
        if before is None and target.known_hosts:
            self._tell(target.name, names, blob, target.known_hosts[0], target.hash_known_hosts)


def names_of(target: Target) -> tuple[str, ...]:
    return target.known_as or names_for(target.address, target.port)


def _broken_certificate(target: Target, error: Malformed) -> Unreachable:
    return unreachable(
        target, "host_certificate", f"{place(target)} shows a broken host certificate: {error}"
    )


def _bare(name: str) -> str:
    """The host of ``[host]:port``, which is what certificates name."""
    return name[1:].partition("]")[0] if name.startswith("[") else name


def _show(blob: bytes) -> str:
    return f"{key_type(blob)} {fingerprint(blob)}"


def _places(entries: Sequence[Entry]) -> str:
    return ", ".join(f"{entry.file}:{entry.line}" for entry in entries[:3])


def _unknown(target: Target, blob: bytes) -> Unreachable:
    return unreachable(
        target,
        "host_key_unknown",
        f"the host key of {place(target)} is not known: {_show(blob)}",
        how_to_accept(target.name),
    )


def how_to_accept(name: str) -> str:
    """``name``: of the host in the inventory; its jump hosts come along."""
    return (
        f"compare the fingerprint with the host's own, then `hostpool keys accept {name}`, "
        "or --host-keys accept-new to take what is new"
    )


def _changed(target: Target, blob: bytes, entries: Sequence[Entry]) -> Unreachable:
    return unreachable(
        target,
        "host_key_changed",
        f"the host key of {place(target)} has CHANGED: it is {_show(blob)}, "
        f"but {_places(entries)} has {_show(entries[0].blob)}",
        "somebody may be in between. If the host was really set up anew, remove that line "
        f"(ssh-keygen -R '{names_of(target)[0]}')",
    )


def _revoked(target: Target, blob: bytes, entries: Sequence[Entry]) -> Unreachable:
    return unreachable(
        target,
        "host_key_revoked",
        f"the host key of {place(target)} is revoked ({_places(entries)}): {_show(blob)}",
        "whoever holds it may be an attacker; the host needs a new key",
    )
