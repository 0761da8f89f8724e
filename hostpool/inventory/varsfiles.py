"""``group_vars/`` and ``host_vars/`` beside an inventory source.

For a group ``web``: the directory ``group_vars/web/`` with all files below it, or ``web``, ``web.yml``,
``web.yaml``, ``web.json``, the first of them that exists. Source: Ansible's host_group_vars plugin and
parsing/dataloader.py (2.19).
"""

# Importing pathlib takes longer than this room may take to start.
# ruff: noqa: PTH110, PTH112, PTH113, PTH118, PTH122, PTH208

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from hostpool.errors import InventoryError, Problems
from hostpool.inventory.model import Place, vault_error

EXTENSIONS = (".yml", ".yaml", ".json")
GROUP_VARS, HOST_VARS = "group_vars", "host_vars"


class VarsDirectory:
    """The variables files beside one source. Each is read once, when first asked for."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._names: dict[str, frozenset[str]] = {}
        self._values: dict[tuple[str, str], dict[str, Any]] = {}
        self.vaulted = False

    def values(self, kind: str, name: str) -> dict[str, Any]:
        """What the files say of a group (``kind`` group_vars) or a host (host_vars).

        Raises InventoryError, or Problems, for a file that cannot be read or is encrypted.
        """
        key = (kind, name)
        found = self._values.get(key)
        if found is None:
            found = {}
            for path in self.files(kind, name):
                found.update(self._read(path))
            self._values[key] = found
        return found

    def names(self, kind: str) -> frozenset[str]:
        """The directory's entries."""
        known = self._names.get(kind)
        if known is None:
            try:
                known = frozenset(os.listdir(os.path.join(self.path, kind)))
            except OSError:
                known = frozenset()
            self._names[kind] = known
        return known

    def files(self, kind: str, name: str) -> list[str]:
        """The files that apply, in the order they are merged."""
        entries = self.names(kind)
        if not entries or name.startswith("/"):
            return []
        for extension in ("", *EXTENSIONS):
            path = os.path.join(self.path, kind, name + extension)
            if name + extension in entries or ("/" in name and os.path.exists(path)):
                return _deep(path) if os.path.isdir(path) else [path]
        return []

    def problems(self, groups: Iterable[str], hosts: Iterable[str]) -> list[InventoryError]:
        """What is wrong with the files of these groups and hosts, each file read."""
        found: list[InventoryError] = []
        for kind, names in ((GROUP_VARS, groups), (HOST_VARS, hosts)):
            if self.names(kind):
                for name in names:
                    found += self._problems_of(kind, name)
        return found

    def _problems_of(self, kind: str, name: str) -> list[InventoryError]:
        found: list[InventoryError] = []
        for path in self.files(kind, name):
            try:
                self._read(path)
            except Problems as problems:
                found += [error for error in problems.errors if isinstance(error, InventoryError)]
            except InventoryError as error:
                found.append(error)
        return found

    def _read(self, path: str) -> dict[str, Any]:
        place = Place(path)
        try:
            with open(path, "rb") as file:
                data = file.read()
        except OSError as error:
            raise place.error(f"cannot read: {error.strerror}") from error
        if data.startswith(b"$ANSIBLE_VAULT"):
            raise vault_error(place, "the file")
        return self._parsed(data, path)

    def _parsed(self, data: bytes, path: str) -> dict[str, Any]:
        from hostpool.inventory.yamlreader import YAMLReader

        reader = YAMLReader(data, path)
        root = reader.root()
        value = None if root is None else _constructed(reader, root)
        if value and not isinstance(value, dict) and not reader.problems:
            reader.problems.append(Place(path, 1).error("the file is no mapping", hint="write key: value"))
        if isinstance(value, dict) and not all(isinstance(name, str) for name in value):
            reader.require_text_keys(root)
        if reader.problems:
            raise Problems.of(list(reader.problems))
        self.vaulted |= reader.vaulted
        return value or {}


def _constructed(reader: Any, root: Any) -> Any:
    try:
        return reader.construct(root)
    except RecursionError as error:
        raise Place(reader.file).error("nested too deep") from error


def _deep(directory: str) -> list[str]:
    """All variables files below, hidden ones and backups left out."""
    found: list[str] = []
    try:
        entries = sorted(os.listdir(directory))
    except OSError as error:
        raise InventoryError(f"cannot read: {error.strerror}", file=directory) from error
    for entry in entries:
        if entry.startswith(".") or entry.endswith("~"):
            continue
        path = os.path.join(directory, entry)
        extension = os.path.splitext(entry)[1]
        if os.path.isdir(path):
            if not extension:
                found += _deep(path)
        elif os.path.isfile(path) and (not extension or extension in EXTENSIONS):
            found.append(path)
    return found
