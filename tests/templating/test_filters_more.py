"""Filters of collections, of addresses and of passwords, and lookups that read files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hostpool.playbook.lookups import look_up
from hostpool.templating.template import RenderError, Template


def render(expression: str, **variables: Any) -> Any:
    return Template("{{ " + expression + " }}").render(variables)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("'192.0.2.5/24' | ipaddr", "192.0.2.5/24"),
        ("'192.0.2.5/24' | ansible.utils.ipaddr('address')", "192.0.2.5"),
        ("'192.0.2.0/24' | ipaddr('address')", False),
        ("'192.0.2.5/24' | ipaddr('network')", "192.0.2.0"),
        ("'192.0.2.5/24' | ipaddr('netmask')", "255.255.255.0"),
        ("'192.0.2.5/24' | ipaddr('prefix')", 24),
        ("'192.0.2.5/24' | ipaddr('subnet')", "192.0.2.0/24"),
        ("'192.0.2.5/24' | ipaddr('broadcast')", "192.0.2.255"),
        ("'192.0.2.0/24' | ipaddr('net')", "192.0.2.0/24"),
        ("'192.0.2.0/24' | ipaddr(1)", "192.0.2.1/24"),
        ("'192.0.2.0/24' | ipaddr('-1') | ipaddr('address')", "192.0.2.255"),
        ("'192.0.2.0/24' | ipaddr('range_usable')", "192.0.2.1-192.0.2.254"),
        ("['10.1.2.3', 'no', '2001:db8::1'] | ipaddr", ["10.1.2.3", "2001:db8::1"]),
        ("['10.1.2.3', '8.8.8.8'] | ipaddr('private')", ["10.1.2.3"]),
        ("['10.1.2.3', '10.2.0.1'] | ipaddr('10.1.0.0/16')", ["10.1.2.3"]),
        ("'no address' | ipaddr", False),
        ("'2001:db8::1' | ipv4", False),
        ("'2001:db8::1' | ipv6", "2001:db8::1"),
        ("'2001:db8::1' | ipwrap", "[2001:db8::1]"),
        ("'web1' | ipwrap", "web1"),
        ("'192.0.2.0/24' | ipsubnet(26, 1)", "192.0.2.64/26"),
        ("'192.0.2.0/24' | ipsubnet(26)", "4"),
        ("'192.0.2.0/24' | nthhost(10)", "192.0.2.10"),
        ("'192.0.2.0/24' | network_in_usable('192.0.2.255')", False),
        ("'10.0.0.0/8' | network_in_network('10.1.0.0/16')", True),
        ("['10.0.0.0/9', '10.128.0.0/9'] | cidr_merge", ["10.0.0.0/8"]),
        ("x | json_query('[?a > `1`].b')", ["z"]),
        ("x | community.general.json_query('[].b')", ["y", "z"]),
        ("['1.10', '1.9'] | community.general.version_sort", ["1.9", "1.10"]),
        ("[1, 1, 2] | community.general.counter", {1: 2, 2: 1}),
        ("[[1, 2], [2, 3]] | community.general.lists_union(flatten=true)", [1, 2, 3]),
        ("[[1, 2]] | map('community.general.dict_kv', 'k') | list", [{"k": [1, 2]}]),
        ("[{'n': 1, 'a': 2}] | community.general.lists_mergeby([{'n': 1, 'b': 3}], 'n')",
         [{"n": 1, "a": 2, "b": 3}]),
        ("'1h 30m' | community.general.to_minutes", 90.0),
        ("{'a': 1, 'b': {'a': 2, 'c': 3}} | ansible.utils.remove_keys(target=['a'])", {"b": {"c": 3}}),
        ("'Hello world!' | password_hash('sha512', 'saltstring')",
         "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"),
        ("'Hello world!' | password_hash('sha256', 'saltstringsaltstring', rounds=10000)",
         "$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA"),
    ],
)  # fmt: skip
def test_filters(expression: str, value: Any) -> None:
    assert render(expression, x=[{"a": 1, "b": "y"}, {"a": 2, "b": "z"}]) == value


def test_a_password_hashed_by_crypt(tmp_path: Path) -> None:
    """Drepper's own vectors above; here that a hash without salt is another each time, and holds."""
    from hostpool.templating.filters_passwords import sha_crypt

    one, two = (render("'secret' | password_hash") for _ in range(2))
    assert one != two
    assert sha_crypt("secret", one.split("$")[2]) == one
    blowfish = render("'secret' | password_hash('blowfish', rounds=4)")
    assert blowfish.startswith("$2b$04$")
    with pytest.raises(RenderError, match="letters, digits"):
        render("'secret' | password_hash('sha512', 'a$b')")


def test_lookups_of_files(tmp_path: Path) -> None:
    (tmp_path / "a.ini").write_text("[s]\nkey = value\n[t]\nkey = other\n")
    (tmp_path / "a.csv").write_text("x,1\ny,2\n")
    scope = {"ansible_search_path": [str(tmp_path)], "playbook_dir": str(tmp_path)}
    assert look_up("ini", ["key section=t file=a.ini"], scope) == ["other"]
    assert look_up("ini", ["none"], scope, section="s", file="a.ini", default="d") == ["d"]
    assert look_up("csvfile", ["y file=a.csv delimiter=,"], scope) == ["2"]
    first = look_up("password", ["secret/word length=12 chars=digits"], scope)
    assert first == look_up("password", ["secret/word length=12 chars=digits"], scope)
    assert len(first[0]) == 12
    assert first[0].isdigit()
    assert (tmp_path / "secret/word").stat().st_mode & 0o777 == 0o600
    hashed = look_up("password", ["secret/word"], scope, encrypt="sha512_crypt")
    assert hashed == look_up("password", ["secret/word"], scope, encrypt="sha512_crypt")
    assert hashed[0].startswith("$6$")
