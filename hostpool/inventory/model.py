"""What an inventory consists of: hosts, groups, and where in a file something stands."""

from __future__ import annotations

from typing import Any, NamedTuple

from hostpool.errors import InventoryError

LOCALHOST = ("127.0.0.1", "localhost", "::1")
"""Names that exist without being in any inventory, reached without SSH."""

WARNING = "inventory_warning"
"""The ``kind`` of what is lawful but most likely a slip: listed by ``check``, no obstacle to loading."""


class Place(NamedTuple):
    """A position in a source; ``line`` and ``column`` count from 1, ``text`` is that line."""

    file: str
    line: int | None = None
    column: int | None = None
    text: str | None = None

    def error(self, message: str, *, hint: str | None = None) -> InventoryError:
        return self._made(message, hint, None)

    def warning(self, message: str, *, hint: str | None = None) -> InventoryError:
        return self._made(message, hint, WARNING)

    def adopt(self, error: InventoryError) -> InventoryError:
        """``error`` with this place, for what was raised by a function that knows no files."""
        return self.error(error.message, hint=error.hint)

    def _made(self, message: str, hint: str | None, kind: str | None) -> InventoryError:
        return InventoryError(
            message,
            hint=hint,
            file=self.file,
            line=self.line,
            column=self.column,
            source=self.text,
            kind=kind,
        )


class Host:
    """A host as its sources name it; read-only once loaded.

    ``vars`` are its inline variables only, ``groups`` the groups it stands in directly. ``source`` and
    ``directory`` become ``inventory_file`` and ``inventory_dir``.
    """

    __slots__ = ("directory", "groups", "implicit", "name", "source", "vars")

    def __init__(self, name: str, source: str | None = None, directory: str | None = None) -> None:
        self.name = name
        self.vars: dict[str, Any] = {}
        self.groups: list[str] = []
        self.source = source
        self.directory = directory
        self.implicit = False

    def __repr__(self) -> str:
        return f"Host({self.name!r})"


class Group:
    """A group; read-only once loaded. ``hosts`` and ``children`` are its direct members, in order.

    ``depth`` is the longest way from ``all``; with ``priority`` (``ansible_group_priority``) and the
    name it ranks the variables of groups: the later in that order wins.
    """

    __slots__ = ("children", "depth", "hosts", "name", "parents", "priority", "vars")

    def __init__(self, name: str) -> None:
        self.name = name
        self.hosts: dict[str, None] = {}
        self.children: list[str] = []
        self.parents: list[str] = []
        self.vars: dict[str, Any] = {}
        self.priority = 1
        self.depth = 0

    @property
    def rank(self) -> tuple[int, int, str]:
        return self.depth, self.priority, self.name

    def __repr__(self) -> str:
        return f"Group({self.name!r})"


class Unsafe(str):
    """Text marked ``!unsafe``: never a template, whatever it looks like."""

    __slots__ = ()


class Vaulted:
    """A value only Ansible Vault can read. ``place`` is where it stands."""

    __slots__ = ("ciphertext", "place")

    def __init__(self, ciphertext: str, place: Place) -> None:
        self.ciphertext = ciphertext
        self.place = place

    def error(self, name: str) -> InventoryError:
        return vault_error(self.place, f"the variable {name}")


def vault_error(place: Place, what: str) -> InventoryError:
    return place.error(
        f"{what} is encrypted with Ansible Vault, which hostpool does not read yet",
        hint="decrypt it with ansible-vault, or keep the secret in a password file",
    )
