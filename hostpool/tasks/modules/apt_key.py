"""apt_key: a key that apt trusts is there, or gone (deprecated: see deb822_repository).

Parameters:
    id: the key's id or fingerprint, 8, 16 or more hexadecimal digits
    data: the key itself, armored
    file: a file of the host that holds it
    url: where it is downloaded from, by the host
    keyserver: the server that has it
    keyring: the file that it is kept in; else all of apt's
    state: absent removes the key ``id``
Returns: ``id``, ``key_id``, ``fp``, ``short_id``, ``before``, ``after``.
Needs: apt-key (gone from Debian 13 and Ubuntu 25.04), gpg; for a URL curl or wget, or apt-helper.
Differs: a URL whose key has no ``id`` given is downloaded by the host once more to be added.
Source: ansible.builtin.apt_key of ansible-core 2.19, man page apt-key(8).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hostpool.tasks.modules.apt_get import APT
from hostpool.tasks.modules.base import (
    Mode,
    Module,
    ModuleFailed,
    Result,
    Steps,
    change,
    query,
    require,
    text,
)
from hostpool.tasks.modules.spec import Param, Spec

_HEAD = APT + r"""
kind=$1 what=$2 keyring=$3; shift 3
for each in apt-key gpg; do
  command -v "$each" >/dev/null ||
    { echo "$each is not on this host; deb822_repository with signed_by needs neither" >&2; exit 127; }
done
key() { if [ -n "$keyring" ]; then apt-key --keyring "$keyring" "$@"; else apt-key "$@"; fi 2>"$hp_dir/err"; }
list() { # apt-key would make a keyring that is not there
  [ -z "$keyring" ] || [ -e "$keyring" ] || return 0
  key adv --list-public-keys --keyid-format=long </dev/null || { cat "$hp_dir/err" >&2; exit 1; }
}
fetched() { # the key's file
  case $kind in
    data) cat > "$hp_dir/key" ;;
    file) cat -- "$what" > "$hp_dir/key" || exit ;;
    url) hp_download "$what" "$hp_dir/key" || { echo "Failed to download key at $what" >&2; exit 1; } ;;
  esac
}
"""  # fmt: skip
_LOOK = _HEAD + r"""
if [ -n "$1" ]; then
  fetched; gpg --homedir "$hp_dir" --with-colons "$hp_dir/key" </dev/null 2>/dev/null ||
    { echo "Unable to extract key from $kind" >&2; exit 1; }
fi
printf '\001keys\n'; list
"""  # fmt: skip
_CHANGE = _HEAD + r"""
action=$1 id=$2
case $action-$kind in
  absent-*) key del "$id" </dev/null >&2 || { cat "$hp_dir/err" >&2; exit 1; } ;;
  present-keyserver) key adv --no-tty --keyserver "$what" --recv "$id" </dev/null >&2 ||
    { echo "Error fetching key $id from keyserver: $what: $(cat "$hp_dir/err")" >&2; exit 1; } ;;
  *) fetched; key add "$hp_dir/key" </dev/null >&2 || { cat "$hp_dir/err" >&2; exit 1; } ;;
esac
list
"""  # fmt: skip
_NONE = "there is no key to add: data, file, url or keyserver is required"
_SOURCES = ("data", "file", "url", "keyserver")


@dataclass(frozen=True, slots=True)
class _Id:
    """``short``: 8 digits; ``long``: 16; ``whole``: all that were given."""

    short: str
    long: str
    whole: str


def apt_key(args: Mapping[str, Any], mode: Mode) -> Steps:
    kind = next((each for each in _SOURCES if args[each] is not None), "")
    if kind == "keyserver" and not args["id"]:
        raise ModuleFailed("Missing key_id, required with keyserver.")
    if not args["id"] and (args["state"] == "absent" or not kind):
        raise ModuleFailed(
            "key is required to remove a key" if args["state"] == "absent" else "there is no key to add"
        )
    if args["id"]:
        _parsed(args["id"], {"id": args["id"]})
    data = (args["data"] or "").encode() if kind == "data" else b""
    words = (kind, args[kind] if kind not in ("", "data") else "", args["keyring"] or "")
    reply = yield from query(_LOOK, *words, "" if args["id"] else "extract", stdin=data)
    shown, _, listed = text(require(reply, "apt_key").stdout).partition("\001keys\n")
    given = args["id"] or next(iter(_keys(shown)), "")
    base: Result = {"id": given}
    key = _parsed(given, base)
    base |= {"short_id": key.short, "fp": key.long, "key_id": key.whole}
    short = len(key.whole) == 8
    base["before"] = [each[-8:] if short else each for each in _keys(listed)]
    present = args["state"] == "present"
    if ((key.short if short else key.long) in base["before"]) is present:
        return {"changed": False, **base}
    if present and not kind:
        raise ModuleFailed(_NONE, **base)
    told: Result = {"changed": True, **base}
    action = (args["state"], key.whole if present else key.short)
    reply = yield from change(_CHANGE, *words, *action, foretells=told, stdin=data)
    what = f"Unable to {'add' if present else 'remove'} a key"
    after = [each[-8:] if short else each for each in _keys(text(require(reply, what, **base).stdout))]
    if ((key.short if short else key.long) in after) is not present:
        done = "failed to add the key" if present else "the key was not removed"
        raise ModuleFailed(
            f"apt-key did not return an error, but {done} (check that the id is correct and *not* a subkey)",
            **base, after=after,
        )  # fmt: skip
    return {**told, "after": after}


def _parsed(given: str, values: Result) -> _Id:
    digits = given.upper().removeprefix("0X")
    if not re.fullmatch("[0-9A-F]{8}|[0-9A-F]{16,}", digits):
        raise ModuleFailed("Invalid key_id", **values)
    return _Id(digits[-8:], digits[-16:], digits)


def _keys(output: str) -> list[str]:
    """Ids of keys and subkeys, in gpg's form with colons or apt-key's for people."""
    found = []
    for line in output.splitlines():
        if line.startswith(("pub", "sub")) and "expired" not in line:
            colons = line.split(":")
            plain = re.match(r"(?:pub|sub)\s+[^\s/]+/([0-9A-Fa-f]+)", line)
            if plain:
                found.append(plain[1])
            elif len(colons) > 4:
                found.append(colons[4])
    return found


MODULES = {
    "apt_key": Module(
        Spec(
            "apt_key",
            {
                "id": Param(),
                "data": Param(),
                "file": Param("path"),
                "url": Param(),
                "keyserver": Param(),
                "keyring": Param("path"),
                "state": Param(default="present", choices=("absent", "present")),
            },
            refused={"validate_certs": "certificates are always checked"},
            exclusive=(("data", "file", "keyserver", "url"),),
        ),
        apt_key,
    )
}
