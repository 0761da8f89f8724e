"""From the sources a user names to an Inventory: files, directories, executables, host lists, stdin."""

# Importing pathlib takes longer than this room may take to start.
# ruff: noqa: PTH100, PTH110, PTH111, PTH112, PTH113, PTH118, PTH119, PTH120, PTH122, PTH208

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import IO

from hostpool.errors import InventoryError, Problems
from hostpool.inventory.draft import Draft
from hostpool.inventory.ini import read_ini
from hostpool.inventory.inventory import Inventory
from hostpool.inventory.model import Place
from hostpool.inventory.varsfiles import EXTENSIONS, VarsDirectory

# Ansible's INVENTORY_IGNORE_EXTS, and what it never takes for a source.
_IGNORED = (
    r"^\.|^(?:host_vars|group_vars|vars_plugins)$"
    r"|(?:\.pyc|\.pyo|\.swp|\.bak|~|\.rpm|\.md|\.txt|\.rst|\.orig|\.cfg|\.retry)$"
)
STDIN = "-"


def load(
    sources: Sequence[str], *, allow_executable: bool = False, stdin: IO[str] | IO[bytes] | None = None
) -> Inventory:
    """The merged inventory of ``sources``, later ones adding to earlier ones.

    A source is a file (YAML, INI, JSON), a directory of sources, a host list (``h1,h2,``) or ``-`` for
    ``stdin``. Executables run only with ``allow_executable``. Variables files beside the sources are read
    when first needed. Raises InventoryError, or Problems with everything that is wrong.
    """
    draft, directories = read_sources(sources, allow_executable, stdin)
    if draft.problems:
        raise Problems.of(list(draft.problems))
    return Inventory(draft.hosts, draft.groups, directories, warnings=draft.warnings, vaulted=draft.vaulted)


def read_sources(
    sources: Sequence[str], allow_executable: bool = False, stdin: IO[str] | IO[bytes] | None = None
) -> tuple[Draft, list[VarsDirectory]]:
    """The finished draft, its problems not raised, and where variables files lie."""
    draft = Draft()
    directories: dict[str, VarsDirectory] = {}
    for source in sources:
        path = (
            source if is_host_list(source) or source == STDIN else os.path.abspath(os.path.expanduser(source))
        )
        _read_guarded(draft, path, allow_executable, stdin)
        if path != STDIN and not is_host_list(path):
            beside = os.path.realpath(path if os.path.isdir(path) else os.path.dirname(path))
            directories.setdefault(beside, VarsDirectory(beside))
    draft.finish()
    return draft, list(directories.values())


def is_host_list(source: str) -> bool:
    return "," in source and not os.path.exists(source)


def _read_guarded(
    draft: Draft, path: str, allow_executable: bool, stdin: IO[str] | IO[bytes] | None = None
) -> None:
    draft.source = path
    draft.directory = os.path.dirname(path) if os.path.isfile(path) else None
    try:
        if path == STDIN:
            _read_text(draft, (stdin or sys.stdin.buffer).read(), "<stdin>", "")
        elif is_host_list(path):
            _read_host_list(draft, path)
        elif os.path.isdir(path):
            _read_directory(draft, path, allow_executable)
        else:
            _read_file(draft, path, allow_executable)
    except InventoryError as error:
        draft.problems.append(error if error.file else Place(path).adopt(error))
    except RecursionError:
        draft.problems.append(Place(path).error("nested too deep"))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        draft.problems.append(Place(path).error(f"cannot read: {reason}"))


def _read_host_list(draft: Draft, text: str) -> None:
    from hostpool.inventory.destinations import read_host_list

    read_host_list(draft, text)


def source_entries(directory: str) -> list[str]:
    """The paths in ``directory`` that are sources of their own, sorted. Raises OSError."""
    names = sorted(os.listdir(directory), key=os.fsencode)
    return [os.path.join(directory, name) for name in names if not re.search(_IGNORED, name)]


def _read_directory(draft: Draft, path: str, allow_executable: bool) -> None:
    entries = source_entries(path)
    if not entries:
        raise InventoryError(
            "the directory holds no inventory source", hint="put a file such as hosts.yml in it"
        )
    for entry in entries:
        _read_guarded(draft, entry, allow_executable)


def _read_file(draft: Draft, path: str, allow_executable: bool) -> None:
    if not os.path.exists(path):
        name = os.path.basename(path)
        raise InventoryError(
            "no such inventory source", file=path, hint=f"for a list of hosts write '{name},'"
        )
    from hostpool.inventory.script import is_program, read_script

    if is_program(path):
        if not allow_executable:
            raise InventoryError(
                "the source is a program, and programs run only when named",
                file=path,
                hint="name it with -i, or take its x permission away",
            )
        read_script(draft, path)
        return
    with open(path, "rb") as file:
        data = file.read()
    _read_text(draft, data, path, os.path.splitext(path)[1])


def _read_text(draft: Draft, data: str | bytes, path: str, extension: str) -> None:
    if data[:14] in (b"$ANSIBLE_VAULT", "$ANSIBLE_VAULT"):
        from hostpool.inventory.model import vault_error

        raise vault_error(Place(path), "the source")
    if extension == ".toml":
        raise InventoryError("TOML sources are not supported", file=path, hint="write YAML or INI")
    if extension in EXTENSIONS:
        _read_yaml(draft, data, path)
    elif extension == "" and _looks_like_yaml(data):
        _read_yaml_or_ini(draft, data, path)
    else:
        read_ini(draft, data, path)


def _read_yaml(draft: Draft, data: str | bytes, path: str) -> None:
    from hostpool.inventory.yamlreader import YAMLReader
    from hostpool.inventory.yamlsource import read_yaml

    reader = YAMLReader(data, path)
    read_yaml(draft, reader, reader.root())


def _read_yaml_or_ini(draft: Draft, data: str | bytes, path: str) -> None:
    """A file without an extension is YAML if it holds a mapping, else INI if that can be read."""
    from hostpool.inventory.yamlreader import YAMLReader
    from hostpool.inventory.yamlsource import is_mapping, read_yaml

    reader = YAMLReader(data, path)
    try:
        root = reader.root()
    except InventoryError as error:
        trial = Draft()
        read_ini(trial, data, path)
        if trial.problems:
            raise error from None
        root = None
    if is_mapping(root):
        read_yaml(draft, reader, root)
    else:
        read_ini(draft, data, path)


def _looks_like_yaml(data: str | bytes) -> bool:
    """Whether the first line that says something could begin a YAML mapping; parsing thousands of INI
    lines as YAML just to see that they are not would take longer than reading them."""
    text = data if isinstance(data, str) else data.decode("utf-8", "replace")
    for raw in text.removeprefix("\N{BYTE ORDER MARK}").splitlines():
        line = raw.strip()
        if line and line[0] != "#":
            key = line.partition(" #")[0].rstrip()
            return line.startswith(("---", "{", "%", "? ", "!", "&")) or key.endswith(":") or ": " in key
    return False


def default_source(env: Mapping[str, str], cwd: str, config_dir: str) -> str | None:
    """Where the inventory is when no ``-i`` names one; None when there is none.

    ``$HOSTPOOL_INVENTORY``, else the one source in ``cwd``/inventories, else ``config_dir``/inventory.
    Raises InventoryError when ./inventories holds several.
    """
    named = env.get("HOSTPOOL_INVENTORY")
    if named:
        return named
    directory = os.path.join(cwd, "inventories")
    try:
        entries = source_entries(directory)
    except OSError:
        entries = []
    if len(entries) > 1:
        names = ", ".join(os.path.join("inventories", os.path.basename(entry)) for entry in entries)
        raise InventoryError(
            f"./inventories holds {len(entries)} sources: {names}",
            file=directory,
            hint=f"choose one, as in -i inventories/{os.path.basename(entries[0])}",
        )
    if entries:
        return entries[0]
    fallback = os.path.join(config_dir, "inventory")
    return fallback if os.path.exists(fallback) else None


def check(
    sources: Sequence[str], *, allow_executable: bool = False, stdin: IO[str] | IO[bytes] | None = None
) -> list[InventoryError]:
    """Everything that is wrong with ``sources`` and the variables files beside them, in order of place.

    What keeps the inventory from loading has the kind ``inventory``; what is lawful but most likely a slip
    (a host twice in a section, ``ansible_prot``, variables for an unknown group) ``inventory_warning``.
    """
    draft, directories = read_sources(sources, allow_executable, stdin)
    inventory = Inventory(draft.hosts, draft.groups, directories, vaulted=draft.vaulted)
    found = [*draft.problems, *draft.warnings]
    for directory in directories:
        found += directory.problems(inventory.groups, inventory.hosts)
    found += inventory.unused_vars_files()
    unique = {(e.file, e.line, e.column, e.message): e for e in found}
    order = {error.file: number for number, error in reversed(list(enumerate(unique.values())))}
    return sorted(unique.values(), key=lambda e: (order[e.file], e.line or 0, e.column or 0))
