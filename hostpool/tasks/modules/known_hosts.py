"""known_hosts: a host's key stands in a known_hosts file, or does not.

Parameters:
    name: the host as it is looked up, [host]:port where the port is not 22; compared in lower case
    key: a line of known_hosts: names, type, key; with state absent all keys of the host where it is left out
    path: the file
    hash_host: write the name hashed
    state: whether the key is to stand there
Returns: ``name``, ``key``, ``path``, ``hash_host``, ``diff``; of the file ``state``, ``mode``, ``owner``,
    ``group``, ``uid``, ``gid``, ``size``
Needs: stat, cat, mv; no ssh-keygen.
Differs: where all keys of a host go, no copy FILE.old stays behind.
Source: ansible.builtin.known_hosts of ansible-core 2.19, man page sshd(8).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from typing import Any

from hostpool.tasks.modules.base import Mode, Module, ModuleFailed, Result, Steps
from hostpool.tasks.modules.editing import lines_of, look
from hostpool.tasks.modules.paths import Attributes, Info
from hostpool.tasks.modules.spec import Param, Spec
from hostpool.tasks.modules.writing import Content, text_diff, write


def known_hosts(args: Mapping[str, Any], mode: Mode) -> Steps:
    host = args["name"].lower()
    key = (args["key"] or "").strip()
    present = args["state"] == "present"
    if present and not key:
        raise ModuleFailed("No key specified when adding a host")
    if "\n" in key:
        raise ModuleFailed("key is one line of a known_hosts file")
    if key:
        _check(host, key)
    if key and args["hash_host"]:
        key = _hashed(host, key)
    found = yield from look(args["path"], follow=False)
    before = found.text
    after = _with(before, host, key) if present else _without(before, host, key)
    told: Result = {each: args[each] for each in ("name", "key", "path", "hash_host", "state")}
    if after == before:
        return {**told, **_seen(found.info, args["path"]), "changed": False}
    new = after.encode("utf-8", "surrogateescape")
    told |= {"changed": True, **text_diff(found.path, found.content, new, mode)}
    now = yield from write(found.path, found.info, Content.of(new), Attributes(), {}, told)
    return {**told, **_seen(now, args["path"])}


def _seen(info: Info, path: str) -> Result:
    """What the peer says of every path in a result, in the place of ``state`` too."""
    return info.keys(path) if info.exists else {}


def _check(host: str, key: str) -> None:
    if re.search(r"\S\s*,", host):
        raise ModuleFailed(
            "Comma separated list of names is not supported. "
            "Please pass a single name to lookup in the known_hosts file."
        )
    if not _is_of(key, host):
        raise ModuleFailed("Host parameter does not match hashed host field in supplied key")


def _parts(line: str) -> tuple[str, str, str, str] | None:
    """Marker, names, type and key of a line; None for one that has no entry."""
    words = line.split()
    marker = words.pop(0) if words and words[0].startswith("@") else ""
    if len(words) < 3 or words[0].startswith("#"):
        return None
    return marker, words[0], words[1], words[2]


def _is_of(line: str, host: str) -> bool:
    entry = _parts(line)
    return entry is not None and _names(entry[1], host)


def _names(names: str, host: str) -> bool:
    if names.startswith("|1|"):
        _, _, salt, digest = (names.split("|") + [""] * 4)[:4]
        try:
            return hmac.compare_digest(_digest(base64.b64decode(salt), host), base64.b64decode(digest))
        except ValueError:
            return False
    found = False
    for pattern in names.lower().split(","):
        if _glob(pattern.removeprefix("!"), host):
            if pattern.startswith("!"):
                return False
            found = True
    return found


def _glob(pattern: str, host: str) -> bool:
    """ssh's patterns know ``*`` and ``?`` only."""
    regex = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern)
    return re.fullmatch(regex, host, re.DOTALL) is not None


def _digest(salt: bytes, host: str) -> bytes:
    return hmac.new(salt, host.encode(), hashlib.sha1).digest()


def _hashed(host: str, key: str) -> str:
    salt = os.urandom(20)
    coded = [base64.b64encode(each).decode() for each in (salt, _digest(salt, host))]
    words = key.split()
    words[1 if words[0].startswith("@") else 0] = f"|1|{coded[0]}|{coded[1]}"
    return " ".join(words)


def _with(text: str, host: str, key: str) -> str:
    """The key at the end, in the place of another of its type; as it was if it stands there."""
    wanted = _parts(key)
    lines = lines_of(text)
    for number, line in enumerate(lines):
        entry = _parts(line)
        if wanted is None or entry is None or not _names(entry[1], host):
            continue
        if _same(entry, wanted):
            return text
        if not entry[0] and entry[2] == wanted[2]:
            del lines[number]
            break
    return "".join(lines) + key + "\n"


def _without(text: str, host: str, key: str) -> str:
    wanted = _parts(key)
    lines = lines_of(text)
    kept, gone = [], False
    for line in lines:
        entry = _parts(line)
        hit = entry is not None and _names(entry[1], host)
        if hit and entry is not None and wanted is not None:
            hit = not gone and (_same(entry, wanted) or (not entry[0] and entry[2] == wanted[2]))
            gone = gone or hit
        elif hit and entry is not None:
            hit = not entry[0]  # lines with a marker stay, as ssh-keygen -R leaves them
        if not hit:
            kept.append(line)
    return "".join(kept)


def _same(entry: tuple[str, str, str, str], wanted: tuple[str, str, str, str]) -> bool:
    """Two hashes of one name are the same name."""
    if entry[1].startswith("|1|") and wanted[1].startswith("|1|") and not entry[0]:
        return entry[2:] == wanted[2:] and entry[0] == wanted[0]
    return entry == wanted


MODULES = {
    "known_hosts": Module(
        Spec(
            "known_hosts",
            {
                "name": Param(required=True, aliases=("host",)),
                "key": Param(),
                "path": Param("path", "~/.ssh/known_hosts"),
                "hash_host": Param("bool", False),
                "state": Param(default="present", choices=("absent", "present")),
            },
        ),
        known_hosts,
    )
}
