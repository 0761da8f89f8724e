"""Jump hosts and ProxyCommand, between real servers."""

from __future__ import annotations

import os
import shlex
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from hostpool.errors import Unreachable
from hostpool.messages import Target
from hostpool.ssh import SSHContext
from hostpool.ssh.attempt import Attempt
from hostpool.stop import Stop
from tests.farm import Hostile, Refusing, Sshd, hostile, processes, wait_until
from tests.farm.processes import descendants
from tests.patience import AMPLE, promptly
from tests.ssh.helpers import command, connected, refusal, run, target_for


@pytest.fixture(scope="module")
def bastion() -> Iterator[Sshd]:
    with Sshd(max_startups="10:30:100") as server:
        yield server


def logins(server: Sshd) -> int:
    return server.log().count("Accepted publickey")


def jump(server: Sshd, **changes: object) -> Target:
    return target_for(server, name="bastion", **changes)


def through(sshd: Sshd, *jumps: Target, **changes: object) -> Target:
    return target_for(sshd, jumps=jumps, **changes)


def test_one_connection_serves_many_hosts(context: SSHContext, sshd: Sshd, bastion: Sshd) -> None:
    before = logins(bastion)
    addresses = sshd.addresses(30)
    codes = []

    def one(address: str) -> None:
        with connected(context, through(sshd, jump(bastion), address=address)) as session:
            codes.append(run(session, command("exit 6"))[0].exit_code)

    threads = [threading.Thread(target=one, args=(address,)) for address in addresses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [6] * 30
    assert logins(bastion) == before + 1


def test_two_hops_and_much_data(context: SSHContext, sshd: Sshd, bastion: Sshd) -> None:
    with Sshd() as second, connected(context, through(sshd, jump(bastion), jump(second))) as session:
        data = bytes(range(256)) * 40_000
        end, output = run(session, command("cat", stdin=data))
        assert (end.exit_code, output.stdout == data) == (0, True)
        assert logins(second) == 1


def test_a_dead_jump_connection_is_made_anew(context: SSHContext, sshd: Sshd, bastion: Sshd) -> None:
    target = through(sshd, jump(bastion))
    with connected(context, target):
        pass
    before = logins(bastion)
    transport, _ = context.jumps._jump(target, Attempt(context.alarms, AMPLE, Stop()))
    transport.kill()
    wait_until(lambda: not transport.is_active())
    with connected(context, target) as session:
        assert run(session, command("true"))[0].exit_code == 0
    assert logins(bastion) == before + 1


def test_a_host_that_refuses_behind_it(context: SSHContext, bastion: Sshd) -> None:
    with Refusing() as server:
        target = through(bastion, jump(bastion), address=server.address, port=server.port)
        error = refusal(context, target, within=2)
    assert (error.kind, error.retryable) == ("jump_failed", True)
    assert f"cannot connect to 127.0.0.1:{server.port}" in error.message


def test_a_mute_host_behind_it_leaves_the_jump_alone(context: SSHContext, sshd: Sshd, bastion: Sshd) -> None:
    before = logins(bastion)
    with Hostile(hostile.mute) as server:
        target = through(
            bastion, jump(bastion), address=server.address, port=server.port, connect_timeout=1.0
        )
        assert refusal(context, target).kind == "banner"
    with connected(context, through(sshd, jump(bastion))) as session:
        assert run(session, command("true"))[0].exit_code == 0
    assert logins(bastion) == before + 1


def test_a_jump_host_that_does_not_forward(context: SSHContext, sshd: Sshd) -> None:
    with Sshd(config=["AllowTcpForwarding no"]) as closed:
        error = refusal(context, through(sshd, jump(closed)), within=2)
        context.close()
    assert (error.kind, error.retryable) == ("jump_failed", False)
    assert "AllowTcpForwarding" in (error.hint or "")


def test_a_jump_host_that_is_down(context: SSHContext, sshd: Sshd, bastion: Sshd) -> None:
    with Refusing() as server:
        down = jump(bastion, address=server.address, port=server.port)
        error = refusal(context, through(sshd, down), within=1)
    assert (error.kind, error.retryable) == ("jump_failed", True)
    assert error.message == f"jump host bastion: connection refused by 127.0.0.1:{server.port}"


def test_a_mute_jump_host_costs_everybody_one_wait(context: SSHContext, sshd: Sshd, bastion: Sshd) -> None:
    """Not one after the other: all share the first failure."""
    kinds = []
    with Hostile(hostile.mute) as server:
        down = jump(bastion, address=server.address, port=server.port)

        def one() -> None:
            with pytest.raises(Unreachable) as caught:
                context.connect(through(sshd, down, connect_timeout=1.0), Stop())
            kinds.append(caught.value.kind)

        threads = [threading.Thread(target=one) for _ in range(40)]
        with promptly():
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    assert kinds == ["jump_failed"] * 40


def test_an_unknown_key_of_the_jump_host(
    context: SSHContext, sshd: Sshd, bastion: Sshd, tmp_path: Path
) -> None:
    stranger = msgspec.structs.replace(jump(bastion), known_hosts=(str(tmp_path / "none"),))
    error = refusal(context, through(sshd, stranger), within=2)
    assert (error.kind, error.retryable) == ("jump_failed", False)
    assert "host key" in error.message


class TestProxyCommand:
    @pytest.fixture(autouse=True)
    def no_child_left(self) -> Iterator[None]:
        def programs() -> set[int]:
            return {pid for pid in descendants(os.getpid()) if "sshd" not in processes.command(pid)}

        before = programs()
        yield
        wait_until(lambda: programs() <= before, seconds=20, what="the ProxyCommand is gone")

    def test_ssh_itself(self, context: SSHContext, sshd: Sshd, bastion: Sshd) -> None:
        words = bastion.ssh(bastion.address)
        words = [*words[:-1], "-W", f"{sshd.address}:{sshd.port}"]
        words = [words[0], *words[-2:], *words[1:-2]]
        with connected(context, target_for(sshd, proxy_command=shlex.join(words))) as session:
            data = b"x" * 3_000_000
            end, output = run(session, command("cat", stdin=data))
            assert (end.exit_code, len(output.stdout)) == (0, 3_000_000)

    @pytest.mark.parametrize(
        ("program", "words"),
        [
            ("false", "closed the connection"),
            ("sh -c 'echo no way >&2; exit 1'", "no way"),
            ("/no/such/program --now", "/no/such/program"),
        ],
    )
    def test_one_that_ends(self, context: SSHContext, sshd: Sshd, program: str, words: str) -> None:
        error = refusal(context, target_for(sshd, proxy_command=program), within=1)
        assert error.kind in ("proxy_failed", "closed_early")
        assert words in error.message
        assert error.retryable

    def test_a_mute_one(self, context: SSHContext, sshd: Sshd) -> None:
        target = target_for(sshd, proxy_command="sleep 30", connect_timeout=1.0)
        assert refusal(context, target).kind == "banner"

    def test_one_that_does_not_go(self, context: SSHContext, sshd: Sshd) -> None:
        stubborn = "sh -c 'trap \"\" HUP TERM; while :; do sleep 1; done'"
        target = target_for(sshd, proxy_command=stubborn, connect_timeout=1.0)
        assert refusal(context, target).kind == "banner"

    def test_one_that_talks_without_end(self, context: SSHContext, sshd: Sshd) -> None:
        target = target_for(sshd, proxy_command="sh -c 'yes >&2'", connect_timeout=1.0)
        assert refusal(context, target).kind == "banner"
