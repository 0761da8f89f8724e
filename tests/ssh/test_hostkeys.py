"""Verdicts on host keys of a real sshd: known, unknown, changed, revoked, certified."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hostpool.messages import Target
from hostpool.openssh.wire import decode_key, fingerprint
from hostpool.ssh import SSHContext
from tests.farm import Sshd
from tests.ssh.helpers import Desk, connected, refusal, target_for


def keygen(*words: str) -> None:
    subprocess.run(["ssh-keygen", "-q", *words], check=True, stdin=subprocess.DEVNULL)


def blob_of(line: str) -> bytes:
    kind, text = line.split()[:2]
    return decode_key(text, kind)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    return tmp_path / "known_hosts"


@pytest.fixture
def name(sshd: Sshd) -> str:
    return f"[{sshd.address}]:{sshd.port}"


def test_known(context: SSHContext, target: Target) -> None:
    with connected(context, target) as session:
        assert session.alive


def test_unknown(context: SSHContext, sshd: Sshd, desk: Desk, files: Path) -> None:
    error = refusal(context, target_for(sshd, known_hosts=(str(files),)), within=2)
    assert (error.kind, error.retryable) == ("host_key_unknown", False)
    assert fingerprint(blob_of(sshd.host_key)) in error.message
    assert "hostpool keys accept alpha" in (error.hint or "")
    assert not desk.told
    assert not files.exists()


def test_accept_new_tells_the_parent_and_writes_nothing(
    context: SSHContext, sshd: Sshd, desk: Desk, files: Path, name: str
) -> None:
    target = target_for(sshd, known_hosts=(str(files),), host_keys="accept-new", hash_known_hosts=True)
    for _ in range(2):
        with connected(context, target):
            pass
    assert desk.told == [("alpha", (name,), blob_of(sshd.host_key), str(files), True)]
    assert not files.exists()


def test_accept_new_still_refuses_a_changed_key(
    context: SSHContext, sshd: Sshd, desk: Desk, files: Path, name: str, other_key: str
) -> None:
    files.write_text(f"{name} {other_key}\n")
    target = target_for(sshd, known_hosts=(str(files),), host_keys="accept-new")
    assert refusal(context, target, within=2).kind == "host_key_changed"
    assert not desk.told


def test_off_takes_anything(context: SSHContext, sshd: Sshd, files: Path, name: str, other_key: str) -> None:
    files.write_text(f"{name} {other_key}\n")
    with connected(context, target_for(sshd, known_hosts=(str(files),), host_keys="off")) as session:
        assert session.alive


def test_changed(context: SSHContext, sshd: Sshd, files: Path, name: str, other_key: str) -> None:
    files.write_text(f"# ours\n{name} {other_key}\n")
    error = refusal(context, target_for(sshd, known_hosts=(str(files),)), within=2)
    assert (error.kind, error.retryable) == ("host_key_changed", False)
    assert f"{files}:2" in error.message
    assert fingerprint(blob_of(sshd.host_key)) in error.message
    assert fingerprint(blob_of(other_key)) in error.message
    assert f"ssh-keygen -R '{name}'" in (error.hint or "")


def test_revoked(context: SSHContext, sshd: Sshd, files: Path, name: str) -> None:
    files.write_text(f"{name} {sshd.host_key}\n@revoked * {sshd.host_key}\n")
    for policy in ("strict", "accept-new"):
        target = target_for(sshd, known_hosts=(str(files),), host_keys=policy)
        error = refusal(SSHContext(context.alarms, ask=context.ask, new_host_key=print), target, within=2)
        assert (error.kind, error.retryable) == ("host_key_revoked", False)
        assert f"{files}:2" in error.message


def test_hashed_and_aliased(context: SSHContext, sshd: Sshd, files: Path) -> None:
    files.write_text(f"bastion.example {sshd.host_key}\n")
    keygen("-H", "-f", str(files))
    target = target_for(sshd, known_hosts=(str(files),), known_as=("bastion.example",))
    with connected(context, target) as session:
        assert session.alive


@pytest.fixture
def other_key(tmp_path: Path) -> str:
    keygen("-t", "ed25519", "-N", "", "-f", str(tmp_path / "other"))
    return " ".join((tmp_path / "other.pub").read_text().split()[:2])


class TestSeveralKeys:
    """A host with keys of three types shows the one that is known."""

    @pytest.fixture(scope="class")
    @classmethod
    def server(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sshd, Path]]:
        keys = tmp_path_factory.mktemp("keys")
        for kind in ("rsa", "ecdsa"):
            keygen("-t", kind, "-N", "", "-f", str(keys / kind))
        with Sshd(config=[f"HostKey {keys}/{kind}" for kind in ("rsa", "ecdsa")]) as server:
            yield server, keys

    @pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
    def test_the_known_one_is_asked_for(
        self, context: SSHContext, server: tuple[Sshd, Path], files: Path, kind: str
    ) -> None:
        sshd, keys = server
        files.write_text(f"[{sshd.address}]:{sshd.port} {(keys / f'{kind}.pub').read_text()}")
        with connected(context, target_for(sshd, known_hosts=(str(files),))) as session:
            assert session.alive

    def test_an_algorithm_that_is_not_wanted(
        self, context: SSHContext, server: tuple[Sshd, Path], files: Path
    ) -> None:
        target = target_for(server[0], host_key_algorithms=("sk-ssh-ed25519@openssh.com",))
        assert refusal(context, target, within=2).kind == "no_common_algorithm"


class TestCertificates:
    @pytest.fixture(scope="class", params=["ed25519", "ecdsa", "rsa"])
    @classmethod
    def server(
        cls, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[tuple[Sshd, Path]]:
        keys = tmp_path_factory.mktemp("ca")
        keygen("-t", "ed25519", "-N", "", "-f", str(keys / "ca"))
        keygen("-t", request.param, "-N", "", "-f", str(keys / "host"))
        keygen(
            "-s",
            str(keys / "ca"),
            "-I",
            "a host",
            "-h",
            "-n",
            "127.0.0.1,alias.example",
            str(keys / "host.pub"),
        )
        config = [f"HostKey {keys}/host", f"HostCertificate {keys}/host-cert.pub"]
        with Sshd(config=config) as sshd:
            yield sshd, keys

    def test_an_authority_vouches(self, context: SSHContext, server: tuple[Sshd, Path], files: Path) -> None:
        sshd, keys = server
        files.write_text(f"@cert-authority [127.*]:* {(keys / 'ca.pub').read_text()}")
        with connected(context, target_for(sshd, known_hosts=(str(files),))) as session:
            assert session.alive

    def test_for_another_host(self, context: SSHContext, server: tuple[Sshd, Path], files: Path) -> None:
        sshd, keys = server
        files.write_text(f"@cert-authority * {(keys / 'ca.pub').read_text()}")
        target = target_for(sshd, known_hosts=(str(files),), known_as=("somebody.else",))
        error = refusal(context, target, within=2)
        assert error.kind == "host_certificate"
        assert "not for somebody.else" in error.message

    def test_an_unknown_authority(
        self, context: SSHContext, server: tuple[Sshd, Path], files: Path, other_key: str
    ) -> None:
        sshd, _ = server
        files.write_text(f"@cert-authority * {other_key}\n")
        assert (
            refusal(context, target_for(sshd, known_hosts=(str(files),)), within=2).kind == "host_key_unknown"
        )

    def test_a_revoked_authority(self, context: SSHContext, server: tuple[Sshd, Path], files: Path) -> None:
        sshd, keys = server
        authority = (keys / "ca.pub").read_text()
        files.write_text(f"@cert-authority * {authority}@revoked * {authority}")
        assert (
            refusal(context, target_for(sshd, known_hosts=(str(files),)), within=2).kind == "host_key_revoked"
        )
