"""deb822_repository: a file of apt's sources in the newer form is there with its key, or gone.

Parameters:
    name: what it is called; the file is named after it
    state: absent removes the file and its key
    types: deb, deb-src
    uris: where it is
    suites: releases, or paths that end with a slash
    components: of the releases
    architectures: those to use
    languages: those to download
    targets: what to download
    signed_by: a key file of the host, a URL, fingerprints, or an armored key
    enabled: whether it is used
    trusted: whether it is used without signatures
    allow_insecure: whether it is used without valid signatures
    allow_weak: whether weak digests will do
    allow_downgrade_to_insecure: whether it may lose its signatures
    by_hash: whether files are fetched by their hash
    check_date: whether dates are checked
    check_valid_until: whether the date of expiry is checked
    date_max_future: seconds that it may be ahead of time
    inrelease_path: where its InRelease is
    pdiffs: whether lists are updated in part
    mode: of the file
Returns: ``repo``, ``dest``, ``key_filename``, ``diff``.
Needs: apt-get, base64, stat; for a URL curl or wget, or apt-helper.
Source: ansible.builtin.deb822_repository of ansible-core 2.19, man page sources.list(5).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hostpool.tasks.modules.apt_files import SHOW, AptFile, decoded, put, shown
from hostpool.tasks.modules.base import Mode, Module, ModuleFailed, Result, Steps, query, require, text
from hostpool.tasks.modules.modes import applied
from hostpool.tasks.modules.spec import Param, Spec
from hostpool.tasks.modules.writing import text_diff

_LOOK = SHOW + r"""
signed=$1; shift
hp_show "$@"
if [ -n "$signed" ] && [ -f "$signed" ]; then printf 'K\n'
else case $signed in
  *[!A-Za-z0-9+.-]*://*) ;;
  [A-Za-z]*://*) hp_download "$signed" "$hp_dir/key" ||
      { echo "Could not fetch signed_by key: $signed" >&2; exit 1; }
    printf 'U\t%s\n' "$(base64 < "$hp_dir/key" | tr -d '\n')" ;;
esac; fi
"""  # fmt: skip
_KEYRINGS = "/etc/apt/keyrings"
_ARMOR = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"


def deb822_repository(args: Mapping[str, Any], mode: Mode) -> Steps:
    slug = re.sub("[^a-z0-9-]+", "", re.sub(r"[_\s]+", "-", args["name"].lower()))
    if not slug:
        raise ModuleFailed(f"no file can be named after {args['name']!r}")
    dest = f"/etc/apt/sources.list.d/{slug}.sources"
    keys = [f"{_KEYRINGS}/{slug}.{ending}" for ending in ("asc", "gpg")]
    signed = args["signed_by"] or ""
    present = args["state"] == "present"
    reply = yield from query(_LOOK, signed if present else "", dest, *keys)
    output = require(reply, "the sources of apt cannot be read").stdout
    found = shown(output)
    if not present:
        return (yield from _absent(found, dest, keys[-1]))
    key, key_file, signed = _key(output, signed, keys)
    repo = _content(args, signed)
    files = _differing(found, key, AptFile(dest, repo.encode(), args["mode"] or "644"))
    told: Result = {"changed": bool(files), "repo": repo, "dest": dest, "key_filename": key_file}
    before = found[dest].content if dest in found else b""
    if files:
        told.update(text_diff(dest, before or b"", repo.encode(), mode))
        yield from put(files, told)
    return told


def _absent(found: Mapping[str, AptFile], dest: str, key: str) -> Steps:
    told: Result = {"changed": bool(found), "repo": None, "dest": dest, "key_filename": key}
    if found:
        yield from put([AptFile(path, None) for path in found], told)
    return told


def _key(output: bytes, signed: str, keys: list[str]) -> tuple[AptFile | None, str | None, str]:
    """The file of the key to be written, the result's word for it, and what Signed-By says."""
    for line in text(output).splitlines():
        if line == "K":
            return None, signed, signed
        if line.startswith("U\t"):
            data = decoded(line.removeprefix("U\t"))
            path = keys[0] if _ARMOR in data else keys[1]
            return AptFile(path, data, "644"), path, path
    return None, None, signed


def _differing(found: Mapping[str, AptFile], *wanted: AptFile | None) -> list[AptFile]:
    files = []
    for each in wanted:
        if each is None:
            continue
        old = found.get(each.path)
        number = applied(each.mode, int(old.mode, 8) if old else 0o644, False)
        if old is None or old.content != each.content or int(old.mode, 8) != number:
            files.append(AptFile(each.path, each.content, format(number, "o")))
    return files


def _content(args: Mapping[str, Any], signed: str) -> str:
    """The fields in the order of the parameters' names, as sources.list(5) calls them."""
    lines = []
    for name in sorted(_FIELDS):
        value = signed or None if name == "signed_by" else args[name]
        if value is None:
            continue
        if isinstance(value, bool):
            words = "yes" if value else "no"
        elif isinstance(value, list):
            words = " ".join(map(str, value))
        else:
            words = str(value)
        lines.append(f"{_name(name)}:{_value(words)}\n")
    return "".join(lines)


def _name(name: str) -> str:
    special = {"name": "X-Repolib-Name", "uris": "URIs"}
    return special.get(name) or name.replace("_", "-").title()


def _value(words: str) -> str:
    """A value of several lines stands below its name; a dot is an empty line."""
    if "\n" not in words:
        return f" {words}" if words else ""
    return "\n" + "\n".join("    " + (line.strip() or ".") for line in words.strip().splitlines())


_BOOLS = (
    "allow_downgrade_to_insecure", "allow_insecure", "allow_weak", "by_hash", "check_date",
    "check_valid_until", "enabled", "pdiffs", "trusted",
)  # fmt: skip
_LISTS = ("architectures", "components", "languages", "suites", "targets", "uris")
_FIELDS: Mapping[str, Param] = {
    "name": Param(required=True),
    "types": Param("list", ["deb"], choices=("deb", "deb-src")),
    **{name: Param("list") for name in _LISTS},
    **{name: Param("bool") for name in _BOOLS},
    "date_max_future": Param("int"),
    "inrelease_path": Param(),
    "signed_by": Param(),
}
MODULES = {
    "deb822_repository": Module(
        Spec(
            "deb822_repository",
            {
                **_FIELDS,
                "mode": Param("mode", "644"),
                "state": Param(default="present", choices=("absent", "present")),
            },
        ),
        deb822_repository,
    )
}
