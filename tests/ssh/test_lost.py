"""What a running command's connection can suffer, and what is said about it."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hostpool.errors import Cancelled, Lost, Unreachable
from hostpool.messages import Target
from hostpool.ssh import SSHContext
from hostpool.stop import Stop
from tests.farm import Proxy, Sshd, wait_until
from tests.patience import promptly
from tests.ssh.helpers import Counting, Output, command, connected, run, stop_after, target_for
from tests.ssh.test_faults import behind

PATIENT = {"alive_interval": 0.4, "alive_count": 3}  # a dead peer is noticed within 1.2 s


@pytest.fixture
def proxy(sshd: Sshd) -> Iterator[Proxy]:
    with Proxy(sshd.address, sshd.port) as relay:
        yield relay


def test_a_black_hole_is_noticed_in_time(context: SSHContext, sshd: Sshd, proxy: Proxy) -> None:
    with connected(context, behind(sshd, proxy, **PATIENT)) as session:
        output = Output()
        swallow_when(proxy, output)
        with promptly(), pytest.raises(Lost) as caught:
            session.run(command("echo ready; sleep 100"), output, Stop())
        assert (caught.value.kind, caught.value.host) == ("connection_lost", "alpha")
        assert "no sign of life for 1.2 s" in caught.value.message
        assert "not known" in (caught.value.hint or "")
        assert not session.alive


def test_a_black_hole_while_we_write(context: SSHContext, sshd: Sshd, proxy: Proxy) -> None:
    with connected(context, behind(sshd, proxy, **PATIENT)) as session:
        output = Counting()
        swallow_when(proxy, output)
        with promptly(), pytest.raises(Lost):
            session.run(command("cat", stdin=b"x" * 100_000_000), output, Stop())


def test_a_quiet_host_is_not_dead(context: SSHContext, sshd: Sshd) -> None:
    target = target_for(sshd, alive_interval=0.5, alive_count=20)  # asked each half second
    with connected(context, target) as session:
        end, _ = run(session, command("sleep 1.5"))
        assert end.exit_code == 0


def test_our_own_pause_is_not_held_against_the_host(context: SSHContext, sshd: Sshd) -> None:
    class Paused(Counting):
        def feed(self, stream: object, data: bytes) -> None:
            if not self.total:
                time.sleep(3.5)
            self.total += len(data)

    with connected(context, target_for(sshd, alive_interval=0.5, alive_count=6)) as session:
        output = Paused()
        end = session.run(command("head -c 10000000 /dev/zero"), output, Stop())
        assert (end.exit_code, output.total) == (0, 10_000_000)


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_the_connection_breaks(context: SSHContext, sshd: Sshd, reset: bool) -> None:
    with (
        Proxy(sshd.address, sshd.port, cut_down=200_000, reset=reset) as proxy,
        connected(context, behind(sshd, proxy)) as session,
    ):
        with pytest.raises(Lost) as caught:
            run(session, command("head -c 1000000 /dev/zero; sleep 30"))
        assert caught.value.kind == "connection_lost"
        assert not session.alive
        with pytest.raises(Unreachable) as again:
            run(session, command("true"))
        assert again.value.retryable


def test_the_servers_process_is_killed(context: SSHContext) -> None:
    with Sshd() as server, connected(context, target_for(server)) as session:
        output = Output()

        def kill() -> None:
            output.came.wait(60)
            pid = int(output.stdout)
            os.kill(pid, signal.SIGKILL)

        threading.Thread(target=kill).start()
        with pytest.raises(Lost) as caught:
            session.run(command("echo $PPID; exec sleep 30"), output, Stop())
        assert caught.value.kind == "connection_lost"


def test_no_session_is_left(context: SSHContext) -> None:
    with Sshd(max_sessions=0) as server, connected(context, target_for(server)) as session:
        with pytest.raises(Unreachable) as caught:
            run(session, command("true"))
        assert caught.value.kind == "session_refused"
        assert "MaxSessions" in (caught.value.hint or "")


def test_with_a_single_session_a_stop_is_at_least_reported(context: SSHContext) -> None:
    """As root sshd takes no signals for us, and a second channel is not to be had."""
    with Sshd(max_sessions=1) as server, connected(context, target_for(server)) as session:
        with promptly():
            end, _ = run(session, command("sleep 60"), stop_after(0.3, grace=0.5))
        assert end.stopped == "timeout"
        assert end.still_running == (server.user == "root")


def test_stopped_while_no_channel_opens(context: SSHContext, sshd: Sshd, proxy: Proxy) -> None:
    with connected(context, behind(sshd, proxy)) as session:
        proxy.black_hole()
        with promptly(), pytest.raises(Cancelled):
            session.run(command("true"), Output(), stop_after(0.5))


def swallow_when(proxy: Proxy, output: Output) -> None:
    def wait() -> None:
        output.came.wait(60)
        proxy.black_hole()

    threading.Thread(target=wait, daemon=True).start()


def test_a_forced_command(context: SSHContext) -> None:
    """It runs, whatever we ask for, and is never run a second time just to stop it."""
    forced = "ForceCommand echo forced; echo $SSH_ORIGINAL_COMMAND; exit 3"
    with Sshd(config=[forced]) as server, connected(context, target_for(server)) as session:
        end, output = run(session, command("uptime", raw=True))
        assert (end.exit_code, output.stdout) == (3, b"forced\nuptime\n")


def test_an_account_that_only_forwards(context: SSHContext) -> None:
    with Sshd() as server:
        allowed = server.directory / "authorized_keys"
        allowed.write_text(f"restrict {allowed.read_text()}")
        with connected(context, target_for(server)) as session:
            end, _ = run(session, command("true"))
            assert end.exit_code == 0
            with pytest.raises(Unreachable) as caught:
                run(session, command("true", tty=True))
            assert caught.value.kind == "tty_refused"


def test_many_at_once(context: SSHContext, sshd: Sshd) -> None:
    addresses = sshd.addresses(24)
    codes: list[int | None] = []

    def one(address: str) -> None:
        target: Target = target_for(sshd, address=address)
        with connected(context, target) as session:
            codes.append(run(session, command("exit 4"))[0].exit_code)

    threads = [threading.Thread(target=one, args=(address,)) for address in addresses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [4] * 24


def test_a_server_that_rekeys_all_the_time(context: SSHContext) -> None:
    """Many key exchanges in the middle of traffic in both directions, which paramiko#822 hangs in when
    the client starts them."""
    with Sshd(config=["RekeyLimit 1M"]) as server, connected(context, target_for(server)) as session:
        for _ in range(2):
            end, output = run(session, command("cat", stdin=bytes(12_000_000)))
            assert (end.exit_code, len(output.stdout)) == (0, 12_000_000)


def test_environment_that_the_host_accepts(context: SSHContext) -> None:
    """SetEnv of ssh_config goes as the protocol has it, so what sshd does not accept is dropped."""
    with Sshd(config=["AcceptEnv GREETING"]) as server:
        target = target_for(server, set_env=(("GREETING", "a b'c"), ("REFUSED", "x")))
        with connected(context, target) as session:
            _, output = run(session, command('echo "$GREETING|$REFUSED"'))
    assert output.stdout == b"a b'c|\n"


def test_an_idle_session_costs_a_thread_and_no_time(context: SSHContext, sshd: Sshd) -> None:
    before = threading.active_count()
    sessions = [context.connect(target_for(sshd), Stop()) for _ in range(20)]
    try:
        assert threading.active_count() <= before + 20 + 1  # and the clock of the process
        wait_until(sleeping_all_along, seconds=20, what="half a second in which no thread woke up")
    finally:
        for session in sessions:
            session.close()


def sleeping_all_along() -> bool:
    """Whether for half a second no thread of this process woke up, but the one that looks."""
    before = wakes()
    time.sleep(0.5)
    return wakes() - before <= 3


def wakes() -> int:
    """How often the threads of this process have waited for something and were woken (proc(5))."""
    found = 0
    for status in Path("/proc/self/task").glob("*/status"):
        _, _, count = status.read_text().partition("\nvoluntary_ctxt_switches:")
        found += int(count.split()[0])
    return found
