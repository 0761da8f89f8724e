"""Jump hosts: their notation, the chain to a target, and ssh arguments in inventories."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostpool.errors import SSHConfigError
from hostpool.openssh.arguments import parse_ssh_args
from hostpool.openssh.jump import Hop, parse_hop, parse_jump
from hostpool.openssh.route import route
from hostpool.openssh.ssh_config import SSHConfig


@pytest.mark.parametrize(
    ("text", "hop"),
    [
        ("gw", Hop("gw")),
        ("me@gw:2200", Hop("gw", "me", 2200)),
        ("me@corp@gw", Hop("gw", "me@corp")),
        ("[::1]:22", Hop("::1", None, 22)),
        ("me@[fe80::1]", Hop("fe80::1", "me")),
        ("ssh://me@gw:1", Hop("gw", "me", 1)),
        ("ssh://d%40m@gw/", Hop("gw", "d@m")),
    ],
)
def test_a_hop(text: str, hop: Hop) -> None:
    assert parse_hop(text) == hop


@pytest.mark.parametrize(
    "text", ["", "@gw", "gw:", "gw:0", "gw:x", "::1", "[::1", "[::1]x", "ssh://gw/x", "gw/x", "a,,b", ","]
)
def test_no_hop(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_jump(text)


hosts = st.from_regex(r"[a-z][a-z0-9.-]{0,8}", fullmatch=True)
hops = st.builds(Hop, hosts, st.none() | hosts, st.none() | st.integers(1, 65535))


@given(st.lists(hops, min_size=1, max_size=4))
def test_hops_survive_being_written(wanted: list[Hop]) -> None:
    if [hop.host for hop in wanted] != ["none"]:
        assert parse_jump(",".join(map(str, wanted))) == tuple(wanted)


def chain(tmp_path: Path, text: str, *options: str) -> list[tuple[str, str, int, str | None]]:
    file = tmp_path / "config"
    file.write_text(text)
    config = SSHConfig.load(file, options=options, local_user="me")
    found = route(config, config.resolve("target"))
    assert all(hop.proxy_jump is None for hop in found)
    return [(hop.hostname, hop.user, hop.port, hop.proxy_command) for hop in found]


def test_no_jump(tmp_path: Path) -> None:
    assert chain(tmp_path, "ProxyJump none\n") == []


def test_hops_have_their_own_settings(tmp_path: Path) -> None:
    text = (
        "Host target\nProxyJump gw1,you@gw2:2222\n"
        "Host gw1\nHostName one.example\nUser first\nProxyCommand nc %h %p\n"
        "Host gw2\nUser second\nPort 9\nProxyJump elsewhere\n"
    )
    assert chain(tmp_path, text) == [
        ("one.example", "first", 22, "nc one.example 22"),
        ("gw2", "you", 2222, None),
    ]


def test_a_jump_host_behind_another(tmp_path: Path) -> None:
    text = "Host target\nProxyJump gw2\nHost gw2\nProxyJump gw1\nHost gw1\nProxyCommand x\n"
    assert chain(tmp_path, text) == [("gw1", "me", 22, "x"), ("gw2", "me", 22, None)]


def test_options_are_for_the_target_alone(tmp_path: Path) -> None:
    assert chain(tmp_path, "", "ProxyJump=gw", "User=root", "Port=5") == [("gw", "me", 22, None)]


def test_a_circle_is_found(tmp_path: Path) -> None:
    with pytest.raises(SSHConfigError, match="in a circle"):
        chain(tmp_path, "Host *\nProxyJump gw\n")


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("", ()),
        ("-J gw", ("ProxyJump=gw",)),
        ("-Jme@gw:1,b", ("ProxyJump=me@gw:1,b",)),
        ("-o Port=5 -oUser=x", ("Port=5", "User=x")),
        (
            "-o ProxyCommand='ssh -W %h:%p gw' -o 'StrictHostKeyChecking no'",
            ("ProxyCommand=ssh -W %h:%p gw", "StrictHostKeyChecking no"),
        ),
        ("-o ControlMaster=auto -o ControlPersist=60s", ("ControlMaster=auto", "ControlPersist=60s")),
    ],
)
def test_ssh_arguments(text: str, options: tuple[str, ...]) -> None:
    assert parse_ssh_args(text) == options
    SSHConfig.load("none", options=options)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("-C", "-C"),
        ("-o Port=5 -L 1:a:2", "-L"),
        ("--", "--"),
        ("host", "host"),
        ("-o", "-o has no value"),
        ("-o Prot=1", "prot"),
        ("-o Port=x", "Port"),
        ("-J a:b", "-J"),
        ("-o 'x", "ssh arguments"),
    ],
)
def test_other_ssh_arguments_are_refused_by_name(text: str, named: str) -> None:
    with pytest.raises(SSHConfigError, match=named) as caught:
        parse_ssh_args(text)
    assert caught.value.source == text
