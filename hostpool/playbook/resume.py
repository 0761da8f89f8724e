"""Where each host of a run stood when it ended, so that another run can take it up there.

A ``Left`` is JSON: the history keeps it, masked. What it cannot keep (secrets, results of tasks with
no_log, more than 64 KiB a host) is named in ``missing``; whoever reads such a variable later fails,
saying so.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from hostpool.templating.template import Template

LARGEST = 64 * 1024
"""Bytes of variables that are kept for a host."""


class Notice(msgspec.Struct, frozen=True):
    """A handler that is still to run."""

    place: str
    title: str


class Host(msgspec.Struct):
    """``play``: the number of the play it goes on in, None: it had nothing left to do. ``trail``: the
    titles of the includes around the task, and its own."""

    play: int | None = None
    key: list[int] = []
    trail: list[str] = []
    notices: list[Notice] = []
    facts_gathered: bool = False
    variables: dict[str, Any] = {}
    facts: dict[str, Any] = {}
    included: list[tuple[str, list[str]]] = []
    missing: dict[str, str] = {}


class Included(msgspec.Struct, frozen=True):
    """An include that brought roles, whose handlers stay known."""

    play: int
    place: str
    args: dict[str, Any]


class Left(msgspec.Struct):
    """``files``: everything that was read, with its SHA-256. ``world``: what ``add_host`` and
    ``group_by`` did, in their order."""

    files: dict[str, str]
    hosts: dict[str, Host]
    included: list[Included] = []
    world: list[list[Any]] = []


def digests(files: Iterable[str]) -> dict[str, str]:
    found = {}
    for name in files:
        try:
            found[name] = hashlib.sha256(Path(name).read_bytes()).hexdigest()
        except OSError:
            found[name] = ""
    return found


def fingerprint(files: Iterable[str]) -> str:
    """One text for all of them, whatever they are called."""
    return hashlib.sha256("".join(sorted(digests(files).values())).encode()).hexdigest()


def changed(left: Left) -> list[str]:
    """The files that are no longer what they were."""
    now = digests(left.files)
    return [name for name, digest in left.files.items() if now[name] != digest]


def encoded(left: Left) -> bytes:
    return msgspec.json.encode(left)


def decoded(data: bytes) -> Left:
    """Raises msgspec.DecodeError."""
    return msgspec.json.decode(data, type=Left)


class NotKept(Exception):
    """Why a value cannot be in the history."""


def kept(values: Mapping[str, Any], mask: Callable[[str], str], hidden: Iterable[str]) -> tuple[
    dict[str, Any], dict[str, str]
]:  # fmt: skip
    """What of these variables the history may have, and why not the others."""
    missing = dict.fromkeys(hidden, "its task has no_log")
    found: dict[str, Any] = {}
    for name, value in values.items():
        if name in missing:
            continue
        try:
            found[name] = _kept(value, mask)
        except NotKept as why:
            missing[name] = str(why)
    sizes = {name: len(json.dumps(value)) for name, value in found.items()}
    for name in sorted(sizes, key=lambda name: -sizes[name]):
        if sum(sizes[each] for each in found) <= LARGEST:
            break
        del found[name]
        missing[name] = "the history keeps 64 KiB of variables a host"
    return found, missing


def _kept(value: Any, mask: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        text = str(value)
        if mask(text) != text:
            raise NotKept("it held a secret")
        return text.encode("utf-8", "replace").decode()
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        return {_kept(str(key), mask): _kept(item, mask) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_kept(item, mask) for item in value]
    raise NotKept(f"a {type(value).__name__} cannot be kept")


def gone(name: str, why: str) -> Template:
    """The value of a variable that was not kept: reading it fails with the reason."""
    said = f"{name} is not in the history ({why}): rerun with --from-start"
    # The newline keeps the template's text out of the message.
    return Template("{{ undef(\n" + json.dumps(said) + ") }}")


class Catch:
    """The tasks a host skips until it is where it stood. ``exact``: the playbook is what it was, and
    places count; otherwise titles do."""

    def __init__(self, host: Host, *, exact: bool) -> None:
        self._key = tuple(host.key)
        self._trail = host.trail
        self._exact = exact
        self._depth = 0
        self.over = False

    @property
    def section(self) -> int:
        """Which of the play's sections (tasks, handlers, …) it stands in."""
        return self._key[0] if self._key else 0

    @property
    def wanted(self) -> str:
        return self._trail[-1] if self._trail else ""

    def skips(self, key: tuple[int, ...], title: str) -> bool:
        """Whether the task that stands there is behind the host; not asked any more once ``over``."""
        if self._exact:
            if key < self._key:
                return self._key[: len(key)] != key
            self.over = True
            return False
        if self._depth < len(self._trail) and title != self._trail[self._depth]:
            return True
        self._depth += 1
        self.over = self._depth >= len(self._trail)
        return False
