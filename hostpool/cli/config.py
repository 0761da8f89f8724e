"""What the configuration file and ``HOSTPOOL_*`` variables say, below the flags.

The file is ``$XDG_CONFIG_HOME/hostpool/config.toml`` (``~/.config/…``), or what ``HOSTPOOL_CONFIG``
names. A key is the long name of a flag, a variable ``HOSTPOOL_`` and that name in capitals; flags win
over variables, variables over the file. An unknown name is an error: a setting that silently does
nothing would be a lie. No secret is taken from either; the files that hold passwords are named.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from hostpool.cli import values
from hostpool.cli.flags import Flag, flags_of, parsed
from hostpool.cli.hints import nearest
from hostpool.cli.options import RunOptions
from hostpool.errors import ConfigError, HostpoolError, Problems

Options = TypeVar("Options")
FILE_VARIABLE = "HOSTPOOL_CONFIG"
_PREFIX = "HOSTPOOL_"
_NOT_SETTINGS = frozenset({FILE_VARIABLE, "HOSTPOOL_SAFE_PATH"})
_SECRET = r"(?i)PASS(WORD|WD|PHRASE)?(?!_FILE)$|SECRET|TOKEN"
_NO_SECRETS = (
    "put it in a file only you can read and name that: "
    "--connection-password-file or --become-password-file; -k and -K ask for it"
)
_PATHS = (values.path, values.source)


def settings_keys() -> tuple[Flag, ...]:
    """Every flag that the file and the environment may set."""
    return tuple(flag for flag in flags_of(RunOptions) if flag.config)


def merged(
    options: type[Options], said: Mapping[str, Any], environ: Mapping[str, str] = os.environ
) -> Options:
    """Options of a command by rank: flags, environment, file. Raises ConfigError or Problems."""
    fields = {flag.field for flag in flags_of(options)}
    if "inventory" in said:
        said = {**said, "inventory_typed": True}
    lower = {field: value for field, value in load(environ).items() if field in fields}
    return options(**{**lower, **said})


def load(environ: Mapping[str, str]) -> dict[str, Any]:
    """What environment and file say, by the options' field names."""
    errors: list[HostpoolError] = []
    result = _from_file(config_file(environ), FILE_VARIABLE in environ, errors)
    result.update(_from_environment(environ, errors))
    if errors:
        raise Problems.of(errors)
    return result


def config_file(environ: Mapping[str, str]) -> Path:
    named = environ.get(FILE_VARIABLE)
    if named:
        return Path(named)
    return config_directory(environ) / "config.toml"


def config_directory(environ: Mapping[str, str]) -> Path:
    """``$XDG_CONFIG_HOME/hostpool``; a relative XDG_CONFIG_HOME counts as unset (XDG base directories)."""
    base = environ.get("XDG_CONFIG_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path("~/.config")) / "hostpool"


def _from_environment(environ: Mapping[str, str], errors: list[HostpoolError]) -> dict[str, Any]:
    by_variable = {flag.variable: flag for flag in settings_keys()}
    result = {}
    for name in sorted(environ):
        value = environ[name]
        if not name.startswith(_PREFIX) or name in _NOT_SETTINGS or not value:
            continue
        flag = by_variable.get(name)
        if flag is None:
            errors.extend(_unknown_variable(name, list(by_variable)))
            continue
        try:
            if flag.switch:
                result[flag.field] = values.switch(value)
            else:
                result[flag.field] = parsed(flag, (value,) if flag.many else value)
        except ValueError as error:
            errors.append(ConfigError(f"{name}: {error}"))
    return result


def _unknown_variable(name: str, known: list[str]) -> list[HostpoolError]:
    """A slip of the finger or a secret is refused; the name of somebody else's variable is not."""
    bare = name.removeprefix(_PREFIX)
    near = nearest(bare, [each.removeprefix(_PREFIX) for each in known])
    if re.search(_SECRET, name):
        return [_secret(f"the environment variable {name}")]
    if near is None:
        return []
    return [ConfigError(f"{name} is no variable of hostpool", hint=f"did you mean {_PREFIX}{near}?")]


def _unknown_key(key: str, known: list[str]) -> ConfigError:
    if re.search(_SECRET, key):
        return _secret(f"the key {key}")
    near = nearest(key.replace("_", "-"), known)
    hint = f"did you mean {near}?" if near else "docs/configuration.md lists all keys"
    return ConfigError(f"{key} is no key of hostpool's configuration", hint=hint)


def _secret(where: str) -> ConfigError:
    return ConfigError(f"{where} would hold a secret, and none is read from there", hint=_NO_SECRETS)


def _from_file(file: Path, named: bool, errors: list[HostpoolError]) -> dict[str, Any]:
    try:
        file = file.expanduser()
        text = file.read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError, RuntimeError):
        if named:
            errors.append(ConfigError(f"{FILE_VARIABLE} names a file that is not there", file=str(file)))
        return {}
    except (OSError, UnicodeDecodeError) as error:
        errors.append(ConfigError(f"cannot be read: {_reason(error)}", file=str(file)))
        return {}
    return _File(file, text, errors).values()


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


class _File:
    def __init__(self, path: Path, text: str, errors: list[HostpoolError]) -> None:
        self._path = path
        self._lines = text.splitlines()
        self._text = text
        self._errors = errors

    def values(self) -> dict[str, Any]:
        import tomllib

        try:
            document = tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            place = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
            line, column = (int(place[1]), int(place[2])) if place else (len(self._lines), None)
            self._error(re.sub(r" \(at .*\)$", "", str(error)), line, column=column)
            return {}
        result = {}
        by_key = {flag.key: flag for flag in settings_keys()}
        for key, value in document.items():
            flag = by_key.get(key)
            if flag is None:
                unknown = _unknown_key(key, list(by_key))
                self._error(unknown.message, self._line_of(key), hint=unknown.hint)
                continue
            try:
                result[flag.field] = self._value(flag, value)
            except ValueError as error:
                self._error(f"{key}: {error}", self._line_of(key))
        return result

    def _value(self, flag: Flag, value: object) -> Any:
        if flag.switch:
            if not isinstance(value, bool):
                raise ValueError("true or false is wanted")
            return value
        if flag.many:
            items = value if isinstance(value, list) else [value]
            return tuple(self._parsed(flag, item) for item in items)
        return self._parsed(flag, value)

    def _parsed(self, flag: Flag, value: object) -> Any:
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise ValueError(f"a {'list of texts' if flag.many else 'text or number'} is wanted")
        result = flag.parse(str(value))
        if flag.parse in _PATHS and values.is_path(result):
            # A file means the same wherever one stands when calling us.
            return str(self._path.parent.absolute() / result)
        return result

    def _line_of(self, key: str) -> int | None:
        pattern = re.compile(rf"""\s*(?:\[+\s*)?["']?{re.escape(key)}["']?\s*[=.\]]""")
        return next((n for n, line in enumerate(self._lines, 1) if pattern.match(line)), None)

    def _error(
        self, message: str, line: int | None, *, hint: str | None = None, column: int | None = None
    ) -> None:
        source = self._lines[line - 1] if line and line <= len(self._lines) else None
        if source is not None and column is None:
            column = len(source) - len(source.lstrip()) + 1
        self._errors.append(
            ConfigError(message, file=str(self._path), line=line, column=column, source=source, hint=hint)
        )
