"""The variables that say how a host is reached, by Ansible's names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from hostpool.errors import InventoryError
from hostpool.secrets import Secret
from hostpool.templating import has_template, render


class ConnectionVars(msgspec.Struct, frozen=True):
    """None: not said."""

    host: str | None = None
    port: int | None = None
    user: str | None = None
    private_key_file: str | None = None
    password: Secret | None = None
    connection: Literal["ssh", "local"] = "ssh"
    shell: Literal["sh", "none"] = "sh"
    ssh_args: tuple[str, ...] = ()
    host_key_checking: bool | None = None
    connect_timeout: float | None = None
    become: bool | None = None
    become_user: str | None = None
    become_method: str | None = None
    become_password: Secret | None = None
    become_flags: str | None = None


_SSH = ("ssh", "smart", "paramiko", "paramiko_ssh", "ansible.builtin.ssh", "ansible.builtin.paramiko_ssh")
_LOCAL = ("local", "ansible.builtin.local")
_METHODS = ("sudo", "su", "doas")
_TRUE = {"yes", "true", "on", "1", "y", "t"}
_FALSE = {"no", "false", "off", "0", "n", "f"}


class _Reader:
    """Reads typed values out of a host's variables; a wrong one is an InventoryError by name."""

    def __init__(self, host: str, variables: Mapping[str, Any], extra: Mapping[str, Any]) -> None:
        self._host = host
        self._variables = variables
        self._extra = extra

    def value(self, *names: str) -> Any:
        """The first of ``names`` that is set, rendered; what ``-e`` says counts before all others."""
        for name in (*(n for n in names if n in self._extra), *names):
            value = self._variables.get(name)
            if value is None:
                continue
            if has_template(value):
                value = render(value, self._variables, f"{self._host}: {name}")
            return value
        return None

    def text(self, *names: str) -> str | None:
        value = self.value(*names)
        if value is None or value == "":
            return None
        if isinstance(value, dict | list):
            raise self.wrong(names[0], value, "a text")
        return str(value)

    def secret(self, *names: str) -> Secret | None:
        text = self.text(*names)
        return None if text is None else Secret(text)

    def port(self, *names: str) -> int | None:
        value = self.value(*names)
        if value is None or value == "":
            return None
        try:
            port = int(value)
        except (TypeError, ValueError):
            port = 0
        if not 1 <= port <= 65535 or isinstance(value, bool):
            raise self.wrong(names[0], value, "a port number, 1 to 65535")
        return port

    def seconds(self, *names: str) -> float | None:
        value = self.value(*names)
        if value is None or value == "":
            return None
        try:
            seconds = float(value)
        except (TypeError, ValueError):
            seconds = 0.0
        if not seconds > 0:
            raise self.wrong(names[0], value, "a number of seconds above 0")
        return seconds

    def flag(self, *names: str) -> bool | None:
        value = self.value(*names)
        if value is None or isinstance(value, bool):
            return value
        word = str(value).lower()
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
        raise self.wrong(names[0], value, "yes or no")

    def wrong(self, name: str, value: object, wanted: str) -> InventoryError:
        return InventoryError(
            f"{self._host}: {name} is {value!r}, it must be {wanted}",
            hint=f"`hostpool inventory show {self._host}` shows the host's variables",
            host=self._host,
        )


def read_connection_vars(host: str, variables: Mapping[str, Any], extra: Mapping[str, Any]) -> ConnectionVars:
    """What ``variables`` (``extra``, the ``-e`` ones, included) say. Raises InventoryError, UsageError."""
    read = _Reader(host, variables, extra)
    connection = read.text("ansible_connection") or "ssh"
    if connection not in (*_SSH, *_LOCAL):
        raise read.wrong("ansible_connection", connection, "ssh or local")
    shell = read.text("hostpool_shell") or "sh"
    if shell not in ("sh", "none"):
        raise read.wrong("hostpool_shell", shell, "sh or none")
    method = read.text("ansible_become_method")
    if method is not None:
        method = method.rpartition(".")[2]
        if method not in _METHODS:
            raise read.wrong("ansible_become_method", method, f"one of {', '.join(_METHODS)}")
    args = (
        read.text("ansible_ssh_common_args"),
        read.text("ansible_ssh_extra_args"),
    )
    return ConnectionVars(
        host=read.text("ansible_host", "ansible_ssh_host"),
        port=read.port("ansible_port", "ansible_ssh_port"),
        user=read.text("ansible_user", "ansible_ssh_user"),
        private_key_file=read.text("ansible_private_key_file", "ansible_ssh_private_key_file"),
        password=read.secret("ansible_password", "ansible_ssh_pass", "ansible_ssh_password"),
        connection="local" if connection in _LOCAL else "ssh",
        shell="none" if shell == "none" else "sh",
        ssh_args=tuple(text for text in args if text),
        host_key_checking=read.flag("ansible_ssh_host_key_checking", "ansible_host_key_checking"),
        connect_timeout=read.seconds("ansible_ssh_timeout"),
        become=read.flag("ansible_become"),
        become_user=read.text("ansible_become_user"),
        become_method=method,
        become_password=read.secret("ansible_become_password", "ansible_become_pass"),
        become_flags=read.text("ansible_become_flags"),
    )
