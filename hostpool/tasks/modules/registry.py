"""All modules by their short name; each file is imported when its module is first needed."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from functools import cache

from hostpool.tasks.modules.base import Module
from hostpool.tasks.modules.parent import PARENT
from hostpool.tasks.modules.spec import Spec

HOST = {
    "command": "command", "shell": "command", "raw": "command", "script": "command", "copy": "copy",
    "template": "copy", "file": "file", "stat": "stat", "lineinfile": "lineinfile", "ping": "ping",
    "setup": "setup", "gather_facts": "setup", "wait_for": "wait_for",
    "wait_for_connection": "wait_for_connection",
    "pause": "pause",
    "user": "user", "group": "group", "getent": "getent",
    "service": "service", "systemd": "systemd", "systemd_service": "systemd", "sysvinit": "sysvinit",
    "service_facts": "service_facts",
    "apt": "apt", "package": "package", "dnf": "dnf", "yum": "dnf", "apk": "apk",
    "blockinfile": "blockinfile", "replace": "replace", "ini_file": "ini_file", "slurp": "slurp",
    "find": "find", "tempfile": "tempfile", "fetch": "fetch",
    "cron": "cron",
    "git": "git", "apt_repository": "apt_repository", "apt_key": "apt_key",
    "authorized_key": "authorized_key", "known_hosts": "known_hosts",
    "mount": "mount",
    "get_url": "get_url", "uri": "uri",
    "hostname": "hostname", "timezone": "timezone", "sysctl": "sysctl",
    "reboot": "reboot",
    "deb822_repository": "deb822_repository", "pip": "pip", "debconf": "debconf",
    "package_facts": "package_facts", "dpkg_selections": "dpkg_selections",
    "async_status": "async_status",
    "firewalld": "firewalld",
    "unarchive": "unarchive",
    "modprobe": "modprobe", "locale_gen": "locale_gen", "seboolean": "seboolean", "selinux": "selinux",
    "yum_repository": "yum_repository",
    "alternatives": "alternatives",
    "sync": "sync", "synchronize": "sync",
}  # fmt: skip
"""Short name → the file below hostpool/tasks/modules with its ``MODULES``."""


@cache
def module(name: str) -> Module:
    """Raises KeyError for a name nobody knows."""
    found: Module = importlib.import_module(f"hostpool.tasks.modules.{HOST[name]}").MODULES[name]
    return found


class _Specs(Mapping[str, Spec]):
    """A playbook of ten tasks does not import all modules there are."""

    def __getitem__(self, name: str) -> Spec:
        return PARENT[name] if name in PARENT else module(name).spec

    def __iter__(self) -> Iterator[str]:
        return iter({**HOST, **PARENT})

    def __len__(self) -> int:
        return len({**HOST, **PARENT})


@cache
def specs() -> Mapping[str, Spec]:
    """What every module takes, those that need no host included."""
    return _Specs()
