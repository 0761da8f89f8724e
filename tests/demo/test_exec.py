"""Commands, with real clients."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import paramiko
import pytest
from paramiko.common import cMSG_CHANNEL_REQUEST

from tests.demo.conftest import Clients
from tests.farm import alive, wait_until

MEBIBYTE = 1024 * 1024


def test_streams_and_exit_code(clients: Clients) -> None:
    done = clients.ssh("web1", "echo out; echo err >&2; exit 7")
    assert (done.stdout, done.stderr, done.returncode) == (b"out\n", b"err\n", 7)


def test_each_host_has_its_name_home_and_character(clients: Clients) -> None:
    done = clients.ssh(
        "web2", "hostname; uname -n; echo $HOSTNAME; pwd; uptime; nproc; systemctl is-active nginx"
    )
    name, node, variable, home, uptime, cpus, active = done.stdout.decode().splitlines()
    assert name == node == variable == "web2"
    assert home == str(clients.home("web2"))
    assert "load average" in uptime and int(cpus) > 0 and active == "active"


def test_services_stop_and_start(clients: Clients) -> None:
    assert clients.ssh("lb1", "systemctl stop haproxy && systemctl is-active haproxy").returncode == 3
    assert clients.ssh("lb1", "systemctl start haproxy && systemctl is-active haproxy").returncode == 0
    assert clients.ssh("lb1", "systemctl start nginx").returncode == 5


def test_the_machine_is_not_rebooted(clients: Clients) -> None:
    for command in ("reboot", "poweroff", "shutdown -h now", "halt"):
        done = clients.ssh("web1", command)
        assert done.returncode == 1 and b"not stopped or restarted" in done.stderr


def test_quirks(clients: Clients) -> None:
    began = time.monotonic()
    assert clients.ssh("app3", "echo hi").stdout == b"hi\n"
    assert time.monotonic() - began >= 2
    failing = clients.ssh("db2", "true")
    assert failing.returncode == 1 and b"No space left on device" in failing.stderr
    unreachable = clients.ssh("mail1", "true")
    assert unreachable.returncode == 255 and b"Connection refused" in unreachable.stderr


def test_death_by_signal_is_told(clients: Clients) -> None:
    done = clients.ssh("web1", "kill -TERM $$", flags=("-v",))
    assert done.returncode == 255 and b"exit-signal" in done.stderr


def test_stdin_ends(clients: Clients) -> None:
    assert clients.ssh("web1", "cat; echo end", stdin=b"in\n").stdout == b"in\nend\n"
    assert clients.ssh("web1", "cat").stdout == b""


def test_stdin_that_nobody_reads_is_no_trap(clients: Clients) -> None:
    assert clients.ssh("web1", "true", stdin=b"x" * 5 * MEBIBYTE).returncode == 0


def test_ten_megabytes_both_ways(clients: Clients) -> None:
    data = os.urandom(10 * MEBIBYTE)
    done = clients.ssh("web1", "cat", stdin=data)
    assert hashlib.sha256(done.stdout).digest() == hashlib.sha256(data).digest()


def test_a_shell_reads_its_script_from_stdin(clients: Clients) -> None:
    assert clients.ssh("web1", stdin=b"echo one\nexit 4\n").returncode == 4


def test_a_reader_that_waits_stops_the_writer(clients: Clients) -> None:
    """Flow control: what the client does not take stays in the command, not in the server."""
    argv = clients.ssh_argv("web1", "head -c 50000000 /dev/zero; echo >>ended")
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as client:
        time.sleep(0.5)
        assert not (clients.home("web1") / "ended").exists()
        out, _ = client.communicate(timeout=100)
    assert len(out) == 50_000_000 and client.returncode == 0
    assert (clients.home("web1") / "ended").exists()


def test_environment_is_clean_and_takes_env_requests(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_HOSTPOOL", "a b")
    done = clients.ssh("web1", "env", flags=("-o", "SendEnv=LC_HOSTPOOL"))
    environment = dict(line.split("=", 1) for line in done.stdout.decode().splitlines())
    assert environment["LC_HOSTPOOL"] == "a b"
    assert environment["SSH_CONNECTION"].endswith(f"127.0.0.1 {clients.ports['web1']}")
    assert not {"PYTHONPATH", "PYTHONSAFEPATH", "SSH_AUTH_SOCK"} & set(environment)


def test_terminal(clients: Clients) -> None:
    done = clients.ssh(
        "web1",
        "test -t 0 && stty size && echo $TERM && read x && echo got-$x",
        stdin=b"word\n",
        flags=("-tt",),
    )
    assert b"got-word\r\n" in done.stdout and done.returncode == 0


def test_a_closed_terminal_hangs_up(clients: Clients) -> None:
    argv = clients.ssh_argv("web1", "echo $$; exec sleep 1000", flags=("-tt",))
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as client:
        assert client.stdout is not None
        pid = int(client.stdout.readline())
        assert alive(pid)
        client.kill()
    wait_until(lambda: not alive(pid), what="hang-up reached the command")


def test_a_background_child_keeps_the_channel_but_not_the_status(clients: Clients) -> None:
    with clients.transport("web1") as transport:
        channel = transport.open_session()
        channel.exec_command("(sleep 0.5; echo late) & exit 3")
        assert channel.recv_exit_status() == 3
        assert channel.recv(100) == b"late\n" and channel.recv(1) == b""


def send_signal(channel: paramiko.Channel, name: str) -> None:
    message = paramiko.Message()
    message.add_byte(cMSG_CHANNEL_REQUEST)
    message.add_int(channel.remote_chanid)
    message.add_string("signal")
    message.add_boolean(False)
    message.add_string(name)
    channel.get_transport()._send_user_message(message)  # type: ignore[attr-defined]  # paramiko has no call for it


@pytest.mark.parametrize("name", ["TERM", "KILL"])
def test_signals_reach_the_whole_group(clients: Clients, name: str) -> None:
    with clients.transport("web1") as transport:
        channel = transport.open_session()
        channel.exec_command("sleep 1000 & echo $$ $!; wait")
        pids = [int(word) for word in channel.recv(100).split()]
        send_signal(channel, "NOSUCH")
        send_signal(channel, name)
        assert channel.recv_exit_status() == -1  # an exit-signal, for paramiko
    wait_until(lambda: not any(map(alive, pids)), what=f"SIG{name} ended {pids}")


def test_a_signal_sent_at_once_is_not_lost(clients: Clients) -> None:
    with clients.transport("web1") as transport:
        for _ in range(20):
            channel = transport.open_session()
            channel.exec_command("exec sleep 1000")
            send_signal(channel, "KILL")
            assert channel.recv_exit_status() == -1
            channel.close()


def test_200_commands_over_20_connections(clients: Clients) -> None:
    hosts = [host for host in clients.ports if host not in ("app3", "db2", "mail1")]

    def one(transport: paramiko.Transport, number: int) -> tuple[int, bytes, int]:
        channel = transport.open_session()
        channel.exec_command(f"cat; echo {number}; exit {number % 100}")
        channel.sendall(b"x" * 1000)
        channel.shutdown_write()
        with channel.makefile("rb") as output:
            return number, output.read(), channel.recv_exit_status()

    with ThreadPoolExecutor(40) as threads:
        transports = list(threads.map(lambda n: clients.transport(hosts[n % len(hosts)]), range(20)))
        results = list(threads.map(lambda n: one(transports[n % 20], n), range(200)))
    for transport in transports:
        transport.close()
    assert results == [(n, b"x" * 1000 + b"%d\n" % n, n % 100) for n in range(200)]


def test_keepalives_are_answered(clients: Clients) -> None:
    flags = ("-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=1")
    assert clients.ssh("web1", "sleep 2.5; echo alive", flags=flags).stdout == b"alive\n"


def test_wrong_key_is_refused(clients: Clients, tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    argv = ["ssh", *clients.options("web1", key=key), "127.0.0.1", "true"]
    done = subprocess.run(argv, capture_output=True, timeout=100)
    assert done.returncode == 255 and b"Permission denied (publickey)" in done.stderr


def test_other_users_and_passwords_are_refused(clients: Clients) -> None:
    done = subprocess.run(
        ["ssh", *clients.options("web1"), "nobody-known@127.0.0.1", "true"], capture_output=True, timeout=100
    )
    assert done.returncode == 255 and b"Permission denied (publickey)" in done.stderr
    with paramiko.Transport(("127.0.0.1", clients.ports["web1"])) as transport:
        transport.start_client(timeout=10)
        with pytest.raises(paramiko.BadAuthenticationType) as refused:
            transport.auth_password("root", "")
        assert refused.value.allowed_types == ["publickey"]


def test_forwarding_is_refused(clients: Clients) -> None:
    with clients.transport("web1") as transport:
        with pytest.raises(paramiko.ChannelException):
            transport.open_channel("direct-tcpip", ("127.0.0.1", 22), ("127.0.0.1", 1))
        with pytest.raises(paramiko.SSHException):
            transport.request_port_forward("127.0.0.1", 0)


def test_signal_numbers_are_names(clients: Clients) -> None:
    assert clients.ssh("web1", f"kill -{signal.SIGUSR1.value} $$").returncode == 255
