"""Executable sources: ``--list`` prints the inventory as JSON, ``--host NAME`` a host's variables when the
list has no ``_meta``. Source: Ansible's "Developing dynamic inventory", plugins/inventory/script.py (2.19).
"""

# Importing pathlib takes longer than this room may take to start.
# ruff: noqa: PTH100

from __future__ import annotations

import os
from typing import Any

from hostpool.errors import InventoryError
from hostpool.inventory.draft import Draft
from hostpool.inventory.model import Place, Unsafe, Vaulted

TIMEOUT = 60.0
"""Seconds a call of the executable may take."""


def is_program(path: str) -> bool:
    """Executable, and a program by its first bytes: on some file systems every file has the x bit."""
    if not os.access(path, os.X_OK):
        return False
    try:
        with open(path, "rb") as file:
            head = file.read(512)
    except OSError:
        return True
    return head.startswith(b"#!") or b"\0" in head


def read_script(draft: Draft, path: str, timeout: float = TIMEOUT) -> None:
    """Run ``path --list`` and add what it prints. Raises InventoryError when that fails or is malformed."""
    data = _run(path, ["--list"], timeout)
    meta = data.pop("_meta", None)
    if meta is not None and not isinstance(meta, dict):
        raise InventoryError("_meta is no object", file=path)
    hostvars = None if meta is None else meta.get("hostvars")
    if meta is not None and not isinstance(hostvars, dict):
        raise InventoryError("_meta.hostvars is no object", file=path)
    draft.vaulted = True  # it may hold encrypted values: vars_of will look
    hosts: dict[str, None] = {}
    for name, content in data.items():
        hosts.update(dict.fromkeys(_group(draft, name, content, path)))
    for host in hosts:
        values = (
            _run(path, ["--host", host], timeout, empty=True) if hostvars is None else hostvars.get(host, {})
        )
        _object(values, f"the variables of host {host}", path)
        draft.set_host_vars(host, _values(values), Place(path))


def _group(draft: Draft, name: str, content: Any, path: str) -> list[str]:
    group = draft.add_group(name)
    if not isinstance(content, dict):
        content = {"hosts": content}
    elif not content.keys() & {"hosts", "vars", "children"}:
        content = {"hosts": [name], "vars": content}
    hosts = _names(content.get("hosts", []), f"{name}.hosts", path)
    for host in hosts:
        draft.add_host(host, group)
    for key, value in _object(content.get("vars", {}), f"{name}.vars", path).items():
        draft.set_group_var(group, key, _value(value), Place(path))
    for child in _names(content.get("children", []), f"{name}.children", path):
        draft.add_group(child)
        draft.add_child(name, child, Place(path))
    return hosts


def _names(value: Any, what: str, path: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
        raise InventoryError(f"{what} is no list of names", file=path)
    return value


def _object(value: Any, what: str, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InventoryError(f"{what} is no object", file=path)
    return value


def _values(values: dict[str, Any]) -> dict[str, Any]:
    return {key: _value(value) for key, value in values.items()}


def _value(value: Any) -> Any:
    """JSON's spelling of !unsafe and !vault."""
    if isinstance(value, list):
        return [_value(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        unsafe, vault = value.get("__ansible_unsafe"), value.get("__ansible_vault")
        if isinstance(unsafe, str):
            return Unsafe(unsafe)
        if isinstance(vault, str):
            return Vaulted(vault, Place(""))
    return _values(value)


def _run(path: str, arguments: list[str], timeout: float, *, empty: bool = False) -> dict[str, Any]:
    import json
    import subprocess

    command = " ".join([path, *arguments])
    try:
        done = subprocess.run(
            [os.path.abspath(path), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise InventoryError(f"{command} took more than {timeout:g} s", file=path) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InventoryError(f"cannot run {command}: {reason}", file=path) from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise InventoryError(
            f"{command} ended with exit code {done.returncode}" + (f": {said[-1]}" if said else ""), file=path
        )
    if empty and not done.stdout.strip():
        return {}
    try:
        return _object(json.loads(done.stdout), f"the output of {command}", path)
    except (ValueError, RecursionError) as error:
        raise InventoryError(f"{command} did not print JSON: {error}", file=path) from error
