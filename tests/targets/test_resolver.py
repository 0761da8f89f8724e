"""How a host is reached: who wins, what is refused, and that thousands of hosts cost little."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hostpool.errors import HostpoolError, InventoryError, Problems, SSHConfigError
from hostpool.messages import Target
from hostpool.secrets import Secret
from hostpool.settings import Settings
from hostpool.targets import Resolver

Resolve = Callable[..., Target]


@pytest.fixture
def inventory(tmp_path: Path) -> Callable[[str], list[str]]:
    def write(text: str) -> list[str]:
        path = tmp_path / "hosts.ini"
        path.write_text(text + "\n")
        return [str(path)]

    return write


@pytest.fixture
def resolve(inventory: Callable[[str], list[str]], tmp_path: Path) -> Resolve:
    """The target of ``web1`` from its inventory variables, an ssh_config and settings."""

    def run(variables: str = "", config: str = "", host: str = "web1", **settings: Any) -> Target:
        path = tmp_path / "ssh_config"
        path.write_text(config + "\n")
        return Resolver(
            inventory(f"web1 {variables}\ndb1"), Settings(ssh_config=str(path), **settings)
        ).resolve(host)

    return run


class TestRank:
    """``-e`` > inventory > flags, environment, file (one Settings by then) > ssh_config > default."""

    CASES: tuple[Any, ...] = (
        # field, -e, inventory, settings, ssh_config, and the values in that order
        ("user", {"ansible_user": "a"}, "ansible_user=b", {"user": "c"}, "User d", ["a", "b", "c", "d"]),
        ("port", {"ansible_port": 1}, "ansible_port=2", {"port": 3}, "Port 4", [1, 2, 3, 4]),
        (
            "host_keys",
            {"ansible_host_key_checking": "no"},
            "ansible_ssh_host_key_checking=no",
            {"host_keys": "accept-new"},
            "StrictHostKeyChecking no",
            ["off", "off", "accept-new", "off"],
        ),
        (
            "connect_timeout",
            {"ansible_ssh_timeout": 1},
            "ansible_ssh_timeout=2",
            {"connect_timeout": 3.0},
            "ConnectTimeout 4",
            [1.0, 2.0, 3.0, 4.0],
        ),
    )

    @pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
    def test_the_first_that_says_it_wins(self, resolve: Resolve, case: Any) -> None:
        field, extra, variables, settings, config, expected = case
        found = [
            resolve(variables, config, extra_vars=extra, **settings),
            resolve(variables, config, **settings),
            resolve("", config, **settings),
            resolve("", config),
        ]
        assert [getattr(target, field) for target in found] == expected

    def test_keys(self, resolve: Resolve, tmp_path: Path) -> None:
        """As with ssh -i, the named one comes first and those of ssh_config after it."""
        a, b, c, d = (str(tmp_path / name) for name in "abcd")
        for name in (a, b, c):
            Path(name).touch()
        variables, config = f"ansible_ssh_private_key_file={b}", f"IdentityFile {d}"
        found = [
            resolve(variables, config, extra_vars={"ansible_private_key_file": a}, private_key_files=(c,)),
            resolve(variables, config, private_key_files=(c,)),
            resolve("", config, private_key_files=(c,)),
            resolve("", config),
        ]
        assert [target.identity_files for target in found] == [(a, d), (b, d), (c, d), (d,)]

    def test_defaults(self, resolve: Resolve) -> None:
        target = resolve()
        assert (target.address, target.port, target.host_keys, target.connect_timeout) == (
            "web1", 22, "strict", 10.0,
        )  # fmt: skip
        assert target.become is None and target.jumps == ()

    def test_an_extra_variable_wins_under_its_old_name_too(self, resolve: Resolve) -> None:
        assert resolve("ansible_user=b", extra_vars={"ansible_ssh_user": "a"}).user == "a"

    def test_options_rank_too(self, resolve: Resolve) -> None:
        variables = "ansible_ssh_common_args='-o ServerAliveInterval=7'"
        options = ("ServerAliveInterval=8", "ServerAliveCountMax=2")
        target = resolve(variables, "ServerAliveInterval 9", ssh_options=options)
        assert (target.alive_interval, target.alive_count) == (7.0, 2)
        assert resolve("", "", "db1", ssh_options=options).alive_interval == 8.0

    def test_where_algorithms_are_set_is_known(self, resolve: Resolve, tmp_path: Path) -> None:
        """For whoever is then told that they allow too little."""
        variables = "ansible_ssh_common_args='-o Ciphers=aes128-ctr'"
        options = ("ciphers=aes256-ctr", "MACs hmac-sha2-256")
        target = resolve(variables, "Host *\nKexAlgorithms curve25519-sha256", ssh_options=options)
        assert dict(target.algorithms_set) == {
            "Ciphers": "ansible_ssh_common_args or its like",
            "MACs": "--ssh-option",
            "KexAlgorithms": f"{tmp_path}/ssh_config:2",
        }
        assert resolve("", "").algorithms_set == ()


class TestVariables:
    @pytest.mark.parametrize(
        ("variables", "words"),
        [
            ("ansible_port=ssh", "ansible_port is 'ssh', it must be a port number"),
            ("ansible_port=70000", "a port number, 1 to 65535"),
            ("ansible_ssh_timeout=-1", "a number of seconds above 0"),
            ("ansible_become=perhaps", "yes or no"),
            ("ansible_become_method=runas", "one of sudo, su, doas"),
            ("ansible_connection=winrm", "ssh or local"),
            ("hostpool_shell=fish", "sh or none"),
            ("""ansible_user='{"a": 1}'""", "a text"),
        ],
    )
    def test_a_wrong_one_is_named(self, resolve: Resolve, variables: str, words: str) -> None:
        with pytest.raises(InventoryError) as caught:
            resolve(variables)
        assert words in caught.value.message and caught.value.message.startswith("web1: ")
        assert caught.value.host == "web1" and "inventory show web1" in (caught.value.hint or "")

    def test_templates_are_rendered(self, resolve: Resolve) -> None:
        target = resolve("ansible_host='{{ inventory_hostname }}.{{ zone }}' zone=example.net")
        assert (target.name, target.address) == ("web1", "web1.example.net")

    def test_a_template_that_does_not_work_is_a_usage_error(self, resolve: Resolve) -> None:
        with pytest.raises(HostpoolError) as caught:
            resolve("ansible_host='{{ nothing_of_this_name }}'")
        assert "nothing_of_this_name" in caught.value.message and "ansible_host" in str(caught.value)

    @pytest.mark.parametrize("args", ["-L 1:2:3", "-o", "-o NoSuchThing=1", "'"])
    def test_arguments_of_ssh_that_are_not_taken(self, resolve: Resolve, args: str) -> None:
        quoted = f'"{args}"' if "'" in args else f"'{args}'"
        with pytest.raises(HostpoolError):
            resolve(f"ansible_ssh_extra_args={quoted}")

    def test_a_local_host_needs_no_ssh_config(self, resolve: Resolve) -> None:
        assert resolve("ansible_connection=local", "Nonsense").connection == "local"


class TestAllAtOnce:
    def test_everything_wrong_is_listed_each_once(self, inventory: Any, tmp_path: Path) -> None:
        hosts = inventory("a ansible_port=x\nb ansible_become=x\nc\nd ansible_host='{{ nope }}'")
        resolver = Resolver(hosts, Settings(ssh_config="none"))
        with pytest.raises(Problems) as caught:
            resolver.resolve_all(["a", "b", "c", "d"])
        assert len(caught.value.errors) == 3

    def test_a_broken_ssh_config_is_not_said_once_a_host(self, inventory: Any, tmp_path: Path) -> None:
        config = tmp_path / "config"
        config.write_text("Port many\n")
        resolver = Resolver(inventory("a\nb\nc"), Settings(ssh_config=str(config)))
        with pytest.raises(SSHConfigError) as caught:
            resolver.resolve_all(["a", "b", "c"])
        assert caught.value.line == 1

    def test_notes_come_once(self, inventory: Any, tmp_path: Path) -> None:
        config = tmp_path / "config"
        config.write_text("CheckHostIP yes\nHost b\n  RequestTTY force\n")
        resolver = Resolver(inventory("a\nb\nc"), Settings(ssh_config=str(config)))
        resolver.resolve_all(["a", "b", "c"])
        first, second = resolver.notes
        assert "CheckHostIP" in first and "RequestTTY" in second

    def test_revoked_keys_that_cannot_be_read_refuse_the_run(self, inventory: Any, tmp_path: Path) -> None:
        options = (f"RevokedHostKeys={tmp_path}/missing",)
        with pytest.raises(SSHConfigError, match="RevokedHostKeys"):
            Resolver(inventory("a"), Settings(ssh_config="none", ssh_options=options)).resolve_all(["a"])


class TestJumps:
    CONFIG = "Host bastion\n  HostName b.example\n  User j\n  Port 2200\nHost *\n  User me\n"

    def test_of_ssh_config(self, resolve: Resolve) -> None:
        target = resolve(config=f"Host web1\n  ProxyJump other@first,bastion\n{self.CONFIG}")
        assert [(hop.user, hop.address, hop.port) for hop in target.jumps] == [
            ("other", "first", 22), ("j", "b.example", 2200),
        ]  # fmt: skip

    def test_the_flag_and_the_inventory(self, resolve: Resolve) -> None:
        assert [hop.name for hop in resolve(config=self.CONFIG, jump="bastion").jumps] == ["bastion"]
        variables = "ansible_ssh_common_args='-J nearer'"
        assert [hop.name for hop in resolve(variables, self.CONFIG, jump="bastion").jumps] == ["nearer"]

    def test_hosts_share_their_jump_hosts(self, inventory: Any) -> None:
        resolver = Resolver(inventory("a\nb"), Settings(ssh_config="none", jump="bastion"))
        assert resolver.resolve("a").jumps[0] is resolver.resolve("b").jumps[0]

    def test_in_a_circle(self, resolve: Resolve) -> None:
        with pytest.raises(SSHConfigError, match="circle"):
            resolve(config="Host *\n  ProxyJump one\n")


class TestBecome:
    def test_from_settings_and_variables(self, resolve: Resolve) -> None:
        become = resolve("ansible_become_user=app", become=True, become_method="su").become
        assert become is not None and (become.user, become.method) == ("app", "su")
        assert resolve("ansible_become=no", become=True).become is None
        assert resolve("ansible_become=yes").become is not None

    def test_passwords_of_hosts_win(self, resolve: Resolve) -> None:
        given = Secret("of the flag")
        target = resolve("ansible_become_pass=of-the-host", become=True, become_password=given)
        assert target.become is not None and target.become.password is not None
        assert target.become.password.reveal() == "of-the-host"


class TestGate:
    def test_it_is_the_credential_that_is_tried_on_one_host_first(self, inventory: Any) -> None:
        hosts = inventory(
            "a\nb\nc ansible_password=other\nd ansible_user=else\n"
            "e ansible_become=no\nf ansible_connection=local"
        )
        settings = Settings(ssh_config="none", user="me", password=Secret("secret-1"))
        resolver = Resolver(hosts, settings)
        gates = {host: resolver.gate(resolver.resolve(host)) for host in "abcdef"}
        assert gates["a"] == gates["b"] == gates["e"] is not None
        assert gates["f"] is None
        assert len({gates["a"], gates["c"], gates["d"]}) == 3
        assert not any("secret" in gate for gate in gates.values() if gate)

    def test_without_passwords_there_is_none(self, resolve: Resolve, inventory: Any) -> None:
        resolver = Resolver(inventory("a"), Settings(ssh_config="none", become=True))
        assert resolver.gate(resolver.resolve("a")) is None

    def test_the_become_password_counts_too(self, inventory: Any) -> None:
        settings = Settings(ssh_config="none", become=True, become_password=Secret("secret-1"))
        resolver = Resolver(inventory("a\nb ansible_become=no"), settings)
        assert resolver.gate(resolver.resolve("a")) is not None
        assert resolver.gate(resolver.resolve("b")) is None


class TestLocalhost:
    @pytest.mark.parametrize(
        ("variables", "config", "policy"),
        [
            ("ansible_host=localhost", "", "off"),
            ("ansible_host=127.3.2.1", "", "off"),
            ("ansible_host='::1'", "", "off"),
            ("ansible_host=10.0.0.1", "", "strict"),
            ("ansible_host=127.0.0.1", "HostKeyAlias mine", "strict"),
            ("ansible_host=127.0.0.1", "Host 127.*\n  ProxyJump there", "strict"),
            ("ansible_host=127.0.0.1", "ProxyCommand nc %h %p", "strict"),
        ],
    )
    def test_no_host_authentication_for_localhost(
        self, resolve: Resolve, variables: str, config: str, policy: str
    ) -> None:
        option = ("NoHostAuthenticationForLocalhost=yes",)
        assert resolve(variables, config, ssh_options=option).host_keys == policy
        assert resolve(variables, config).host_keys == "strict"


def test_five_thousand_hosts_cost_little(inventory: Any, tmp_path: Path) -> None:
    config = tmp_path / "config"
    zones = "".join(f"Host zone{number}-*\n  Port {number + 1}\n" for number in range(20))
    config.write_text(
        f"{zones}Host bastion\n  User j\nHost web*\n  User x\nHost *\n  IdentityFile ~/.ssh/%h\n"
    )
    names = [f"web{number:04}" for number in range(5000)]
    lines = [f"{name} ansible_host=10.1.{n // 250}.{n % 250}" for n, name in enumerate(names)]
    hosts = inventory(
        "[web]\n" + "\n".join(lines)
        + "\n[web:vars]\nansible_ssh_common_args='-o ServerAliveInterval=5 -J bastion'"
    )  # fmt: skip
    took = []
    for _ in range(3):  # and not by the wall: the machine has other work
        resolver = Resolver(hosts, Settings(ssh_config=str(config)))
        began = time.thread_time()
        resolver.resolve_all(names)
        took.append(time.thread_time() - began)
    assert min(took) < 4.0, took  # 0.6 s on an idle machine; looking each host up anew takes minutes
    assert len(resolver._configs) == 1
