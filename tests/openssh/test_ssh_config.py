"""ssh_config: what ``ssh -G`` cannot tell: errors and their places, expansion, notes, speed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hostpool.errors import Problems, SSHConfigError
from hostpool.openssh.host_config import HostConfig
from hostpool.openssh.jump import Hop
from hostpool.openssh.ssh_config import SSHConfig

from .oracle import needs_ssh

ENV = {"PATH": os.environ["PATH"], "SSH_AUTH_SOCK": "/run/agent", "KEYS": "/keys", "OTHER_SOCK": "/run/other"}


def load(tmp_path: Path, text: str, *options: str) -> SSHConfig:
    file = tmp_path / "config"
    file.write_text(text)
    return SSHConfig.load(file, options=options, env=ENV, home="/home/me", local_user="me")


def resolve(tmp_path: Path, text: str, host: str = "box", *options: str) -> HostConfig:
    return load(tmp_path, text, *options).resolve(host)


def test_paths_are_expanded(tmp_path: Path) -> None:
    config = resolve(
        tmp_path,
        "User u\nPort 7\nIdentityFile ~/k_%r@%h:%p\nIdentityFile ${KEYS}/%n_%%\nIdentityFile none\n"
        "CertificateFile %d/c-%u\nRevokedHostKeys ~/revoked\n",
    )
    assert config.identity_files == ("/home/me/k_u@box:7", "/keys/box_%")
    assert config.certificate_files == ("/home/me/c-me",)
    assert config.revoked_host_keys == "/home/me/revoked"
    assert config.identity_files_explicit


def test_without_anything_set(tmp_path: Path) -> None:
    config = resolve(tmp_path, "")
    assert config.identity_files[0] == "/home/me/.ssh/id_rsa"
    assert not config.identity_files_explicit
    assert config.user_known_hosts_files == ("/home/me/.ssh/known_hosts", "/home/me/.ssh/known_hosts2")
    assert (config.user, config.user_explicit, config.port, config.port_explicit) == ("me", False, 22, False)
    assert config.identity_agent == "/run/agent"
    assert config.notes == ()


@pytest.mark.parametrize(
    ("value", "socket"),
    [
        ("none", None),
        ("SSH_AUTH_SOCK", "/run/agent"),
        ("$OTHER_SOCK", "/run/other"),
        ("$NOT_SET", None),
        ("${KEYS}/agent-%r", "/keys/agent-me"),
        ("~/agent", "/home/me/agent"),
    ],
)
def test_agents(value: str, socket: str | None, tmp_path: Path) -> None:
    assert resolve(tmp_path, f"IdentityAgent {value}\n").identity_agent == socket
    forwarded = resolve(tmp_path, f"ForwardAgent {value}\n")
    assert forwarded.forward_agent
    assert forwarded.forward_agent_socket == (None if value == "SSH_AUTH_SOCK" else socket)


def test_the_connection_hash_and_other_tokens(tmp_path: Path) -> None:
    config = resolve(
        tmp_path, "User u\nHostKeyAlias AL\nProxyJump a,b:1\nUserKnownHostsFile /%C /%j-%k-%l-%L-%i\n"
    )
    node = os.uname().nodename
    digest = hashlib.sha1(f"{node}box22ub".encode()).hexdigest()
    short = node.partition(".")[0]
    assert config.user_known_hosts_files == (f"/{digest}", f"/b-al-{node}-{short}-{os.getuid()}")


def test_tokens_in_proxies(tmp_path: Path) -> None:
    assert resolve(tmp_path, "User u\nProxyCommand nc %h %p %r %n %%\n").proxy_command == "nc box 22 u box %"
    config = resolve(tmp_path, "User u\nHostName real\nProxyJump %r@gw-%h:2200,last\n")
    assert config.proxy_jump == (Hop("gw-real", "u", 2200), Hop("last"))
    with pytest.raises(SSHConfigError, match="%C is not a token"):
        resolve(tmp_path, "ProxyCommand x %C\n")
    with pytest.raises(SSHConfigError, match="%d is not a token"):
        resolve(tmp_path, "ProxyJump %d\n")


def test_user_and_port_of_the_caller_come_first(tmp_path: Path) -> None:
    config = load(tmp_path, "User a\nPort 1\nMatch user b\nServerAliveInterval 9\n", "Port=2")
    found = config.resolve("box", user="b", port=3)
    assert (found.user, found.port, found.server_alive_interval) == ("b", 3, 9)
    assert config.resolve("box").port == 2
    assert config.resolve("box", user="b", port=3) is found


def test_other_options_need_no_second_reading(tmp_path: Path) -> None:
    config = load(tmp_path, "Port 1\nMatch weather rain\nUser x\n", "Port=2", "User=u")
    (tmp_path / "config").unlink()
    other = config.with_options(["Port=3"])
    with pytest.raises(SSHConfigError, match="weather"):
        other.resolve("box")
    assert other.arguments == ("-F", str(tmp_path / "config"), "-o", "Port=3")
    assert config.without_options().arguments == ("-F", str(tmp_path / "config"))
    assert SSHConfig.load("none", options=["Port=9"]).with_options(["User=v"]).resolve("box").port == 22
    assert config.without_options() is config.without_options()
    with pytest.raises(SSHConfigError, match="Port"):
        config.with_options(["Port=x"])


def test_every_wrong_line_is_told_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(Problems) as caught:
        load(tmp_path, "Host x\n  Prot 22\nPort 99999\n\nUser\nConnectTimeout soon\nMatch host\n", "Nope=1")
    places = [(error.file, error.line) for error in caught.value.errors]
    file = str(tmp_path / "config")
    assert places == [("command line", None), *((file, line) for line in (2, 3, 5, 6, 7))]
    typo = caught.value.errors[1]
    assert typo.hint == "did you mean Port?"
    assert typo.source == "  Prot 22"


def test_a_token_that_cannot_be_expanded_is_told_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(SSHConfigError, match="MISSING is not set") as caught:
        resolve(tmp_path, "\nIdentityFile ${MISSING}/x\n")
    assert (caught.value.file, caught.value.line) == (str(tmp_path / "config"), 2)
    for text in (
        "IdentityFile %x\n",
        "IdentityFile a%\n",
        "IdentityFile ${\n",
        "IdentityFile ~nobody-here/x\n",
    ):
        with pytest.raises(SSHConfigError):
            resolve(tmp_path, text)


@pytest.mark.parametrize("name", ["missing", "unreadable"])
def test_a_file_that_is_asked_for_must_be_there(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    if name == "unreadable":
        if os.getuid() == 0:
            pytest.skip("root reads everything")
        file.write_text("")
        file.chmod(0)
    with pytest.raises(SSHConfigError) as caught:
        SSHConfig.load(file)
    assert caught.value.file == str(file)


def test_no_file_at_all() -> None:
    config = SSHConfig.load("none", home="/home/me", options=["Port=5"])
    assert config.resolve("box").port == 5


def test_the_users_file_counts_before_the_systems(tmp_path: Path) -> None:
    ssh = tmp_path / ".ssh"
    ssh.mkdir(mode=0o700)
    (ssh / "config").write_text("Include extra.d/*\nIgnoreUnknown UseKeychain\nUseKeychain yes\n")
    (ssh / "extra.d").mkdir()
    (ssh / "extra.d" / "a").write_text("User included\n")
    for file in (ssh / "config", ssh / "extra.d" / "a"):
        file.chmod(0o600)
    assert SSHConfig.load(home=str(tmp_path), env=ENV).resolve("box").user == "included"
    (ssh / "config").chmod(0o602)
    with pytest.raises(SSHConfigError, match="written by others"):
        SSHConfig.load(home=str(tmp_path), env=ENV)


def test_include_with_tokens_and_variables(tmp_path: Path) -> None:
    part = tmp_path / "for-me"
    part.write_text("Port 6\n")
    part.chmod(0o600)
    file = tmp_path / "config"
    file.write_text("Include ${HERE}/for-%u\n")
    env = {**ENV, "HERE": str(tmp_path)}
    assert SSHConfig.load(file, env=env, local_user="me").resolve("box").port == 6
    file.write_text("Include ${HERE}/for-%h\n")
    with pytest.raises(SSHConfigError, match="Include") as caught:
        SSHConfig.load(file, env=env)
    assert caught.value.line == 1


def test_match_exec_runs_once_for_equal_commands(tmp_path: Path) -> None:
    log = tmp_path / "log"
    text = f'Match exec "echo x >> {log}"\nPort 1\nMatch exec "echo %h >> {log}"\nUser u\n'
    config = load(tmp_path, text)
    for host in ("a", "b", "c", "a"):
        assert config.resolve(host).port == 1
    assert config.with_options(["User=x"]).resolve("a").port == 1
    assert sorted(log.read_text().split()) == ["a", "b", "c", "x"]


def test_match_exec_that_dies(tmp_path: Path) -> None:
    with pytest.raises(SSHConfigError, match="killed by signal 9") as caught:
        resolve(tmp_path, 'Match exec "kill -9 $$"\nPort 1\n')
    assert caught.value.line == 1


def test_match_exec_with_todays_quoting(tmp_path: Path) -> None:
    text = 'Match exec \'test %h = box\' host=b*\nPort 1\nMatch exec "test \\"%h\\" = box"\nUser u\n'
    config = resolve(tmp_path, text)
    assert (config.port, config.user) == (1, "u")


def test_tags(tmp_path: Path) -> None:
    text = (
        "Host b*\nTag far\nMatch tagged near\nPort 1\nMatch tagged f*,x\nPort 2\nMatch !tagged far\nPort 3\n"
    )
    assert resolve(tmp_path, text).port == 2
    assert resolve(tmp_path, text, "other").port == 3


class TestAskingSSH:
    def test_a_criterion_that_nobody_here_knows(self, tmp_path: Path) -> None:
        config = load(tmp_path, "Host *\nPort 1\nMatch host far weather rain\nPort 2\n")
        assert config.resolve("near").port == 1
        with pytest.raises(
            SSHConfigError, match="'weather' is not decided here, and asking ssh -G failed"
        ) as caught:
            config.resolve("far")
        assert (caught.value.file, caught.value.line) == (str(tmp_path / "config"), 3)

    def test_without_an_ssh(self, tmp_path: Path) -> None:
        file = tmp_path / "config"
        file.write_text("Match weather rain\nPort 2\n")
        with pytest.raises(SSHConfigError, match="there is no ssh to ask"):
            SSHConfig.load(file, env={"PATH": str(tmp_path)}).resolve("box")

    @needs_ssh
    def test_its_answer_is_taken_over(self, tmp_path: Path) -> None:
        text = (
            "CanonicalizeHostname yes\nIdentityFile '/a b'\nIdentityFile /k_%r\n"
            "SetEnv 'A=b c' D=%\nSendEnv X Y*\n"
            "ProxyCommand nc %h %p\nUserKnownHostsFile /%h ~/kh\nCiphers aes256-ctr\nConnectTimeout 1m\n"
            "RemoteCommand echo 100%%\nHostKeyAlias al\nForwardAgent yes\nUser conf\n"
        )
        asked = load(tmp_path, text, "Port=44").resolve("127.0.0.9", user="me2")
        plain = load(tmp_path, text.replace("CanonicalizeHostname yes\n", ""), "Port=44")
        expected = plain.resolve("127.0.0.9", user="me2")
        for name in HostConfig.__struct_fields__:
            if name not in ("user_known_hosts_files", "notes", "algorithms_set"):
                assert getattr(asked, name) == getattr(expected, name), name
        assert asked.user_known_hosts_files[0] == "/127.0.0.9"

    @needs_ssh
    def test_defaults_stay_defaults(self, tmp_path: Path) -> None:
        config = resolve(tmp_path, "CanonicalizeHostname always\n", "127.0.0.9")
        assert config.ciphers is None
        assert not config.identity_files_explicit
        assert config.strict_host_key_checking == "ask"


@pytest.mark.parametrize(
    ("line", "note"),
    [
        ("GSSAPIAuthentication yes", "GSSAPIAuthentication yes (FILE:1): Kerberos is not tried"),
        ("HostbasedAuthentication yes", "host-based login is not tried"),
        ("PKCS11Provider /x.so", "PKCS11Provider /x.so"),
        ("VerifyHostKeyDNS ask", "the key must be in known_hosts"),
        ("KnownHostsCommand /bin/x %H", "the command is not run"),
        ("SecurityKeyProvider /x.so", "only through an agent"),
        ("RemoteCommand uptime", "the task's command is"),
        ("CheckHostIP yes", "only the key known for the name"),
        ("RequestTTY force", "--tty"),
        ("CASignatureAlgorithms -ssh-rsa", "CASignatureAlgorithms -ssh-rsa"),
        ("ProxyUseFdpass yes", "the connection will fail"),
    ],
)
def test_what_is_not_done_is_said(line: str, note: str, tmp_path: Path) -> None:
    (said,) = resolve(tmp_path, f"{line}\n").notes
    assert note.replace("FILE", str(tmp_path / "config")) in said


@pytest.mark.parametrize(
    "line",
    [
        "GSSAPIAuthentication no",
        "PKCS11Provider none",
        "VerifyHostKeyDNS no",
        "CheckHostIP no",
        "RequiredRSASize 1024",
        "ConnectionAttempts 1",
        "ControlPath /x",
        "ControlMaster auto",
        "LogLevel DEBUG3",
        "SecurityKeyProvider internal",
        "LocalForward 1 a:2",
    ],
)
def test_what_changes_nothing_is_not_said(line: str, tmp_path: Path) -> None:
    assert resolve(tmp_path, f"{line}\n").notes == ()


def test_five_thousand_hosts(tmp_path: Path) -> None:
    blocks = [f"Host web{n}\nHostName 10.0.{n % 250}.{n // 250}\nIdentityFile ~/%r\n" for n in range(1000)]
    rest = "Host web* !web7\nProxyJump gw\nHost *.x db*\nPort 33\nMatch user u3 host w*\nUser x\n"
    config = load(tmp_path, "".join(blocks) + rest)
    began = time.process_time()
    for n in range(5000):
        config.resolve(f"web{n}")
    assert time.process_time() - began < 5  # a third of a second on an idle machine


def test_importing_brings_nothing_heavy() -> None:
    program = (
        "import sys, hostpool.openssh.ssh_config, hostpool.openssh.known_hosts, hostpool.openssh.keys\n"
        "heavy = {'paramiko', 'cryptography', 'bcrypt', 'subprocess', 'dataclasses', '_hashlib', 'difflib'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=root, check=True
    )
    assert done.stdout.strip() == "[]"
