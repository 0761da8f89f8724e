"""INI sources, as Ansible's ini plugin reads them (plugins/inventory/ini.py, 2.19).

``[group]`` holds hosts with ``key=value`` variables, ``[group:children]`` groups, ``[group:vars]``
variables. Values are Python literals where they can be read as such, else text: ``a=1`` is an int,
``a=yes`` is text, ``a='1'`` on a host's line is an int (the quotes are the line's), in ``:vars`` text.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from hostpool.errors import InventoryError
from hostpool.inventory.addresses import expand_address
from hostpool.inventory.draft import Draft
from hostpool.inventory.model import Place, Unsafe
from hostpool.inventory.suggest import did_you_mean

_SECTION = re.compile(r"\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?")
_GROUP_NAME = r"([^:\]\s]+)\s*(?:#.*)?"
# Nothing in such a line is quoted, escaped or a comment: splitting at blanks is all a shell would do.
_PLAIN_LINE = re.compile(r"[!$-&(-\[\]-~\t ]+")
# What most values are: names, addresses and ports, for which no literal has to be tried.
_PLAIN_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_PLAIN_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)

MAX_HINTS = 10


def read_ini(draft: Draft, data: bytes | str, file: str) -> None:
    """Add the source's hosts and groups to ``draft``; everything wrong ends in ``draft.problems``."""
    _Reader(draft, file).read(_lines(draft, data, file))


def _lines(draft: Draft, data: bytes | str, file: str) -> list[str]:
    """Comments may be in any encoding, everything else is UTF-8."""
    if isinstance(data, str):
        return data.splitlines()
    try:
        return data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        pass
    lines = []
    for number, raw in enumerate(data.splitlines(), 1):
        line = raw.decode("utf-8", "replace")
        if "\N{REPLACEMENT CHARACTER}" in line and raw.lstrip()[:1] not in (b"#", b";"):
            draft.problems.append(
                Place(file, number, 1, line).error("not UTF-8", hint="save the file as UTF-8")
            )
            line = ""
        lines.append(line)
    return lines


class _Pending:
    """A group that is named before it is declared."""

    def __init__(self, place: Place, parents: list[str]) -> None:
        self.place = place
        self.parents = parents  # empty: only its variables were given


class _Reader:
    def __init__(self, draft: Draft, file: str) -> None:
        self.draft = draft
        self.file = file
        self.group = draft.groups["ungrouped"]
        self.state: str | None = "hosts"
        self.pending: dict[str, _Pending] = {}
        self.place = Place(file)
        self.seen: dict[tuple[str, str], int] = {}
        self.sections: dict[tuple[str, str], int | None] = {}

    def read(self, lines: list[str]) -> None:
        for number, raw in enumerate(lines, 1):
            line = raw.strip()
            if not line or line[0] in "#;":
                continue
            self.place = Place(self.file, number, len(raw) - len(raw.lstrip()) + 1, raw)
            try:
                self._line(line)
            except InventoryError as error:
                self.draft.problems.append(error if error.file else self.place.adopt(error))
        self._report_pending()

    def _line(self, line: str) -> None:
        if line[0] == "[":
            match = _SECTION.fullmatch(line)
            if match is not None:
                self._section(match[1], match[2] or "hosts")
                return
            if line[-1] == "]":
                self.state = None
                raise InventoryError(
                    f"bad section {line}",
                    hint="write [group], [group:children] or [group:vars], without blanks",
                )
        if self.state == "hosts":
            self._hosts(line)
        elif self.state == "vars":
            self._variable(line)
        elif self.state == "children":
            self._child(line)

    def _section(self, name: str, state: str) -> None:
        if state not in ("hosts", "children", "vars"):
            # What follows belongs nowhere: one problem is enough for the whole section.
            self.state = None
            raise InventoryError(
                f"section [{name}:{state}] has an unknown type {state!r}",
                hint=did_you_mean(state, ("hosts", "children", "vars"), 0.5)
                or "write [group], [group:children] or [group:vars]",
            )
        if name not in self.draft.groups and state == "vars" and name not in self.pending:
            self.pending[name] = _Pending(self.place, [])
        first = self.sections.setdefault((name, state), self.place.line)
        if first != self.place.line:
            self._warn(f"the section is already in line {first}", "merge the two", "[")
        self.group, self.state = self.draft.add_group(name), state
        if state != "vars" and name in self.pending:
            self._declare(name)

    def _declare(self, name: str) -> None:
        for parent in self.pending.pop(name).parents:
            self.draft.add_child(parent, name, self.place)
            if self.pending.get(parent, _NOT_PENDING).parents:
                self._declare(parent)

    def _hosts(self, line: str) -> None:
        words = self._words(line)
        if not words:
            return
        names, port = expand_address(words[0])
        if "---" in names:
            raise InventoryError("--- begins a YAML document", hint="name the file .yml if it is YAML")
        variables = {}
        for word in words[1:]:
            key, equals, value = word.partition("=")
            if not equals:
                raise InventoryError(
                    f"expected key=value after the host, got {word!r}", hint="put one host on a line"
                )
            if key in variables:
                self._warn(f"variable {key} is set twice on this line", "the last one counts", word)
            variables[key] = parse_value(value)
            self.draft.check_name(key, self.place)
        self._warn_repeated(names)
        self.draft.add_hosts(names, self.group, port, variables, self.place)

    def _warn_repeated(self, names: list[str]) -> None:
        line = self.place.line or 0
        for name in names:
            first = self.seen.setdefault((self.group.name, name), line)
            if first != line:
                self._warn(f"host {name} is already in {self.group.name}, line {first}", None, name)

    def _warn(self, message: str, hint: str | None, word: str) -> None:
        column = (self.place.text or "").find(word) + 1
        place = self.place._replace(column=column) if column else self.place
        self.draft.warnings.append(place.warning(message, hint=hint))

    def _words(self, line: str) -> list[str]:
        if _PLAIN_LINE.fullmatch(line) is not None:
            return line.split()
        import shlex

        try:
            return shlex.split(line, comments=True)
        except ValueError as error:
            raise InventoryError(
                f"bad quoting: {error}", hint="close the quote, or escape it with \\"
            ) from error

    def _variable(self, line: str) -> None:
        key, equals, value = line.partition("=")
        if not equals:
            raise InventoryError(f"expected key=value, got {line!r}")
        name = key.strip()
        self.draft.check_name(name, self.place)
        self.draft.set_group_var(self.group, name, parse_value(value.strip()), self.place)

    def _child(self, line: str) -> None:
        match = re.fullmatch(_GROUP_NAME, line)
        if match is None:
            raise InventoryError(
                f"expected the name of a group, got {line!r}", hint="put one group on a line"
            )
        name = match[1]
        if name in self.draft.groups:
            self.draft.add_child(self.group.name, name, self.place)
        else:
            self.pending.setdefault(name, _Pending(self.place, [])).parents.append(self.group.name)

    def _report_pending(self) -> None:
        known = [name for name in self.draft.groups if name not in self.pending]
        for number, (name, waiting) in enumerate(self.pending.items()):
            if waiting.parents:
                message = f"[{waiting.parents[-1]}:children] names the undefined group {name}"
            else:
                message = f"[{name}:vars] is for the undefined group {name}"
            near = did_you_mean(name, known) if number < MAX_HINTS else None
            self.draft.problems.append(waiting.place.error(message, hint=near or f"declare it with [{name}]"))


_NOT_PENDING = _Pending(Place(""), [])


def parse_value(text: str) -> Any:
    """The Python literal ``text`` is, else ``text``. Raises InventoryError for a literal that cannot be,
    such as a dict with a list for a key. Lists may be shared between calls: do not change them."""
    if _PLAIN_WORD.fullmatch(text) is not None and text not in ("True", "False", "None"):
        return text
    return int(text) if _PLAIN_NUMBER.fullmatch(text) is not None else _literal(text)


@lru_cache(maxsize=10_000)
def _literal(text: str) -> Any:
    import ast
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _plain(ast.literal_eval(text))
    except (ValueError, SyntaxError):
        return text
    except (TypeError, MemoryError, RecursionError) as error:
        raise InventoryError(f"bad value {text[:40]!r}: {str(error) or 'nested too deep'}") from error


def _plain(value: Any) -> Any:
    """Literals JSON has no word for become what Ansible makes of them."""
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if value is ...:
        return "..."
    if isinstance(value, complex):
        return str(value)
    if isinstance(value, bytes):
        return Unsafe(value.decode("utf-8", "surrogateescape"))
    return value
