"""Logging in to a real sshd: keys of all kinds, agents good and bad, what is said when it fails."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hostpool.messages import Target
from hostpool.ssh import SSHContext
from tests.farm import Sshd, wait_until
from tests.ssh.helpers import Desk, command, connected, refusal, run, target_for
from tests.ssh.test_hostkeys import keygen


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys of every type and format; those named ``locked-*`` have the passphrase ``sesame``."""
    home = tmp_path_factory.mktemp("keys")
    plain = {
        "ed25519": ("-t", "ed25519"),
        "ecdsa256": ("-t", "ecdsa", "-b", "256"),
        "ecdsa521": ("-t", "ecdsa", "-b", "521"),
        "rsa": ("-t", "rsa", "-b", "2048"),
        "rsa-pem": ("-t", "rsa", "-b", "2048", "-m", "PEM"),
        "rsa-pkcs8": ("-t", "rsa", "-b", "2048", "-m", "PKCS8"),
        "ecdsa-pem": ("-t", "ecdsa", "-m", "PEM"),
    }
    for name, words in plain.items():
        keygen(*words, "-N", "", "-C", name, "-f", str(home / name))
    keygen("-t", "ed25519", "-N", "sesame", "-a", "1", "-f", str(home / "locked"))
    for number in range(8):
        keygen("-t", "ed25519", "-N", "", "-C", f"stranger {number}", "-f", str(home / f"stranger{number}"))
    return home


@pytest.fixture(scope="module")
def server(keys: Path) -> Iterator[Sshd]:
    """A server of its own, which lets all keys in but the strangers."""
    with Sshd() as made:
        allowed = made.directory / "authorized_keys"
        lines = [path.read_text() for path in sorted(keys.glob("*.pub")) if "stranger" not in path.name]
        allowed.write_text("".join([allowed.read_text(), *lines]))
        yield made


def with_keys(server: Sshd, keys: Path, *names: str, **changes: object) -> Target:
    return target_for(server, identity_files=tuple(str(keys / name) for name in names), **changes)


def refused_attempts(server: Sshd) -> int:
    return server.log().count("Failed publickey")


@pytest.mark.parametrize(
    "name", ["ed25519", "ecdsa256", "ecdsa521", "rsa", "rsa-pem", "rsa-pkcs8", "ecdsa-pem"]
)
def test_a_key_file(context: SSHContext, server: Sshd, keys: Path, name: str) -> None:
    with connected(context, with_keys(server, keys, name)) as session:
        assert session.alive


def test_the_second_key_does(context: SSHContext, server: Sshd, keys: Path) -> None:
    with connected(context, with_keys(server, keys, "stranger0", "missing", "ed25519")) as session:
        assert session.alive


def test_an_encrypted_key_is_asked_for_once(
    context: SSHContext, desk: Desk, server: Sshd, keys: Path
) -> None:
    desk.answers["locked"] = decrypted(keys)
    for _ in range(3):
        with connected(context, with_keys(server, keys, "locked")) as session:
            assert session.alive
    assert desk.asked == [("passphrase", "alpha", str(keys / "locked"), "", False)]


def test_nobody_is_asked_for_a_key_the_host_would_not_take(
    context: SSHContext, desk: Desk, server: Sshd, keys: Path, tmp_path: Path
) -> None:
    keygen("-t", "ed25519", "-N", "sesame", "-a", "1", "-f", str(tmp_path / "useless"))
    target = target_for(server, identity_files=(str(tmp_path / "useless"), str(keys / "ed25519")))
    with connected(context, target) as session:
        assert session.alive
    assert not desk.asked


def test_nobody_is_there_to_unlock_it(context: SSHContext, desk: Desk, server: Sshd, keys: Path) -> None:
    for _ in range(2):
        error = refusal(context, with_keys(server, keys, "locked"), within=2)
        assert (error.kind, error.retryable) == ("key_locked", False)
        assert str(keys / "locked") in error.message
        assert "ssh-add" in (error.hint or "")
    assert len(desk.asked) == 1


def decrypted(keys: Path) -> str:
    copy = keys / "copy"
    copy.write_bytes((keys / "locked").read_bytes())
    copy.chmod(0o600)
    keygen("-p", "-P", "sesame", "-N", "", "-f", str(copy))
    text = copy.read_text()
    copy.unlink()
    return text


def test_refused(context: SSHContext, server: Sshd, keys: Path) -> None:
    error = refusal(context, with_keys(server, keys, "stranger0", "stranger1"), within=2)
    assert (error.kind, error.retryable) == ("auth_failed", False)
    assert f"refused {server.user}" in error.message
    assert "stranger0" in error.message
    assert "it takes publickey" in error.message


def test_nothing_to_show(context: SSHContext, server: Sshd) -> None:
    error = refusal(context, target_for(server, identity_files=()), within=2)
    assert error.kind == "auth_failed"
    assert "no key and no password" in error.message


def test_a_key_that_others_may_read_is_not_used(
    context: SSHContext, server: Sshd, keys: Path, tmp_path: Path
) -> None:
    path = tmp_path / "open"
    path.write_bytes((keys / "ed25519").read_bytes())
    path.chmod(0o644)
    error = refusal(context, target_for(server, identity_files=(str(path),)), within=2)
    assert error.kind == "auth_failed"
    assert "too open" in error.message


def test_a_file_that_is_no_key(context: SSHContext, server: Sshd, tmp_path: Path) -> None:
    path = tmp_path / "letter"
    path.write_text("Dear sir,\n")
    path.chmod(0o600)
    error = refusal(context, target_for(server, identity_files=(str(path),)), within=2)
    assert "not a private key" in error.message


def test_we_stop_before_the_server_hangs_up(context: SSHContext, server: Sshd, keys: Path) -> None:
    names = [f"stranger{number}" for number in range(8)]
    error = refusal(context, with_keys(server, keys, *names), within=2)
    assert (error.kind, error.retryable) == ("auth_too_many", False)
    assert "IdentitiesOnly" in (error.hint or "")


def test_a_server_with_little_patience(context: SSHContext, keys: Path) -> None:
    with Sshd(config=["MaxAuthTries 2"]) as server:
        error = refusal(context, with_keys(server, keys, "stranger0", "stranger1", "stranger2"), within=2)
    assert (error.kind, error.retryable) == ("auth_too_many", False)


class TestCertificates:
    @pytest.fixture(scope="class")
    @classmethod
    def authority(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sshd, Path]]:
        home = tmp_path_factory.mktemp("ca")
        keygen("-t", "ed25519", "-N", "", "-f", str(home / "ca"))
        with Sshd(config=[f"TrustedUserCAKeys {home}/ca.pub"]) as server:
            yield server, home

    def certify(self, home: Path, user: str, kind: str) -> Path:
        path = home / f"user-{kind}"
        if not path.exists():
            keygen("-t", kind, "-N", "", "-f", str(path))
            keygen("-s", str(home / "ca"), "-I", "a user", "-n", user, f"{path}.pub")
        return path

    @pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
    def test_beside_the_key(self, context: SSHContext, authority: tuple[Sshd, Path], kind: str) -> None:
        server, home = authority
        path = self.certify(home, server.user, kind)
        with connected(context, target_for(server, identity_files=(str(path),))) as session:
            assert session.alive

    @pytest.mark.parametrize("kind", ["ed25519", "rsa"])
    def test_named(
        self, context: SSHContext, authority: tuple[Sshd, Path], tmp_path: Path, kind: str
    ) -> None:
        server, home = authority
        path = self.certify(home, server.user, kind)
        certificate = tmp_path / "elsewhere.pub"
        certificate.write_bytes(Path(f"{path}-cert.pub").read_bytes())
        bare = tmp_path / "bare"
        bare.write_bytes(path.read_bytes())
        bare.chmod(0o600)
        target = target_for(server, identity_files=(str(bare),), certificate_files=(str(certificate),))
        with connected(context, target) as session:
            assert session.alive

    @pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
    def test_in_an_agent(
        self, context: SSHContext, authority: tuple[Sshd, Path], agent: Path, kind: str
    ) -> None:
        server, home = authority
        add(agent, self.certify(home, server.user, kind))
        target = target_for(server, identity_files=(), identity_agent=str(agent))
        with connected(context, target) as session:
            assert session.alive

    def test_for_another_user(
        self, context: SSHContext, authority: tuple[Sshd, Path], tmp_path: Path
    ) -> None:
        server, home = authority
        keygen("-t", "ed25519", "-N", "", "-f", str(tmp_path / "key"))
        keygen("-s", str(home / "ca"), "-I", "x", "-n", "somebody-else", str(tmp_path / "key.pub"))
        target = target_for(server, identity_files=(str(tmp_path / "key"),))
        assert refusal(context, target, within=2).kind == "auth_failed"


@pytest.fixture
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("agent") / "socket"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL)
    wait_until(lambda: path.exists() and _listens(path))
    yield path
    process.terminate()
    process.wait()


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as attempt:
        return attempt.connect_ex(str(path)) == 0


def add(agent: Path, *keys: Path) -> None:
    environment = {**os.environ, "SSH_AUTH_SOCK": str(agent)}
    subprocess.run(["ssh-add", "-q", *map(str, keys)], check=True, env=environment, stdin=subprocess.DEVNULL)


class TestAgent:
    @pytest.mark.parametrize("name", ["ed25519", "ecdsa256", "rsa"])
    def test_a_key_in_it(self, context: SSHContext, server: Sshd, keys: Path, agent: Path, name: str) -> None:
        add(agent, keys / name)
        target = target_for(server, identity_files=(), identity_agent=str(agent))
        with connected(context, target) as session:
            assert session.alive

    def test_by_environment(
        self,
        context: SSHContext,
        server: Sshd,
        keys: Path,
        agent: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        add(agent, keys / "ed25519")
        monkeypatch.setenv("SSH_AUTH_SOCK", str(agent))
        with connected(context, target_for(server, identity_files=(), identity_agent=None)) as session:
            assert session.alive

    def test_the_key_that_is_named_goes_first(
        self, context: SSHContext, server: Sshd, keys: Path, agent: Path
    ) -> None:
        add(agent, *(keys / f"stranger{number}" for number in range(8)), keys / "ed25519")
        target = with_keys(server, keys, "ed25519", identity_agent=str(agent))
        with connected(context, target) as session:
            assert session.alive

    def test_identities_only(self, context: SSHContext, server: Sshd, keys: Path, agent: Path) -> None:
        add(agent, keys / "ed25519")
        target = with_keys(server, keys, "stranger0", identity_agent=str(agent), identities_only=True)
        error = refusal(context, target, within=2)
        assert error.kind == "auth_failed"

    def test_a_locked_file_whose_key_the_agent_holds(
        self, context: SSHContext, desk: Desk, server: Sshd, keys: Path, agent: Path, tmp_path: Path
    ) -> None:
        unlocked = tmp_path / "unlocked"
        unlocked.write_text(decrypted(keys))
        unlocked.chmod(0o600)
        add(agent, unlocked)
        target = with_keys(server, keys, "locked", identity_agent=str(agent), identities_only=True)
        with connected(context, target) as session:
            assert session.alive
        assert not desk.asked

    def test_many_connections_share_it(
        self, context: SSHContext, server: Sshd, keys: Path, agent: Path
    ) -> None:
        add(agent, keys / "rsa", keys / "ed25519")
        target = target_for(server, identity_files=(), identity_agent=str(agent))
        alive = []

        def one() -> None:
            with connected(context, target) as session:
                alive.append(run(session, command("true"))[0].exit_code)

        threads = [threading.Thread(target=one) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert alive == [0] * 12

    def test_dead(self, context: SSHContext, server: Sshd, tmp_path: Path) -> None:
        """It is a warning in the failure, not the failure; a key file still does."""
        gone = str(tmp_path / "gone")
        with connected(context, target_for(server, identity_agent=gone)) as session:
            assert session.alive
        error = refusal(context, target_for(server, identity_files=(), identity_agent=gone), within=2)
        assert error.kind == "auth_failed"
        assert f"no agent at {gone}" in error.message

    def test_hung(self, context: SSHContext, server: Sshd, tmp_path: Path) -> None:
        """It costs its time limit once, then nothing."""
        path = str(tmp_path / "hung")
        with socket.socket(socket.AF_UNIX) as hung:
            hung.bind(path)
            hung.listen()
            error = refusal(context, target_for(server, identity_files=(), identity_agent=path), within=3)
            assert "did not answer within 2 s" in error.message
            refusal(context, target_for(server, identity_files=(), identity_agent=path), within=0)

    def test_garbage(self, context: SSHContext, server: Sshd, tmp_path: Path) -> None:
        path = str(tmp_path / "garbage")
        with socket.socket(socket.AF_UNIX) as bad:
            bad.bind(path)
            bad.listen()

            def serve() -> None:
                connection, _ = bad.accept()
                with connection:
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n")
                    connection.recv(100)

            thread = threading.Thread(target=serve)
            thread.start()
            error = refusal(context, target_for(server, identity_files=(), identity_agent=path), within=3)
            thread.join()
        assert "does not speak its protocol" in error.message

    def test_forwarded(self, context: SSHContext, server: Sshd, keys: Path, agent: Path) -> None:
        add(agent, keys / "ed25519", keys / "rsa")
        target = target_for(server, identity_agent=str(agent), forward_agent=True)
        with connected(context, target) as session:
            for _ in range(2):
                end, output = run(session, command("ssh-add -l"))
                assert end.exit_code == 0
                assert output.stdout.count(b"\n") == 2

    def test_not_forwarded_unasked(self, context: SSHContext, server: Sshd, agent: Path) -> None:
        target = target_for(server, identity_agent=str(agent))
        with connected(context, target) as session:
            assert run(session, command('test -z "$SSH_AUTH_SOCK"'))[0].exit_code == 0
