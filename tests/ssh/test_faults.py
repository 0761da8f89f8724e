"""The fault table, as far as the SSH room alone can show it: kind, words, hint, time, nothing left.

Every connection here fails; the guard in conftest looks for threads and sockets afterwards.
"""

from __future__ import annotations

import errno
import socket
import threading
import time
from collections.abc import Callable

import pytest

from hostpool.alarms import Alarm, Alarms
from hostpool.errors import Cancelled, Unreachable
from hostpool.messages import Target
from hostpool.ssh import SSHContext
from hostpool.ssh.attempt import Attempt
from hostpool.ssh.dial import DialError
from hostpool.ssh.mapping import connect_failure
from hostpool.stop import Stop
from tests.farm import Hostile, Proxy, Refusing, Sshd, hostile
from tests.patience import AMPLE, promptly
from tests.ssh.helpers import connected, refusal, target_for

SHORT = 1.0


def at(address: str, port: int, timeout: float = SHORT) -> Target:
    return Target(
        name="alpha",
        address=address,
        port=port,
        user="nobody",
        identity_agent="none",
        connect_timeout=timeout,
    )


def test_refused(context: SSHContext) -> None:
    with Refusing() as server:
        error = refusal(context, at(server.address, server.port), within=0)
    assert (error.kind, error.retryable) == ("refused", True)
    assert error.message == f"connection refused by 127.0.0.1:{server.port}"
    assert "sshd is not running" in (error.hint or "")


def test_a_name_that_does_not_exist(context: SSHContext) -> None:
    error = refusal(context, at("no-such-host.invalid", 22, 5))
    assert error.kind == "dns"
    assert "no-such-host.invalid" in error.message


def test_an_impossible_name(context: SSHContext) -> None:
    error = refusal(context, at("a" * 70 + ".example", 22, 5))
    assert error.kind == "dns"


def test_a_full_accept_queue_is_a_black_hole(context: SSHContext) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        address = server.getsockname()
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(address)
            fillers.append(filler)
        try:
            error = refusal(context, at(*address))
        finally:
            for filler in fillers:
                filler.close()
    assert (error.kind, error.retryable) == ("connect_timeout", True)
    assert error.message.startswith(f"no answer from 127.0.0.1:{address[1]} within 1 s")
    assert "firewall" in (error.hint or "")


class Late(Alarms):
    """A thread that a busy machine lets have no turn."""

    def at(self, when: float, callback: Callable[[], object]) -> Alarm:
        return super().at(when + 3600, callback)


def test_the_time_is_up_although_no_alarm_has_rung() -> None:
    alarms = Late()
    attempt = Attempt(alarms, 0.0, Stop())
    attempt.stage = "tcp"
    silence = DialError([("127.0.0.1:7", TimeoutError(errno.ETIMEDOUT, "timed out"))])
    failure = connect_failure(silence, at("127.0.0.1", 7), attempt, None)
    attempt.close()
    alarms.close()
    assert failure.message == "no answer from 127.0.0.1:7 within 0 s"


@pytest.mark.parametrize(
    ("behaviour", "kind", "words", "retryable"),
    [
        (hostile.mute, "banner", "no SSH banner from 127.0.0.1:{port} within 1 s", True),
        (hostile.drip, "banner", "no SSH banner", True),
        (hostile.garbage, "banner", "", False),
        (hostile.endless, "banner", "no SSH banner among", False),
        (hostile.banner_lines, "banner", "it said 'please wait", False),
        (hostile.close_at_once, "closed_early", "closed the connection before its SSH banner", True),
        (hostile.throttled, "throttled", "Exceeded MaxStartups", True),
        (hostile.banner_then_silence, "handshake", "fell silent in the key exchange", True),
        (hostile.kexinit_then_silence, "handshake", "fell silent in the key exchange", True),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_hostile(
    context: SSHContext, behaviour: hostile.Behaviour, kind: str, words: str, retryable: bool
) -> None:
    with Hostile(behaviour) as server:
        error = refusal(context, at(server.address, server.port))
        assert (error.kind, error.retryable) == (kind, retryable), error.message
        assert words.format(port=server.port) in error.message
        assert error.hint


def test_reset_at_once(context: SSHContext) -> None:
    """The reset may come before or after the kernel tells us that we are connected."""
    with Hostile(hostile.reset_at_once) as server:
        error = refusal(context, at(server.address, server.port))
    assert error.kind in ("closed_early", "throttled", "disconnected")
    assert error.retryable


def test_a_hundred_mute_hosts_at_once(context: SSHContext) -> None:
    """Each ends in its time, none holds up another."""
    with Hostile(hostile.mute) as server:
        times: list[float] = []

        def one() -> None:
            began = time.monotonic()
            with pytest.raises(Unreachable):
                context.connect(at(server.address, server.port, 3), Stop())
            times.append(time.monotonic() - began)

        threads = [threading.Thread(target=one) for _ in range(100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(times) == 100
        assert max(times) < AMPLE, "one after the other it would be five minutes"


class TestCuts:
    """The connection ends after so many bytes, at every stage of a real login."""

    def total(self, context: SSHContext, sshd: Sshd) -> tuple[int, int]:
        with Proxy(sshd.address, sshd.port) as proxy:
            with connected(context, behind(sshd, proxy)):
                pass
            return proxy.up - 150, proxy.down - 600  # without the goodbye, and what comes after the login

    @pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
    @pytest.mark.parametrize("way", ["up", "down"])
    def test_at_every_stage(self, context: SSHContext, sshd: Sshd, way: str, reset: bool) -> None:
        up, down = self.total(context, sshd)
        total = up if way == "up" else down
        kinds = set()
        for share in range(12):
            cut = max(1, total * share // 12)
            limits = {"cut_up": cut} if way == "up" else {"cut_down": cut}
            with Proxy(sshd.address, sshd.port, reset=reset, **limits) as proxy:
                error = refusal(context, behind(sshd, proxy), within=2)
                kinds.add(error.kind)
                assert error.kind in ("closed_early", "throttled", "disconnected", "handshake"), error.message
        assert "disconnected" in kinds

    @pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9, 1.0])
    def test_silence_at_every_stage(self, context: SSHContext, sshd: Sshd, share: float) -> None:
        _, down = self.total(context, sshd)
        with Swallowing(sshd, int(down * share)) as proxy:
            error = refusal(context, behind(sshd, proxy, connect_timeout=SHORT))
        assert error.kind in ("banner", "handshake", "auth_timeout")


class Swallowing(Proxy):
    """Passes so many bytes down, then nothing more."""

    def __init__(self, sshd: Sshd, limit: int) -> None:
        self._limit = limit
        super().__init__(sshd.address, sshd.port)

    def _count(self, way: str, size: int) -> None:
        super()._count(way, size)
        if self.down >= self._limit:
            self.black_hole()


def behind(sshd: Sshd, proxy: Proxy, **changes: object) -> Target:
    return target_for(
        sshd,
        address=proxy.address,
        port=proxy.port,
        known_as=(f"[{sshd.address}]:{sshd.port}",),
        **changes,
    )


class TestStopped:
    @pytest.mark.parametrize("behaviour", [hostile.mute, hostile.kexinit_then_silence])
    def test_while_connecting(self, context: SSHContext, behaviour: hostile.Behaviour) -> None:
        with Hostile(behaviour) as server:
            self.stopped(context, at(server.address, server.port, 100))

    def test_in_the_tcp_handshake(self, context: SSHContext) -> None:
        self.stopped(context, at("192.0.2.1", 22, 100), Unreachable)

    def stopped(self, context: SSHContext, target: Target, or_else: type[Exception] = Cancelled) -> None:
        stop = Stop()
        threading.Timer(0.3, lambda: stop.request("cancelled", 1.0)).start()
        with promptly(), pytest.raises((Cancelled, or_else)):
            context.connect(target, stop)

    def test_before_it_began(self, context: SSHContext, target: Target) -> None:
        stop = Stop()
        stop.request("cancelled", 1.0)
        with pytest.raises(Cancelled):
            context.connect(target, stop)


class TestAlgorithms:
    @pytest.mark.parametrize(
        ("option", "what", "broken"),
        [
            ("Ciphers", "cipher", "aes128-cbc"),
            ("MACs", "MAC", "hmac-sha1"),
        ],
    )
    def test_an_old_host(self, context: SSHContext, option: str, what: str, broken: str) -> None:
        with Sshd(config=[f"{option} {broken}"]) as old:
            error = refusal(context, target_for(old), within=2)
        assert (error.kind, error.retryable) == ("no_common_algorithm", False)
        assert error.message.endswith(f" and we have no {what} in common: it offers {broken}")
        assert (error.hint or "").startswith("an old host: ")
        assert f"--ssh-option {option}=+{broken} lets it in" in (error.hint or "")

    @pytest.mark.parametrize(
        ("field", "option", "what", "wanted", "theirs"),
        [
            ("host_key_algorithms", "HostKeyAlgorithms", "host key algorithm", "ecdsa-sha2-nistp256",
             "ssh-ed25519"),
            ("kex", "KexAlgorithms", "kex algorithm", "ecdh-sha2-nistp256", "curve25519-sha256"),
            ("ciphers", "Ciphers", "cipher", "-aes128-ctr", "aes128-ctr"),
            ("macs", "MACs", "MAC", "hmac-sha2-512", "hmac-sha2-256"),
        ],
    )  # fmt: skip
    def test_our_own_setting_allows_none(
        self, context: SSHContext, field: str, option: str, what: str, wanted: str, theirs: str
    ) -> None:
        """It is not the host that is old."""
        changes = {field: (wanted,), "algorithms_set": ((option, "config:7"),)}
        with Sshd(config=[f"{option} {theirs}"]) as server:
            error = refusal(context, target_for(server, **changes), within=2)
        assert (error.kind, error.retryable) == ("no_common_algorithm", False)
        assert error.message.endswith(
            f"no {what} in common: it offers {theirs}, and {option} {wanted} (config:7) allows none of that"
        )
        assert error.hint == f"add {theirs} to that {option}, or take the setting away"

    @pytest.mark.parametrize(
        ("option", "theirs"),
        [
            ("KexAlgorithms", "diffie-hellman-group1-sha1"),
            ("Ciphers", "chacha20-poly1305@openssh.com"),
        ],
    )
    def test_what_we_cannot_do(self, context: SSHContext, option: str, theirs: str) -> None:
        """What paramiko lacks may be sound or broken: no option of ours helps."""
        with Sshd(config=[f"{option} {theirs}"]) as server:
            error = refusal(context, target_for(server), within=2)
        assert error.message.endswith(f"it offers {theirs}")
        assert error.hint == (
            f"hostpool can do none of that: {option} in the host's sshd_config may allow more"
        )

    def test_a_broken_one_when_the_host_opts_in(self, context: SSHContext) -> None:
        with Sshd(config=["Ciphers aes128-cbc", "MACs hmac-sha1"]) as old:
            target = target_for(old, ciphers=("+aes128-cbc",), macs=("+hmac-sha1",))
            with connected(context, target) as session:
                assert session.alive

    @pytest.mark.parametrize(
        "line",
        [
            "Ciphers aes256-ctr",
            "Ciphers aes256-gcm@openssh.com",
            "KexAlgorithms curve25519-sha256",
            "KexAlgorithms ecdh-sha2-nistp384",
            "KexAlgorithms diffie-hellman-group14-sha256",
            "KexAlgorithms diffie-hellman-group-exchange-sha256",
        ],
    )
    def test_whatever_a_sound_server_insists_on(self, context: SSHContext, line: str) -> None:
        with Sshd(config=[line]) as server, connected(context, target_for(server)) as session:
            assert session.alive

    def test_compression(self, context: SSHContext, target: Target) -> None:
        import msgspec

        from tests.ssh.helpers import command, run

        with connected(context, msgspec.structs.replace(target, compression=True)) as session:
            _, output = run(session, command("head -c 300000 /dev/zero"))
            assert output.stdout == bytes(300_000)


def test_addresses_are_tried_in_turn(context: SSHContext, sshd: Sshd) -> None:
    """localhost is ::1 first in many places, where nothing listens."""
    target = target_for(sshd, address="localhost", known_as=(f"[{sshd.address}]:{sshd.port}",))
    with connected(context, target) as session:
        assert session.alive


def test_a_bind_address(context: SSHContext, sshd: Sshd) -> None:
    with connected(context, target_for(sshd, bind_address="127.0.0.77")) as session:
        assert session.alive
    error = refusal(context, target_for(sshd, bind_address="192.0.2.77"), within=1)
    assert error.kind == "no_route"
