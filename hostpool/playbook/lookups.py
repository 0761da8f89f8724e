"""Lookups: what a template may read on the control node. ``lookup`` gives text, ``query`` a list."""

from __future__ import annotations

import glob
import os
import random
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from hostpool.playbook import yamlfilters  # noqa: F401 -- registers its filters
from hostpool.playbook.lookuppaths import SEARCH_PATH, find
from hostpool.playbook.lookups_stored import STORED
from hostpool.templating.environment import include_path, pass_context, register
from hostpool.templating.scope import Scope
from hostpool.templating.template import Template

Vars = Mapping[str, Any]
NOT_SUPPORTED_LOOKUPS = frozenset(
    [
        "redis",
        "dnstxt",
        "dig",
        "unvault",
        "config",
        "etcd",
        "passwordstore",
        "hashi_vault",
        "keyring",
        "k8s",
        "aws_ssm",
        "aws_secret",
        "bitwarden",
        "onepassword",
        "consul_kv",
        "credstash",
        "cyberarkpassword",
        "mongodb",
    ]
)


def _files(terms: list[Any], variables: Vars, **options: Any) -> list[Any]:
    texts = [Path(find(str(term), variables)).read_text("utf-8") for term in terms]
    if options.get("rstrip", True):
        texts = [text.rstrip() for text in texts]
    return [text.lstrip() for text in texts] if options.get("lstrip") else texts


def render_file(
    path: str, variables: Vars, more: Vars | None = None, blocks: tuple[bool, bool] = (True, False)
) -> str:
    """A template file rendered, always as text. Raises RenderError, OSError, UnicodeDecodeError."""
    return render_text(Path(path).read_text("utf-8"), path, variables, more, blocks)


def render_text(
    text: str, path: str, variables: Vars, more: Vars | None = None, blocks: tuple[bool, bool] = (True, False)
) -> str:
    """What ``render_file`` makes of a file that holds ``text``."""
    from hostpool.inventory.model import Place

    first, _, rest = text.partition("\n")
    place = Place(path)
    if first.startswith("#jinja2:"):
        text, blocks = rest, _header(first, blocks)
    scope = variables.below(more or {}) if isinstance(variables, Scope) else Scope(more or {}, variables)
    around = [os.path.dirname(path)]  # noqa: PTH120 -- each host renders: Paths cost more than all the rest
    for each in variables.get(SEARCH_PATH) or ():
        around += [os.path.join(each, "templates"), each]  # noqa: PTH118
    token = include_path.set(tuple(around))
    try:
        value = _template(path, text, place, blocks).render(scope)
    finally:
        include_path.reset(token)
    if isinstance(value, str):
        return value
    return ("" if value is None else str(value)) + "\n" * (len(text) - len(text.rstrip("\n")))


@lru_cache(256)
def _template(path: str, text: str, place: Any, blocks: tuple[bool, bool]) -> Template:
    """Compiled once for all hosts."""
    return Template(text, place, blocks=blocks)


def _header(line: str, blocks: tuple[bool, bool]) -> tuple[bool, bool]:
    """``#jinja2: trim_blocks: False, lstrip_blocks: True`` in a template's first line."""
    said = {}
    for pair in line.removeprefix("#jinja2:").split(","):
        key, _, value = pair.partition(":")
        said[key.strip()] = value.strip().lower() == "true"
    return said.get("trim_blocks", blocks[0]), said.get("lstrip_blocks", blocks[1])


def _templates(terms: list[Any], variables: Vars, **options: Any) -> list[Any]:
    more = options.get("template_vars") or {}
    return [render_file(find(str(term), variables, "templates"), variables, more) for term in terms]


def _env(terms: list[Any], variables: Vars, default: Any = "", **options: Any) -> list[Any]:
    return [os.environ.get(str(term), default) for term in terms]


def _pipe(terms: list[Any], variables: Vars, **options: Any) -> list[Any]:
    import subprocess

    found = []
    for term in terms:
        done = subprocess.run(str(term), shell=True, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ValueError(f"lookup pipe: {term!r} exited with status {done.returncode}")
        found.append(done.stdout.rstrip())
    return found


def _lines(terms: list[Any], variables: Vars, **options: Any) -> list[Any]:
    return [line for text in _pipe(terms, variables) for line in text.splitlines()]


def _fileglob(terms: list[Any], variables: Vars, **options: Any) -> list[Any]:
    found: list[str] = []
    for term in terms:
        name = str(term)
        bases = [""] if os.path.isabs(name) else variables.get(SEARCH_PATH) or ["."]  # noqa: PTH117
        for base in bases:
            patterns = [name] if not base else [os.path.join(base, "files", name), os.path.join(base, name)]  # noqa: PTH118
            hits = [hit for p in patterns for hit in sorted(glob.glob(p)) if os.path.isfile(hit)]  # noqa: PTH113, PTH207
            if hits:
                found += hits
                break
    return found


def _vars(terms: list[Any], variables: Vars, **options: Any) -> list[Any]:
    found = []
    for term in terms:
        if term in variables:
            found.append(variables[term])
        elif "default" in options:
            found.append(options["default"])
        else:
            raise ValueError(f"lookup vars: no variable {term!r}")
    return found


def _varnames(terms: list[Any], variables: Vars, **options: Any) -> list[Any]:
    import re

    return [name for term in terms for name in variables if re.search(str(term), name)]


def _first_found(terms: list[Any], variables: Vars, **options: Any) -> list[Any]:
    skip = bool(options.get("skip", False))
    names: list[str] = []
    for term in terms:
        if isinstance(term, Mapping):
            skip = skip or bool(term.get("skip", False))
            names += _combined(_as_list(term.get("files", [])), _as_list(term.get("paths", [])))
        else:
            names.append(str(term))
    names = _combined(names, _as_list(options.get("paths", [])))
    names += _combined(_as_list(options.get("files", [])), _as_list(options.get("paths", [])))
    for name in names:
        for kind in ("files", "templates", "vars", "tasks"):
            try:
                return [find(name, variables, kind)]
            except FileNotFoundError:
                continue
    if skip:
        return []
    raise FileNotFoundError(f"first_found: there is none of {', '.join(names)}")


def _combined(files: list[Any], paths: list[Any]) -> list[str]:
    if not paths:
        return [str(name) for name in files]
    return [os.path.join(str(path), str(name)) for path in paths for name in files]  # noqa: PTH118


def _as_list(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [part for part in value.replace(";", ",").split(",") if part]
    return list(value)


def _sequence(terms: list[Any], variables: Vars, **options: Any) -> list[Any]:
    from hostpool.playbook.arguments import parse

    given: dict[str, Any] = dict(options)
    for term in terms:
        given.update(parse(str(term))[0])
    start, stride = int(str(given.get("start", 1)), 0), int(str(given.get("stride", 1)), 0)
    if "count" in given:
        count = int(str(given["count"]), 0)
        numbers: Iterable[int] = range(start, start + count * stride, stride) if count else ()
    else:
        end = int(str(given["end"]), 0)
        numbers = range(start, end + (1 if stride > 0 else -1), stride)
    return [str(given.get("format", "%d")) % number for number in numbers]


def _dict(terms: list[Any], variables: Vars, **options: Any) -> list[Any]:
    return [{"key": key, "value": value} for term in terms for key, value in term.items()]


def _nested(terms: list[Any], variables: Vars, **options: Any) -> list[Any]:
    import itertools

    return [list(each) for each in itertools.product(*(t if isinstance(t, list) else [t] for t in terms))]


def _together(terms: list[Any], variables: Vars, **options: Any) -> list[Any]:
    import itertools

    return [list(each) for each in itertools.zip_longest(*terms)]


def _subelements(terms: list[Any], variables: Vars, **options: Any) -> list[Any]:
    from hostpool.templating.filters_data import subelements

    flags = terms[2] if len(terms) > 2 else {}
    return [list(pair) for pair in subelements(terms[0], terms[1], bool(flags.get("skip_missing", False)))]


def _flattened(terms: list[Any], variables: Vars, **options: Any) -> list[Any]:
    from hostpool.templating.filters_data import flatten

    return flatten(terms)


def _items(terms: list[Any], variables: Vars, **options: Any) -> list[Any]:
    found: list[Any] = []
    for term in terms:
        found += term if isinstance(term, list | tuple) else [term]
    return found


def _list(terms: list[Any], variables: Vars, **options: Any) -> list[Any]:
    return list(terms)


def _indexed(terms: list[Any], variables: Vars, **options: Any) -> list[Any]:
    return [list(pair) for pair in enumerate(_items(terms, variables))]


def _random_choice(terms: list[Any], variables: Vars, **options: Any) -> list[Any]:
    return [random.SystemRandom().choice(terms)] if terms else []


def _hostnames(terms: list[Any], variables: Vars, **options: Any) -> list[Any]:
    select = variables.get("_hostpool_select")
    return list(select(terms)) if callable(select) else []


LOOKUPS: dict[str, Callable[..., list[Any]]] = {
    "file": _files, "template": _templates, "env": _env, "pipe": _pipe, "lines": _lines,
    "fileglob": _fileglob, "vars": _vars, "varnames": _varnames, "first_found": _first_found,
    "sequence": _sequence, "dict": _dict, "nested": _nested, "cartesian": _nested,
    "together": _together, "subelements": _subelements, "flattened": _flattened, "items": _items,
    "list": _list, "indexed_items": _indexed, "random_choice": _random_choice,
    "inventory_hostnames": _hostnames, **STORED,
}  # fmt: skip


def look_up(name: str, terms: list[Any], variables: Vars, **options: Any) -> list[Any]:
    """Raises ValueError for an unknown lookup, and what it itself raises."""
    function = LOOKUPS.get(name.removeprefix("ansible.builtin."))
    if function is None:
        raise ValueError(f"the lookup {name!r} is not supported")
    errors = options.pop("errors", "strict")
    options.pop("wantlist", None)
    try:
        return function(terms, variables, **options)
    except (OSError, ValueError):
        if errors in ("ignore", "warn"):
            return []
        raise


@pass_context
def _query(context: Any, name: str, *terms: Any, **options: Any) -> list[Any]:
    flat: list[Any] = []
    for term in terms:
        flat += term if isinstance(term, list) and name != "subelements" and name != "nested" else [term]
    return look_up(name, flat, context.parent, **options)


@pass_context
def _lookup(context: Any, name: str, *terms: Any, **options: Any) -> Any:
    want_list = options.get("wantlist", False)
    found = _query(context, name, *terms, **options)
    if want_list:
        return found
    if all(isinstance(each, str) for each in found):
        return ",".join(found)
    return found[0] if len(found) == 1 else found


def _now(utc: bool = False, fmt: str | None = None) -> Any:
    from datetime import UTC, datetime

    moment = datetime.now(UTC).replace(tzinfo=None) if utc else datetime.now()
    return moment.strftime(fmt) if fmt else moment


def _undef(hint: str | None = None) -> Any:
    from hostpool.templating.undefined import deferred

    return deferred(hint or "undefined on purpose")


register("globals", lookup=_lookup, query=_query, q=_query, now=_now, undef=_undef)
