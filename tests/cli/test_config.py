"""Flags, variables, file: their rank, and that nothing is ignored in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from hostpool.cli import config
from hostpool.cli.options import HostOptions
from hostpool.errors import ConfigError, Problems


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def load(file: Path, text: str, **variables: str) -> dict[str, object]:
    file.write_text(text)
    return config.load({"HOSTPOOL_CONFIG": str(file), **variables})


def refused(file: Path, text: str, **variables: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(file, text, **variables)
    return caught.value


def test_rank(file: Path) -> None:
    file.write_text('fanout = 10\nuser = "file"\nport = 1\n')
    environ = {"HOSTPOOL_CONFIG": str(file), "HOSTPOOL_FANOUT": "20", "HOSTPOOL_USER": "variable"}
    options = config.merged(HostOptions, {"fanout": 30}, environ)
    assert (options.fanout, options.user, options.port) == (30, "variable", 1)


def test_values_of_the_file(file: Path) -> None:
    found = load(
        file,
        'connect-timeout = 2.5\nmax-output = "64K"\nssh-option = ["Port 1", "User=x"]\n'
        'private-key = "keys/id"\ninventory = ["hosts.yml", "h1,h2,", "/etc/hosts.yml"]\n'
        'ssh-config = "none"\nsyslog = false\nmax-fail = "10%"\n',
    )
    assert found["connect_timeout"] == 2.5
    assert found["max_output"] == 65536
    assert found["ssh_option"] == ("Port=1", "User=x")
    assert found["private_key"] == (str(file.parent / "keys/id"),)
    assert found["inventory"] == (str(file.parent / "hosts.yml"), "h1,h2,", "/etc/hosts.yml")
    assert found["ssh_config"] == "none"
    assert found["syslog"] is False
    assert str(found["max_fail"])


def test_every_key_can_be_set_by_a_variable(file: Path) -> None:
    samples = {
        "inventory": "x", "fanout": "1", "workers": "1", "max_fail": "1", "deadline": "1", "retries": "1",
        "user": "x", "port": "1", "private_key": "x", "connection_password_file": "x", "ssh_config": "x",
        "ssh_option": "A=b", "jump": "x", "connect_timeout": "1", "host_keys": "off", "become_user": "x",
        "become_method": "su", "become_password_file": "x", "task_timeout": "1", "silence_timeout": "1",
        "output": "json", "max_output": "1", "syslog": "off", "state_dir": "x", "history_output": "off",
            "history_keep": "1d", "history_max_size": "1G",
    }  # fmt: skip
    variables = {"HOSTPOOL_" + name.upper(): value for name, value in samples.items()}
    assert load(file, "", **variables).keys() == samples.keys()
    assert {flag.field for flag in config.settings_keys()} == samples.keys()


def test_an_unknown_key_is_an_error_with_line_and_nearest_name(file: Path) -> None:
    error = refused(file, "user = 'x'\n\nfannout = 10\n")
    assert (error.file, error.line, error.column, error.source) == (str(file), 3, 1, "fannout = 10")
    assert error.hint == "did you mean fanout?"
    assert refused(file, "host_keys = 'off'\n").hint == "did you mean host-keys?"
    assert refused(file, "[defaults]\nfanout = 1\n").line == 1


def test_a_wrong_value_is_an_error_with_its_line(file: Path) -> None:
    for text in (
        "fanout = 'x'",
        "fanout = true",
        "fanout = [1]",
        "user = ''",
        "syslog = 'no'",
        "port = 70000",
    ):
        error = refused(file, f"# first\n{text}\n")
        assert error.line == 2, text
        assert error.message.startswith(text.split()[0] + ": ")


def test_everything_wrong_is_said_at_once(file: Path) -> None:
    with pytest.raises(Problems) as caught:
        load(file, "fannout = 1\nport = 'x'\n", HOSTPOOL_FANOUT="many")
    assert len(caught.value.errors) == 3


def test_no_toml(file: Path) -> None:
    error = refused(file, "user = 'x'\nfanout = = 3\n")
    assert (error.line, error.source) == (2, "fanout = = 3")
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read"):
        config.load({"HOSTPOOL_CONFIG": str(file)})


@pytest.mark.parametrize("name", ["HOSTPOOL_PASSWORD", "HOSTPOOL_BECOME_PASS", "HOSTPOOL_SECRET"])
def test_a_secret_in_a_variable_is_refused(file: Path, name: str) -> None:
    error = refused(file, "", **{name: "hunter22"})
    assert "hunter22" not in str(error)
    assert error.hint is not None
    assert "--connection-password-file" in error.hint


def test_a_secret_in_the_file_is_refused(file: Path) -> None:
    assert "secret" in refused(file, "password = 'hunter22'\n").message


def test_a_slip_in_a_variable_is_refused_a_strangers_variable_is_not(file: Path) -> None:
    assert refused(file, "", HOSTPOOL_FANNOUT="3").hint == "did you mean HOSTPOOL_FANOUT?"
    assert load(file, "", HOSTPOOL_DEPLOYMENT_ID="7", HOSTPOOL_FANOUT="") == {}


def test_a_named_file_must_be_there_the_usual_one_need_not(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not there"):
        config.load({"HOSTPOOL_CONFIG": str(tmp_path / "nope.toml")})
    assert config.load({"XDG_CONFIG_HOME": str(tmp_path)}) == {}


def test_where_the_file_is(tmp_path: Path) -> None:
    assert config.config_file({"XDG_CONFIG_HOME": "/x"}) == Path("/x/hostpool/config.toml")
    assert config.config_file({"XDG_CONFIG_HOME": "rel"}) == Path("~/.config/hostpool/config.toml")
    assert config.config_file({}) == Path("~/.config/hostpool/config.toml")
