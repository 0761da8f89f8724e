"""``-e``: variables that win over all others, in the three spellings that ansible knows."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hostpool.errors import ConfigError, HostpoolError, Problems, UsageError

_SECRET = r"ansible_(ssh_|become_|sudo_|su_)?pass(word)?"
_NAME = r"(?a)[A-Za-z_][A-Za-z0-9_]*"


def parse(texts: Iterable[str]) -> dict[str, Any]:
    """``k=v k2='v 2'``, ``{"k": …}`` or ``@FILE``; later ones win. Raises ConfigError or Problems."""
    result: dict[str, Any] = {}
    errors: list[HostpoolError] = []
    for text in texts:
        try:
            result.update(_one(text))
        except Problems as problems:
            errors.extend(problems.errors)
        except UsageError as error:
            errors.append(error)
    if errors:
        raise Problems.of(errors)
    return result


def _one(text: str) -> dict[str, Any]:
    if text.startswith("@"):
        return _from_file(text[1:])
    stripped = text.strip()
    variables = _from_json(stripped) if stripped.startswith("{") else _from_words(stripped)
    for name in variables:
        if re.fullmatch(_SECRET, name):
            raise ConfigError(
                f"-e {name}=… shows the password to every process of this machine",
                hint="ask for it (-k, -K), or read a file: --connection-password-file, "
                "--become-password-file, -e @FILE",
            )
    return variables


def _from_json(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(f"-e {text[:40]!r} is no JSON: {error.msg} at character {error.pos + 1}") from error
    if not isinstance(value, dict):
        raise ConfigError(f"-e {text[:40]!r} holds no variables", hint='write {"name": value}')
    return value


def _from_words(text: str) -> dict[str, Any]:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ConfigError(f"-e {text!r}: {str(error).lower()}") from error
    result = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not re.fullmatch(_NAME, name):
            raise ConfigError(
                f"-e {word!r} is no assignment", hint="write name=value, JSON in braces, or @FILE"
            )
        result[name] = value
    return result


def _from_file(name: str) -> dict[str, Any]:
    """YAML, of which JSON is a part, read as an inventory's variables are."""
    from hostpool.inventory.yamlreader import YAMLReader

    path = Path(name).expanduser()
    try:
        reader = YAMLReader(path.read_bytes(), str(path))
        root = reader.root()
    except OSError as error:
        raise ConfigError(f"-e @{name}: the file cannot be read: {error.strerror}") from error
    value = {} if root is None else reader.construct(root)
    if reader.problems:
        raise Problems.of(list(reader.problems))
    if not isinstance(value, dict):
        raise ConfigError("the file holds no variables", file=str(path), hint="write name: value")
    return {str(key): item for key, item in value.items()}
