"""Our reading of ssh_config against ``ssh -G``: hand-written files, then generated ones."""

from __future__ import annotations

import pwd
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hostpool.errors import HostpoolError
from hostpool.openssh.ssh_config import SSHConfig

from .oracle import Refused, in_words_of_ssh, needs_ssh, of_interest, ssh_g

pytestmark = needs_ssh


def compare(file: Path, host: str, *options: str) -> None:
    """Both read the file alike: equal answers, or both refuse."""
    arguments = [part for option in options for part in ("-o", option)]
    try:
        theirs = ssh_g(file, host, *arguments)
    except Refused:
        with pytest.raises(HostpoolError):
            SSHConfig.load(file, options=options).resolve(host)
        return
    ours = in_words_of_ssh(SSHConfig.load(file, options=options).resolve(host))
    left, right = of_interest(theirs, ours)
    assert right == left


EVERYTHING = """\
HostName %h.example.com
Port 2222
User deploy
IdentityFile /keys/one
IdentityFile "/keys/two words"
CertificateFile /keys/one-cert.pub
CertificateFile /keys/two-cert.pub
IdentitiesOnly yes
UserKnownHostsFile %d/kh_%n_%r_%p_%k_%u_%i /b
GlobalKnownHostsFile /c /d
HostKeyAlias ALIAS
StrictHostKeyChecking accept-new
ConnectTimeout 1m5s
ConnectionAttempts 3
ServerAliveInterval 1h
ServerAliveCountMax 7
Ciphers ^aes256-gcm@openssh.com
KexAlgorithms -*sha1,diffie*
MACs +hmac-md5
HostKeyAlgorithms ssh-ed25519,rsa-sha2-256
PubkeyAcceptedAlgorithms ^ssh-ed25519
AddressFamily inet
BindAddress 127.0.0.1
Compression yes
SendEnv LANG LC_* X
SendEnv -X Y
SetEnv A=b "C=d e" A=other
SetEnv D=dropped
PreferredAuthentications publickey,password
NumberOfPasswordPrompts 1
ForwardAgent yes
HashKnownHosts yes
CheckHostIP yes
TCPKeepAlive no
PasswordAuthentication no
PubkeyAuthentication no
KbdInteractiveAuthentication no
RequestTTY force
RemoteCommand echo %h %%
ProxyJump me@jump:2200,[::1]:22,ssh://you@far/
LogLevel DEBUG
"""

CASES: dict[str, tuple[str, str]] = {
    "everything": (EVERYTHING, "box"),
    "empty": ("", "box"),
    "upper case": ("HostName %h\nHost BOX\nPort 3\nMatch host box\nUser u\n", "BOX"),
    "keyword case": ("pOrT 44\nHOSTNAME x\n", "box"),
    "equals": ("Port=1\nUser = a=b\nIdentityFile\t=\t/x\n", "box"),
    "quotes": ('User "a b"\nIdentityFile \'/c d\'\nIdentityFile /e\\ f\nIdentityFile /g"h i"j\n', "box"),
    "quoted keyword": ('"User" x\n', "box"),
    "escaped quote": ('IdentityFile /a\\"b\n', "box"),
    "comments": ("User x # not this\nPort 5#\n", "box"),
    "comment in word": ("User x#y\n# Port 4\n  # Port 4\n", "box"),
    "comment after Host": ("Host box # web\nUser x\n", "box"),
    "only comment after Host": ("Host #box\nUser x\n", "box"),
    "no continuation": ("User x\\\nPort 3\n", "box"),
    "crlf and form feed": ("User x\r\nPort 3 \f\r\n", "box"),
    "no final newline": ("User x\nPort 3", "box"),
    "first wins": ("User a\nUser b\nHost box\nUser c\n", "box"),
    "negation": ("Host * !box\nUser a\nHost b* !bar\nUser b\n", "box"),
    "only negation": ("Host !other\nUser a\n", "box"),
    "question marks": ("Host b?x\nUser a\nHost ?box\nUser b\nHost bo??\nUser c\n", "box"),
    "no comma lists in Host": ("Host box,bar\nUser a\n", "box"),
    "host with space": ('Host "a b" box\nUser a\n', "box"),
    "match host list": ("Match host foo,box,!bar\nUser a\n", "box"),
    "match negated list": ("Match host box,!box\nUser a\nMatch host !box\nUser b\n", "box"),
    "match negated": ("Match !host foo user root,*\nUser a\n", "box"),
    "match after HostName": (
        "HostName real\nMatch host real\nPort 1\nMatch originalhost box\nUser a\n",
        "box",
    ),
    "match user set before": ("User z\nMatch user z\nPort 9\n", "box"),
    "match exec": ('Match exec "test %h = box"\nUser a\nMatch exec "test %h = foo"\nPort 4\n', "box"),
    "match exec tokens": ('Match exec "test %n-%p-%L-%u-%r-%i = %n-22-%L-%u-%u-%i"\nPort 4\n', "box"),
    "match exec negated": ("Match !exec false host box\nPort 4\n", "box"),
    "match exec hash": ('Match exec "test $(printf %l%h%p%r | sha1sum | cut -c1-40) = %C"\nPort 4\n', "box"),
    "match exec not reached": ("Match host foo exec true\nPort 4\n", "box"),
    "match equals": ("Match host=box user=root,*\nPort 4\n", "box"),
    "match comment": ("Match host box # so\nPort 4\n", "box"),
    "match all": ("Match all\nPort 4\nMatch !all\nUser x\n", "box"),
    "match localuser": (f"Match localuser {pwd.getpwuid(0).pw_name},*\nPort 4\n", "box"),
    "match final": ("HostName real\nMatch final\nPort 5\nHost real\nUser a\nHost box\nUser b\n", "box"),
    "match final host": (
        "HostName real\nMatch final host box\nPort 5\nMatch final host real\nUser b\n",
        "box",
    ),
    "match canonical": ("Match canonical\nPort 5\n", "box"),
    "match canonical with final": ("Match canonical all\nPort 5\nMatch final all\nUser a\n", "box"),
    "match final negated": ("Match !final\nPort 5\nSendEnv A\n", "box"),
    "match nothing": ("Match\nPort 5\n", "box"),
    "match without value": ("Match host\nPort 5\n", "box"),
    "match all and more": ("Match all host box\nPort 5\n", "box"),
    "match unknown": ("Match weather rain\nPort 5\n", "box"),
    "address": ("Port 5\nMatch host 127.0.0.1\nUser x\n", "127.1"),
    "address 6": ("Port 5\n", "::0:1"),
    "percent in HostName": ("HostName %%h.%h\n", "box"),
    "bad token in HostName": ("HostName %n\n", "box"),
    "bad token in known_hosts": ("UserKnownHostsFile %x\n", "box"),
    "unset variable": ("UserKnownHostsFile ${NO_SUCH_VARIABLE}\n", "box"),
    "variables": ("UserKnownHostsFile ${PATH}/x\nUser ${PATH}\n", "box"),
    "jump first": ("ProxyJump j\nProxyCommand x\n", "box"),
    "command first": ("ProxyCommand x\nProxyJump j\n", "box"),
    "command none first": ("ProxyCommand none\nProxyJump j\n", "box"),
    "jump none first": ("ProxyJump none\nProxyJump j\nProxyCommand x\n", "box"),
    "command keeps all": ("ProxyCommand = nc  'a b' # c\n", "box"),
    "jump comment": ("ProxyJump a # c\n", "box"),
    "jump bad port": ("ProxyJump a:x\n", "box"),
    "jump empty hop": ("ProxyJump a,,b\n", "box"),
    "jump path": ("ProxyJump ssh://a/b\n", "box"),
    "jump in brackets": ("ProxyJump [fe80::1],b@[::2]:3\n", "box"),
    "only a comment": ("UserKnownHostsFile # x\nUserKnownHostsFile /y\nSetEnv # x\nSetEnv A=b\n", "box"),
    "none": ("IdentityFile none\nUserKnownHostsFile none\nGlobalKnownHostsFile none\n", "box"),
    "service as port": ("Port ssh\n", "box"),
    "bad port": ("Port 70000\n", "box"),
    "bad number": ("ConnectionAttempts 5x\n", "box"),
    "negative number": ("NumberOfPasswordPrompts -1\n", "box"),
    "bad flag": ("TCPKeepAlive maybe\n", "box"),
    "flag in capitals": ("TCPKeepAlive NO\nStrictHostKeyChecking OFF\nAddressFamily INET6\n", "box"),
    "compression is yes or no": ("Compression true\n", "box"),
    "bad time": ("ConnectTimeout soon\n", "box"),
    "time none": ("ConnectTimeout none\nServerAliveInterval 0\n", "box"),
    "no value": ("User\n", "box"),
    "empty value": ('User ""\n', "box"),
    "two values": ("User a b\n", "box"),
    "open quote": ('User "a\n', "box"),
    "unknown keyword": ("Host other\nNoSuchThing yes\n", "box"),
    "ignored unknown": ("IgnoreUnknown No*,other\nNoSuchThing yes\nOther 3\nUser x\n", "box"),
    "ignored too late": ("NoSuchThing yes\nIgnoreUnknown No*\n", "box"),
    "bad SendEnv": ("SendEnv A=b\n", "box"),
    "bad SetEnv": ("SetEnv A\n", "box"),
    "none is alone": ("UserKnownHostsFile none /x\n", "box"),
    "old names": ("ChallengeResponseAuthentication no\nPubkeyAcceptedKeyTypes ssh-ed25519\n", "box"),
    "unused": ("RekeyLimit 1G 1h\nControlPath /x/%C\nLocalForward 1 a:2\nProtocol 2\n", "box"),
    "pubkey unbound": ("PubkeyAuthentication unbound\nForwardAgent /sock\n", "box"),
    "duplicate identities": ("IdentityFile /a\nIdentityFile /b\nIdentityFile /a\n", "box"),
    "include missing": ("Include /no/such/dir/* /no/such/file\nUser a\n", "box"),
}


@pytest.mark.parametrize("case", CASES)
def test_same_as_ssh(case: str, tmp_path: Path) -> None:
    text, host = CASES[case]
    file = tmp_path / "config"
    file.write_text(text, newline="")
    compare(file, host)


@pytest.mark.parametrize(
    "options",
    [
        ("User=opt", "Port 99"),
        ("IdentityFile=/opt", "IdentityFile /file"),
        ("User = opt",),
        ("Ciphers=-aes*",),
        ("ProxyCommand=x",),
        ("ProxyJump=none",),
        ("Nonsense=1",),
        ("Host=x",),
        ("Include=/x",),
        ("Port=x",),
        ("IgnoreUnknown=nons*", "Nonsense=1"),
        ("SetEnv=Q=1 R=2",),
    ],
)
def test_options_come_first(options: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(EVERYTHING)
    compare(file, "box", *options)


@pytest.mark.parametrize("host", ["box", "web1", "nobody"])
def test_includes(host: str, tmp_path: Path) -> None:
    parts = tmp_path / "conf.d"
    parts.mkdir()
    (parts / "10-a").write_text("User a\nHost web1\nPort 10\nMatch host box\nIdentityFile /a\n")
    (parts / "20-b").write_text(f"Host web*\nInclude {parts}/30-c\nConnectTimeout 20\n")
    (parts / "30-c").write_text(
        "Compression yes\nHost box\nIdentityFile /never\nHost web1\nIdentityFile /c\n"
    )
    (parts / ".hidden").write_text("nonsense here\n")
    file = tmp_path / "config"
    file.write_text(
        f"Host box\nInclude {parts}/1* {parts}/2*\nServerAliveInterval 3\n"
        f'Host web*\nInclude "{parts}/[2]?-*"\nServerAliveInterval 4\nMatch all\nInclude {parts}/*\n'
    )
    for part in (*parts.iterdir(), file):
        part.chmod(0o600)
    compare(file, host)


def test_an_include_that_others_can_write_is_refused(tmp_path: Path) -> None:
    part = tmp_path / "part"
    part.write_text("User x\n")
    part.chmod(0o666)
    file = tmp_path / "config"
    file.write_text(f"Include {part}\n")
    compare(file, "box")


def test_an_endless_include_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(f"Include {file}\nInclude {file}\n")
    file.chmod(0o600)
    compare(file, "box")


WORDS = st.sampled_from(["web1", "web2", "db1", "box", "web*", "*", "?ox", "!web1", "!*2", "db?", "w*b*"])
LINES = st.one_of(
    st.lists(WORDS, min_size=1, max_size=3).map(lambda words: "Host " + " ".join(words)),
    st.lists(
        st.one_of(
            st.builds("{}{} {}".format, st.sampled_from(["", "!"]), st.just("host"), WORDS),
            st.builds("originalhost {},{}".format, WORDS, WORDS),
            st.sampled_from(["user root,a", "!user b", "final", "!final", "canonical", "localuser *"]),
        ),
        min_size=1,
        max_size=3,
    ).map(lambda criteria: "Match " + " ".join(criteria)),
    st.builds("HostName {}".format, st.sampled_from(["%h.x", "box", "web2", "10.1", "DB1"])),
    st.builds("User {}".format, st.sampled_from(["a", "b", '"c d"', "e#f", "g # h", "i\\ j"])),
    st.builds("Port {}".format, st.integers(1, 65535)),
    st.builds(
        "IdentityFile{}{}".format,
        st.sampled_from([" ", "=", " = ", "\t"]),
        st.sampled_from(["/a", "/b", '"/c d"']),
    ),
    st.builds(
        "SendEnv {} {}".format, st.sampled_from(["A", "B*", "-A"]), st.sampled_from(["C", "-B?", "-*"])
    ),
    st.builds("SetEnv {}={}".format, st.sampled_from(["A", "B"]), st.integers(0, 3)),
    st.builds("UserKnownHostsFile /{} /%h_%p_%n_%k_%r".format, st.sampled_from("ab")),
    st.builds("HostKeyAlias {}".format, st.sampled_from(["al", "AL"])),
    st.builds("ConnectTimeout {}".format, st.sampled_from(["5", "1m", "2H3", "none", "1x", "1m 2"])),
    st.builds(
        "Ciphers {}".format, st.sampled_from(["+3des-cbc", "-aes*", "^aes256-ctr", "aes128-ctr,aes256-ctr"])
    ),
    st.builds(
        "Proxy{}".format,
        st.sampled_from(["Jump a", "Jump none", "Command x y", "Command none", "Jump b:1,c"]),
    ),
    st.sampled_from(["", "  # note", "Compression yes", "Nonsense 1", "IgnoreUnknown non*", "Compression"]),
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(LINES, max_size=14), host=st.sampled_from(["web1", "box", "DB1", "db1.x"]))
def test_generated_files(lines: list[str], host: str, tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("\n".join(lines))
    compare(file, host)
