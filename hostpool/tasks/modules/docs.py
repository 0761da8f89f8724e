"""A module's page: its docstring read by the form that all of them have, and its Spec beside it.

The form::

    NAME[, NAME…]: one line.
    OTHER: one line about another module of the file.

    Parameters:
        name: what it is
    Returns: …
    Needs: …
    Differs: …
    Tested with: …
    Source: …

A text may go on, that of a parameter indented further. ``Parameters: none`` where there are none; Differs and
Tested with may be left out. One docstring may be of several modules; each page then has the parameters of its
own Spec.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from hostpool.tasks.modules.parent import PARENT
from hostpool.tasks.modules.parent_docs import DOCS
from hostpool.tasks.modules.registry import HOST, module
from hostpool.tasks.modules.spec import Param, Spec

SECTIONS = ("Parameters", "Returns", "Needs", "Differs", "Tested with", "Source")
_TITLE = re.compile(r"([a-z_0-9]+(?:, [a-z_0-9]+)*): (\S.*)")
_SECTION = re.compile(rf"({'|'.join(SECTIONS)}):(?: +(.*))?")
_PARAMETER = re.compile(r" {4}([A-Za-z_0-9]+): +(\S.*)")


class BadForm(ValueError):
    """A docstring in another form; the message says which line."""


@dataclass(slots=True)
class Doc:
    """``summaries``: of each module; ``sections``: all but the parameters."""

    summaries: dict[str, str]
    params: dict[str, str] = field(default_factory=dict)
    sections: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    name: str
    spec: Spec
    doc: Doc

    @property
    def summary(self) -> str:
        return self.doc.summaries[self.name]

    def params(self) -> dict[str, tuple[Param, str]]:
        """Those a playbook can give, with their texts, in the order of the docstring."""
        return {
            name: (self.spec.params[name], text)
            for name, text in self.doc.params.items()
            if name in self.spec.params
        }


def read(docstring: str) -> Doc:
    """Raises BadForm."""
    head, _, body = docstring.strip().partition("\n\n")
    doc = Doc(_summaries(head))
    section, parameter = "", ""
    for line in body.splitlines():
        heading = _SECTION.fullmatch(line)
        entry = _PARAMETER.fullmatch(line)
        if heading is not None:
            section, parameter = heading[1], ""
            if section in doc.sections or (section == "Parameters" and doc.params):
                raise BadForm(f"{section} stands there twice")
            if section != "Parameters":
                doc.sections[section] = heading[2] or ""
            elif heading[2] not in (None, "", "none"):
                raise BadForm("what follows 'Parameters:' belongs on lines of its own")
        elif section == "Parameters" and entry is not None:
            parameter = entry[1]
            if parameter in doc.params:
                raise BadForm(f"{parameter} stands there twice")
            doc.params[parameter] = entry[2]
        elif section == "Parameters" and parameter and line.startswith(" " * 8):
            doc.params[parameter] += f" {line.strip()}"
        elif section and section != "Parameters" and line.strip():
            doc.sections[section] += f" {line.strip()}"
        elif line.strip():
            raise BadForm(f"a line belongs to nothing: {line!r}")
    return doc


def _summaries(head: str) -> dict[str, str]:
    found: dict[str, str] = {}
    names: list[str] = []
    for line in head.splitlines():
        title = _TITLE.fullmatch(line)
        if title is not None:
            names = title[1].split(", ")
            found.update(dict.fromkeys(names, title[2]))
        elif names:
            found.update({name: f"{found[name]} {line.strip()}" for name in names})
        else:
            raise BadForm(f"the first line is no 'NAME: one line': {line!r}")
    if not found:
        raise BadForm("the first line is no 'NAME: one line': there is none")
    return found


@cache
def pages() -> Mapping[str, Page]:
    """Of every module, by name. Raises BadForm."""
    found = {name: Page(name, PARENT[name], _read(name, text)) for name, text in DOCS.items()}
    for name in HOST:
        if name not in found:
            file: Any = importlib.import_module(f"hostpool.tasks.modules.{HOST[name]}")
            found[name] = Page(name, module(name).spec, _read(name, file.__doc__ or ""))
    return dict(sorted(found.items()))


def _read(name: str, text: str) -> Doc:
    try:
        return read(text)
    except BadForm as error:
        raise BadForm(f"{name}: {error}") from error


def kind_of(param: Param) -> str:
    """``path, required``, ``yes or no, no by default``, …, for people."""
    kinds = {
        "str": "text",
        "bool": "yes or no",
        "int": "number",
        "float": "number",
        "raw": "any",
        "dict": "mapping",
    }
    words = [kinds.get(param.kind, param.kind)]
    if param.choices:
        words = [" or ".join(map(str, param.choices))]
    if param.secret:
        words.append("secret")
    if param.required:
        words.append("required")
    elif param.default not in (None, "", (), []):
        words.append(f"{_shown(param.default)} by default")
    if param.aliases:
        words.append(f"also {', '.join(param.aliases)}")
    return ", ".join(words)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return str(value)
