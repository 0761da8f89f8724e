"""Which packages apt-get is told to install or remove, from what is asked for and what the host has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from hostpool.tasks.modules.apt_state import AptState
from hostpool.tasks.modules.base import ModuleFailed, Result
from hostpool.tasks.modules.debian_versions import compare

_GLOB = frozenset("*?[]!")
_SPEC = re.compile(r"(.*?)(>?=)(.*)", re.DOTALL)


def split(spec: str) -> tuple[str, str, str]:
    """The package, ``=`` or ``>=`` or nothing, the version."""
    found = _SPEC.fullmatch(spec)
    return (found[1], found[2], found[3]) if found else (spec, "", "")


def expanded(names: list[str], state: AptState) -> list[str]:
    """Shell patterns become the packages they fit. Raises ModuleFailed where there is none."""
    found: list[str] = []
    for each in names:
        name = split(each)[0]
        if not _GLOB.intersection(name):
            found.append(each)
        elif name not in state.globs:
            raise ModuleFailed(f"No package(s) matching '{name}' available")
        else:
            found += state.globs[name]
    return found


def to_install(args: Mapping[str, Any], spec: str, state: AptState, base: Result) -> str | None:
    """What apt-get is told to install, or None if there is nothing to do. Raises ModuleFailed."""
    name, operator, version = split(spec)
    if not state.known(name):
        return _virtual(name, state)
    installed = state.installed(name)
    if installed is None and args["only_upgrade"]:
        return None
    best = state.best(name, version if operator == "=" else None)
    fits = installed is not None and _fits(installed, operator, version)
    new = best if best is not None and best != installed and _fits(best, operator, version) else None
    if not fits and new is None:
        raise ModuleFailed(f"no available installation candidate for {spec}", **base)
    if new is not None and (installed is None or args["state"] == "latest" or not fits):
        return f"{name}={new}"
    if fits and new is not None and operator == "=":
        return f"{name}={version}"
    return None


def _virtual(name: str, state: AptState) -> str | None:
    """A name that only others provide: apt-get decides which, unless one of them is there."""
    if not state.providers.get(name):
        raise ModuleFailed(f"No package matching '{name}' is available")
    there = any(state.installed(each) is not None for each in state.providers[name])
    return None if there else name


def _fits(version: str, operator: str, wanted: str) -> bool:
    if operator == "=":
        return fnmatchcase(version, wanted)
    return operator == "" or compare(version, wanted) >= 0


def to_remove(spec: str, state: AptState, purge: bool) -> bool:
    """Whether it is there, in the version if one is named, or left files that are to go too."""
    name, operator, version = split(spec)
    installed = state.installed(name)
    return (installed is not None and _fits(installed, operator, version)) or (purge and state.leftover(name))
