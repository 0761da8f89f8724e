"""Lookups that read (and ``password``: write) files and addresses of the control node."""

from __future__ import annotations

import os
import re
import secrets
import string
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hostpool.playbook.arguments import parse
from hostpool.playbook.lookuppaths import find
from hostpool.templating.filters_passwords import password_hash

Vars = Mapping[str, Any]
_PUNCTUATION = ".,:-_"
_HASHES = {"sha512_crypt": "sha512", "sha256_crypt": "sha256", "bcrypt": "blowfish"}


def _term(term: Any, options: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """``NAME key=value …`` and options beside it, which the term's own go before."""
    given, rest = parse(str(term))
    return rest, {**options, **given}


def _password(terms: list[Any], variables: Vars, **options: Any) -> list[Any]:
    found = []
    for term in terms:
        name, given = _term(term, options)
        path = Path(str(variables.get("playbook_dir") or "."), os.path.expanduser(name))  # noqa: PTH111 -- text in, text out
        word, salt = _stored(path)
        kind = given.get("encrypt")
        fresh = word is None
        if word is None:
            word = _made(int(given.get("length", 20)), given.get("chars"), given.get("seed"))
        if kind and salt is None:
            salt, fresh = _made(22 if kind == "bcrypt" else 8, "ascii_letters,digits", None), True
        if fresh and str(path) != "/dev/null":
            _keep(path, f"{word} salt={salt}" if kind else word)
        found.append(password_hash(word, _HASHES.get(str(kind), str(kind)), salt) if kind else word)
    return found


def _stored(path: Path) -> tuple[str | None, str | None]:
    if str(path) == "/dev/null" or not path.exists():
        return None, None
    word, mark, salt = path.read_text("utf-8").rstrip("\n").rpartition(" salt=")
    return (word, salt) if mark else (salt, None)


def _keep(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text + "\n")


def _made(length: int, chars: Any, seed: Any) -> str:
    import random

    if chars is None:
        letters = string.ascii_letters + string.digits + _PUNCTUATION
    else:
        kinds = chars if isinstance(chars, list) else str(chars).split(",")
        letters = "".join(getattr(string, str(kind), str(kind)) for kind in kinds)
    if seed is not None:
        chooser = random.Random(seed)
        return "".join(chooser.choice(letters) for _ in range(length))
    return "".join(secrets.choice(letters) for _ in range(length))


def _ini(terms: list[Any], variables: Vars, **options: Any) -> list[Any]:
    from configparser import ConfigParser

    found: list[Any] = []
    for term in terms:
        key, given = _term(term, options)
        path = find(str(given.get("file", "ansible.ini")), variables)
        section = str(given.get("section", "global"))
        parser = ConfigParser(interpolation=None, allow_no_value=_yes(given.get("allow_no_value")))
        if _yes(given.get("case_sensitive")):
            parser.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case
        text = Path(path).read_text(str(given.get("encoding", "utf-8")))
        if given.get("type") == "properties":
            text, section = f"[java_properties]\n{text}", "java_properties"
        parser.read_string(text)
        if _yes(given.get("re")):
            found += [v for k, v in parser[section].items() if re.match(key, k)]
        else:
            found.append(parser.get(section, key, fallback=given.get("default", "")))
    return found


def _csvfile(terms: list[Any], variables: Vars, **options: Any) -> list[Any]:
    import csv

    found: list[Any] = []
    for term in terms:
        key, given = _term(term, options)
        delimiter = str(given.get("delimiter", "TAB"))
        delimiter = {"TAB": "\t", "\\t": "\t"}.get(delimiter, delimiter)
        path = Path(find(str(given.get("file", "ansible.csv")), variables))
        with path.open(encoding=str(given.get("encoding", "utf-8")), newline="") as file:
            rows = list(csv.reader(file, delimiter=delimiter))
        column, own = int(given.get("col", 1)), int(given.get("keycol", 0))
        hits = [row[column] for row in rows if len(row) > max(column, own) and row[own] == key]
        if hits or given.get("default") is not None:
            found.append(hits[0] if hits else given["default"])
    return found


def _url(terms: list[Any], variables: Vars, **options: Any) -> list[Any]:
    import base64
    import ssl
    from urllib.error import URLError
    from urllib.request import Request, urlopen

    context = None if _yes(options.get("validate_certs", True)) else ssl._create_unverified_context()
    headers = {str(k): str(v) for k, v in (options.get("headers") or {}).items()}
    if options.get("username"):
        pair = f"{options['username']}:{options.get('password') or ''}".encode()
        headers["Authorization"] = "Basic " + base64.b64encode(pair).decode()
    found: list[Any] = []
    for term in terms:
        if not str(term).startswith(("http://", "https://", "ftp://")):
            raise ValueError(f"lookup url: {term!r} is no http, https or ftp address")
        try:
            with urlopen(
                Request(str(term), headers=headers),
                timeout=float(options.get("timeout", 10)),
                context=context,
            ) as reply:
                text = reply.read(16 << 20).decode("utf-8", "replace")
        except URLError as error:
            raise ValueError(f"lookup url: {term}: {error}") from error
        found += text.splitlines() if _yes(options.get("split_lines", True)) else [text]
    return found


def _yes(value: Any) -> bool:
    return str(value).strip().lower() in ("y", "yes", "on", "1", "true", "t")


STORED: dict[str, Callable[..., list[Any]]] = {
    "password": _password, "ini": _ini, "csvfile": _csvfile, "url": _url,
}  # fmt: skip
