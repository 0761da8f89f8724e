"""A command as data, so that the history can call it once more: options, words, directory, no secrets.

A value that is masked is asked for again; nothing that a password option asked or read is ever in it.
"""

from __future__ import annotations

import dataclasses
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import msgspec

from hostpool.errors import UsageError
from hostpool.secrets import MASK

Options = TypeVar("Options")
_NOT_KEPT = frozenset(
    [
        "invocation",
        "replay",
        "watch",
        "list_hosts",
        "pick",
        "limit",
        "exclude",
        "yes",
        "inventory",
        "inventory_typed",
        "cron",
        "overlap",
        "jitter",
        "renotify",
        "notify_after",
        "no_history",
        "outdir",
        "output",
        "stream",
        "verbose",
        "quiet",
        "compare",
        "no_fold",
        "no_prefix",
        "state_dir",
        "history_output",
        "history_keep",
        "history_max_size",
        "syslog",
    ]
)
"""Options of one call, not of what it does on a host."""


class Invocation(msgspec.Struct, frozen=True):
    """The command's whole name, and its positional words."""

    command: str
    words: tuple[str, ...]


class Replay(msgspec.Struct, frozen=True):
    """A run of the history, on these hosts alone. ``fingerprint`` is of the local files it used then,
    ``left`` where a playbook's hosts stood at its end, if they are to go on there."""

    run: int
    hosts: tuple[str, ...]
    fingerprint: str | None = None
    changed_ok: bool = False
    left: bytes | None = None


class Again(msgspec.Struct, frozen=True, kw_only=True):
    """What the history keeps of a call. ``inventory`` holds the sources it used, absolute;
    ``executable`` says whether a program among them was asked for by -i."""

    command: str
    words: list[str]
    options: dict[str, Any]
    inventory: list[str]
    executable: bool
    directory: str
    fingerprint: str | None = None


def kept(
    options: Any, invocation: Invocation, inventory: tuple[str, ...], fingerprint: str | None,
    mask: Callable[[str], str],
) -> bytes:  # fmt: skip
    """``mask`` gets every text that is kept."""
    plain = {
        field.name: _masked(value, mask, field.name)
        for field in dataclasses.fields(options)
        if field.name not in _NOT_KEPT
        if (value := getattr(options, field.name)) != field.default
    }
    again = Again(
        command=invocation.command,
        words=[mask(word) for word in invocation.words],
        options=plain,
        inventory=[mask(_absolute(source)) for source in inventory],
        executable=bool(options.inventory_typed),
        directory=os.getcwd(),  # noqa: PTH109 -- a text is wanted
        fingerprint=fingerprint,
    )
    return msgspec.json.encode(_encodable(msgspec.to_builtins(again)))


def read(data: bytes) -> Again:
    """Raises UsageError for what an other version of hostpool wrote and this one does not know."""
    try:
        return msgspec.json.decode(data, type=Again)
    except msgspec.DecodeError as error:
        raise UsageError(f"this run cannot be repeated: {error}") from error


def restored(
    again: Again, options: type[Options], more: Mapping[str, Any], ask: Ask
) -> tuple[Options, list[str]]:
    """Options and words, as the command gets them; ``ask`` gives the values that were masked. Raises
    UsageError."""
    words, plain = _each_text(_unmasked([again.words, again.options], ask), _decoded)
    try:
        said = {name: msgspec.convert(value, _type_of(options, name)) for name, value in plain.items()}
    except (msgspec.ValidationError, KeyError) as error:
        raise UsageError(f"this run cannot be repeated: {error}") from error
    return options(**{**said, **more}), words


Ask = Callable[[str], str]
"""From what is shown around a masked value to the value."""


def _type_of(options: type, name: str) -> Any:
    """What is declared for this field alone: other fields may name types that are not imported here."""
    for each in options.__mro__:
        declared = vars(each).get("__annotations__", {}).get(name)
        if declared is not None:
            return (
                eval(declared, vars(sys.modules[each.__module__])) if isinstance(declared, str) else declared
            )
    raise KeyError(name)


def _masked(value: Any, mask: Callable[[str], str], name: str) -> Any:
    plain = msgspec.to_builtins(value)
    if name == "env":
        # Its name says whether a value is a secret: both are looked at as one.
        return [[key, mask(f"{key}={text}").partition("=")[2]] for key, text in plain]
    return _each_text(plain, mask)


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _each_text(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_each_text(item, change) for item in value]
    return value


def _unmasked(value: Any, ask: Ask) -> Any:
    answers: dict[str, str] = {}

    def filled(text: str) -> str:
        return "".join(_pieces(text, ask, answers)) if MASK in text else text

    if isinstance(value[1].get("env"), list):
        for pair in value[1]["env"]:
            if MASK in pair[1]:
                pair[1] = filled(f"{pair[0]}={pair[1]}").partition("=")[2]
    return _each_text(value, filled)


def _pieces(text: str, ask: Ask, answers: dict[str, str]) -> Iterator[str]:
    """``text`` with the answers in the place of what was masked; the same question is asked once."""
    first, *rest = text.split(MASK)
    yield first
    before = first
    for piece in rest:
        name = re.search(r"([\w.-]+)\s*[=:]\s*$", before)
        label = name[1] if name else f"what is masked in `{text}`"
        if label not in answers:
            answers[label] = ask(label)
        yield answers[label]
        yield piece
        before = piece


def _absolute(source: str) -> str:
    if source == "-" or "," in source:
        return source
    return os.path.abspath(source)  # noqa: PTH100 -- links stay as they were named


def _encodable(value: Any) -> Any:
    """Words that are not UTF-8 (PEP 383) survive JSON: a surrogate is written as NUL and four digits,
    since no word of a command line holds a NUL."""

    def encodable(text: str) -> str:
        if text.isascii():
            return text
        return re.sub("[\ud800-\udfff]", lambda found: f"\0{ord(found[0]):04x}", text)

    return _each_text(value, encodable)


def _decoded(text: str) -> str:
    return re.sub("\0([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), text)
