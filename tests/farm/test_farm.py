"""The helpers themselves: fakes that lie would make every other test worthless."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.farm import (
    Booted,
    Hostile,
    Machine,
    Proxy,
    Refusing,
    Sshd,
    ThrowAwayUser,
    alive,
    hostile,
    wait_until,
)
from tests.farm.listener import Listener


def run(words: list[str], stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, input=stdin, capture_output=True, text=True, timeout=100)


def dial(server: Listener | Refusing) -> socket.socket:
    return socket.create_connection((server.address, server.port), timeout=5)


def read_all(connection: socket.socket) -> bytes:
    chunks = []
    while chunk := connection.recv(65536):
        chunks.append(chunk)
    return b"".join(chunks)


def test_real_client_logs_in_to_three_addresses(sshd: Sshd) -> None:
    for address in ("127.0.0.1", *sshd.addresses(2)):
        done = run(sshd.ssh(address, "echo", "hi;", "exit", "7"))
        assert (done.stdout, done.stderr, done.returncode) == ("hi\n", "", 7)


def test_addresses_are_distinct_and_answer_beyond_one_master(sshd: Sshd) -> None:
    addresses = sshd.addresses(20)
    assert len(set(addresses)) == 20
    assert run(sshd.ssh(addresses[-1], "echo", "$SSH_CONNECTION")).stdout.split()[2] == addresses[-1]


def test_listens_on_loopback_only(sshd: Sshd) -> None:
    rows = [line.split()[1:4] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    local = [a for a, _, state in rows if state == "0A" and a.endswith(f":{sshd.port:04X}")]
    assert local and all(a[6:8] == "7F" for a in local)


def test_inventory_names_hosts(sshd: Sshd, tmp_path: Path) -> None:
    text = sshd.inventory(3, tmp_path / "hosts").read_text()
    assert "h001 ansible_host=127.0.1.1\n" in text and "h003 ansible_host=127.0.1.3\n" in text
    assert f"ansible_port={sshd.port}\n" in text


def test_stop_ends_sessions_and_orphans() -> None:
    with Sshd() as server:
        client = subprocess.Popen(server.ssh("127.0.0.1", "sleep", "1000"), stderr=subprocess.DEVNULL)
        background = run(server.ssh("127.0.0.1", "sleep 1000 </dev/null >/dev/null 2>&1 & echo $!"))
        orphan = int(background.stdout)
        wait_until(lambda: len(server.sessions()) >= 3)
        sessions = server.sessions()
        assert orphan in sessions
    assert client.wait(60) == 255
    assert not any(map(alive, sessions))
    assert not server.directory.exists()


def test_sessions_are_free_of_the_real_home(sshd: Sshd, tmp_path: Path) -> None:
    assert run(sshd.ssh("127.0.0.1", "echo $HOME")).stdout == f"{sshd.home}\n"
    (tmp_path / "f").write_text("words")
    batch = f"put {tmp_path}/f f\nrm f\npwd\n"
    done = run(["sftp", "-b", "-", *sshd.ssh_options("-P"), f"{sshd.user}@127.0.0.1"], batch)
    assert f"Remote working directory: {sshd.home}\n" in done.stdout


def test_a_killed_test_run_leaves_no_server() -> None:
    words = "s = Sshd(); print(s.port, s.directory, flush=True); time.sleep(99)"
    code = f"import time; from tests.farm import Sshd; {words}"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), *sys.path])}
    argv = [sys.executable, "-c", code]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout is not None
        port, directory = parent.stdout.readline().split()
        parent.kill()
    shutil.rmtree(directory)
    with socket.socket() as probe:
        wait_until(lambda: probe.connect_ex(("127.0.0.1", int(port))) != 0, what="sshd ended")


def test_settings_of_the_test_win() -> None:
    more = {"HOSTPOOL_A": "a b"}
    with Sshd(
        config=["Banner /dev/null", "MaxSessions 1"], environment=more, max_startups="5:100:5"
    ) as server:
        assert run(server.ssh("127.0.0.1", "echo $HOSTPOOL_A")).stdout == "a b\n"
    with pytest.raises(RuntimeError, match="NoSuchWord"):
        Sshd(config=["NoSuchWord yes"])


@pytest.mark.needs_root
def test_throw_away_user_logs_in_and_goes(sshd: Sshd) -> None:
    with ThrowAwayUser() as user:
        user.allow_sudo("ALL=(ALL) NOPASSWD: ALL")
        done = run(sshd.ssh("127.0.0.1", "id -un; sudo -n id -un; sleep 1000 >&- 2>&- &", user=user.name))
        assert done.stdout.split() == [user.name, "root"], done.stderr
    assert not user.home.exists()
    assert not list(Path("/etc/sudoers.d").glob(f"*{user.name}"))
    with pytest.raises(KeyError):
        pwd.getpwnam(user.name)


def test_refusing() -> None:
    with Refusing() as server, pytest.raises(ConnectionRefusedError):
        dial(server)


@pytest.mark.parametrize(
    "behaviour, prefix",
    [
        (hostile.garbage, b"HTTP/1.1 400"),
        (hostile.banner_then_silence, hostile.BANNER),
        (hostile.kexinit_then_silence, hostile.BANNER),
        (hostile.endless, b"x" * 100_000),
        (hostile.banner_lines, b"please wait\r\n" * 1000),
        (hostile.drip, b"SS"),
        (hostile.throttled, b"Exceeded MaxStartups\r\n"),
        (hostile.close_at_once, b""),
    ],
)
def test_what_hostile_servers_say(behaviour: hostile.Behaviour, prefix: bytes) -> None:
    with Hostile(behaviour) as server, dial(server) as connection:
        heard = b""
        while len(heard) < len(prefix):
            heard += connection.recv(65536)
        assert heard[: len(prefix)] == prefix
        if behaviour in (hostile.throttled, hostile.close_at_once):
            assert connection.recv(1) == b""
        assert server.connections == 1


def test_mute_says_nothing_and_stays() -> None:
    with Hostile(hostile.mute) as server, dial(server) as connection:
        connection.sendall(b"SSH-2.0-test\r\n")
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_reset_at_once() -> None:
    """The reset may come while the connection is still being made."""
    with (
        Hostile(hostile.reset_at_once) as server,
        pytest.raises(ConnectionResetError),
        dial(server) as connection,
    ):
        connection.recv(1)


def test_kexinit_is_well_formed(sshd: Sshd) -> None:
    with Hostile(hostile.kexinit_then_silence) as server:
        words = ["ssh", "-v", "-F", "/dev/null", "-p", str(server.port), "-o", "BatchMode=yes"]
        client = subprocess.Popen([*words, server.address, "true"], stderr=subprocess.PIPE, text=True)
        assert client.stderr is not None
        said = []
        for line in client.stderr:
            said.append(line)
            if "expecting SSH2_MSG_KEX" in line:
                break
        client.kill()
        client.communicate()
    assert any("kex: algorithm: curve25519-sha256" in line for line in said), said


def proxied(sshd: Sshd, proxy: Proxy, *words: str) -> list[str]:
    argv = sshd.ssh(proxy.address, *words)
    argv[argv.index("-p") + 1] = str(proxy.port)
    return [argv[0], "-o", f"HostKeyAlias=[127.0.0.1]:{sshd.port}", *argv[1:]]


def test_proxy_passes_and_counts(sshd: Sshd) -> None:
    with Proxy("127.0.0.1", sshd.port) as proxy:
        done = run(proxied(sshd, proxy, "cat"), "x" * 1_000_000)
        assert done.stdout == "x" * 1_000_000
        assert proxy.up > 1_000_000 and proxy.down > 1_000_000


def test_proxy_cuts_after_exactly_so_many_bytes(sshd: Sshd) -> None:
    with Proxy("127.0.0.1", sshd.port, cut_down=5000) as proxy:
        assert run(proxied(sshd, proxy, "true")).returncode in (0, 255)
        assert run(proxied(sshd, proxy, "seq 10000")).returncode == 255
        wait_until(lambda: proxy.down >= 5000)
        assert proxy.down <= 5000 * 2
    with Proxy("127.0.0.1", sshd.port, cut_down=10) as proxy, dial(proxy) as connection:
        assert read_all(connection) == b"SSH-2.0-Op"


def test_proxy_resets(sshd: Sshd) -> None:
    with Proxy("127.0.0.1", sshd.port, cut_up=4, reset=True) as proxy, dial(proxy) as connection:
        connection.sendall(b"SSH-2.0-test\r\n")
        with pytest.raises(ConnectionResetError):
            read_all(connection)


def test_proxy_delays(sshd: Sshd) -> None:
    with Proxy("127.0.0.1", sshd.port, delay=0.2) as proxy, dial(proxy) as connection:
        began = time.monotonic()
        assert connection.recv(4) == b"SSH-"
        assert time.monotonic() - began >= 0.2
        assert run(proxied(sshd, proxy, "echo hi")).stdout == "hi\n"


def test_proxy_becomes_a_black_hole_and_returns(sshd: Sshd) -> None:
    with Proxy("127.0.0.1", sshd.port) as proxy, dial(proxy) as connection:
        assert connection.recv(4) == b"SSH-"
        while b"\n" not in connection.recv(100):
            pass
        proxy.black_hole()
        connection.sendall(b"SSH-2.0-test\r\n")
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        proxy.restore()
        assert connection.recv(1)


def test_drop_closes_what_is_open(sshd: Sshd) -> None:
    with Proxy("127.0.0.1", sshd.port) as proxy:
        client = subprocess.Popen(proxied(sshd, proxy, "cat"), stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        wait_until(lambda: proxy.down > 2500)
        proxy.drop(reset=True)
        client.communicate(timeout=10)
        assert client.returncode == 255


def test_home_is_elsewhere(tmp_home: Path) -> None:
    assert Path.home() == tmp_home and not list((tmp_home / ".config").iterdir())
    assert os.environ["XDG_STATE_HOME"].startswith(str(tmp_home))


@pytest.mark.parametrize("home", [".ssh", ".config/hostpool"])
def test_guards_fail_a_test(pytester_run: Callable[[str], str], home: str) -> None:
    told = pytester_run(
        f"""
        def test_bad(monkeypatch):
            (tests.conftest.REAL_HOME / {home!r} / "x").write_text("x")
        """
    )
    assert "the real home was written to" in told and "1 passed, 1 error" in told


def test_processes_left_behind_fail_the_session(pytester_run: Callable[[str], str]) -> None:
    told = pytester_run(
        """
        def test_bad():
            subprocess.run(["sh", "-c", "sleep 77 >/dev/null 2>&1 &"])
        """
    )
    assert "processes left behind by tests" in told and "sleep 77" in told


def test_skipped_for_want_of_root_are_named(pytester_run: Callable[[str], str]) -> None:
    told = pytester_run(
        """
        os.geteuid = lambda: 1000

        @pytest.mark.needs_root
        def test_rooted():
            pass
        """
    )
    assert "needs root, not run here: test_inner.py::test_rooted" in told


@pytest.fixture
def pytester_run(tmp_path: Path) -> Callable[[str], str]:
    """Run the text of a test file in a pytest of its own, under our conftest, with a home in tmp."""

    def inner(body: str) -> str:
        home = tmp_path / "fakehome"
        for name in (".ssh", ".config/hostpool"):
            (home / name).mkdir(parents=True)
        root = Path(__file__).parents[2]
        head = "import os, subprocess, sys\nimport pytest\nimport tests.conftest\n"
        (tmp_path / "test_inner.py").write_text(head + textwrap.dedent(body))
        (tmp_path / "conftest.py").write_text(
            "from pathlib import Path\nimport tests.conftest\nfrom tests.conftest import *\n"
            f"tests.conftest.REAL_HOME = Path({str(home)!r})\n"
        )
        (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = needs_root\n")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rs", str(tmp_path)],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(root), *sys.path])},
            timeout=100,
        )
        return done.stdout + done.stderr

    return inner


@pytest.mark.needs_root
def test_nothing_done_to_a_throw_away_machine_reaches_ours() -> None:
    name = socket.gethostname()
    with Machine() as machine:
        machine.sh("useradd -M zz-other && hostname elsewhere && rm /etc/issue && mount -t tmpfs x /mnt")
        machine.sh("mkdir -m 700 /etc/zz-new; echo here > /etc/zz-new/file; ln -s file /etc/zz-new/link")
        changed = machine.changes()
        place = machine.upper.parent
        assert machine.sh("hostname") == "elsewhere\n"
    assert changed["/etc/zz-new"][:2] == ("directory", 0o700)
    assert changed["/etc/zz-new/file"] == ("file", 0o644, 0, 0, b"here\n")
    assert changed["/etc/zz-new/link"][4] == b"file"
    assert changed["/etc/issue"][0] == "gone"
    assert b"zz-other" in changed["/etc/passwd"][4]
    assert not {"/mnt", "/etc"} & set(changed)
    assert socket.gethostname() == name
    assert Path("/etc/issue").exists()
    assert "zz-other" not in Path("/etc/passwd").read_text()
    assert not place.exists()


@pytest.mark.needs_root
@pytest.mark.parametrize("kind", [Machine, Booted])
def test_no_throw_away_machine_can_set_our_clock(kind: type[Machine]) -> None:
    with kind() as machine:
        may = int(machine.sh("sed -n 's/^CapBnd://p' /proc/self/status"), 16)
    cap_sys_module, cap_sys_time = 16, 25
    assert not may & (1 << cap_sys_module | 1 << cap_sys_time)


@pytest.mark.needs_root
def test_a_booted_machine_has_services_of_its_own() -> None:
    with Booted() as machine:
        assert machine.sh("cat /proc/1/comm; systemctl start cron; systemctl is-active cron").split() == [
            "systemd", "active",
        ]  # fmt: skip
        machine.sh("systemctl --quiet mask cron")
        assert list(machine.changes()) == ["/etc/systemd/system/cron.service"]
    assert not Path("/etc/systemd/system/cron.service").is_symlink()
    assert not machine.group.exists()
