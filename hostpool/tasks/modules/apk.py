"""apk: packages of Alpine Linux are there, at their latest or gone.

Parameters:
    name: packages, with a version (``foo=1.0``, ``foo>1.0``) if need be
    state: present or installed, latest, absent or removed
    update_cache: update the indexes before; alone it does only that
    upgrade: all packages to their latest
    available: with upgrade, replace or downgrade what no repository has any more
    no_cache: use no local cache
    repository: repositories in the place of those of the host
    world: the file that names what was asked for
Returns: ``packages``, ``stdout``, ``stderr``, ``msg``.
Needs: apk.
Differs: ``update_cache`` with names or upgrade is done in the same call, and under check mode not at all.
    Tested with recorded replies.
Source: community.general.apk 12, man page apk(8).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hostpool.tasks.base import RunReply
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

_LOOK = r"""
set -f
export LC_ALL=C
command -v apk >/dev/null || { echo "apk is not on this host" >&2; exit 127; }
world=$1 latest=$2 count=$3; shift 3
listed=$(tr ' ' '\n' < "$world" 2>/dev/null)
bare=$(printf '%s\n' "$listed" | sed 's/[@=<>~].*//')
while [ "$count" -gt 0 ]; do
  name=${1%%[@=<>~]*}
  ! apk info --installed -- "$name" >/dev/null 2>&1 || printf 'I\t%s\n' "$name"
  ! printf '%s\n' "$listed" | grep -Fx -e "$1" >/dev/null || printf 'W\t%s\n' "$1"
  ! printf '%s\n' "$bare" | grep -Fx -e "$name" >/dev/null || printf 'N\t%s\n' "$name"
  shift; count=$((count - 1))
done
[ -z "$latest" ] || apk "$@" version -l '<' 2>/dev/null | sed -n 's/^\([^ ]*\) .*<.*/U\t\1/p'
exit 0
"""
_SIMULATE = r"""
export LC_ALL=C
command -v apk >/dev/null || { echo "apk is not on this host" >&2; exit 127; }
exec apk "$@" --simulate </dev/null
"""
_RUN = r"""
export LC_ALL=C
command -v apk >/dev/null || { echo "apk is not on this host" >&2; exit 127; }
exec apk "$@" </dev/null
"""
_STEP = re.compile(r"^\(\d+/\d+\)\s+\S+\s+(\S+)", re.MULTILINE)
_NAME = re.compile(r"[@=<>~].*", re.DOTALL)


def apk(args: Mapping[str, Any], mode: Mode) -> Steps:
    names = [str(each).strip() for each in args["name"] or ()]
    if not all(names):
        raise ModuleFailed("Package name(s) cannot be empty or whitespace-only")
    if args["upgrade"]:
        return (yield from _upgrade(args))
    if not names:
        told = {"changed": True, "msg": "updated repository indexes", "packages": []}
        reply = yield from change(_RUN, *_options(args), "update", foretells=told)
        return {"changed": True, **_output(_good(reply, "could not update package db"), told["msg"])}
    latest = args["state"] == "latest"
    reply = yield from query(
        _LOOK, args["world"], "latest" if latest else "", str(len(names)), *names, *_options(args)
    )
    found = _read(require(reply, "the packages cannot be looked at"))
    if args["state"] in ("absent", "removed"):
        gone = [each for each in names if _NAME.sub("", each) in found["I"]]
        if not gone:
            return {"changed": False, "msg": "package(s) already removed"}
        return (yield from _run(args, ["del", "--purge"], gone, "removed"))
    stale = [each for each in names if _NAME.sub("", each) in found["U"]]
    missing = [each for each in names if not _asked(each, found)]
    if not missing and not stale:
        return {"changed": False, "msg": "package(s) already installed"}
    words = ["add", "--upgrade"] if stale else ["add"]
    return (yield from _run(args, words, list(dict.fromkeys((*missing, *stale))), "installed"))


def _asked(spec: str, found: Mapping[str, set[str]]) -> bool:
    """It stands in world: under this very specification, or by its name where no version is asked for."""
    return spec in found["W"] or (_NAME.sub("", spec) == spec and spec in found["N"])


def _read(reply: RunReply) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {"I": set(), "W": set(), "N": set(), "U": set()}
    for line in text(reply.stdout).splitlines():
        kind, _, name = line.partition("\t")
        if kind == "U":
            name = re.sub(r"-[^-]+-r[0-9]+$", "", name)
        found.get(kind, set()).add(name)
    return found


def _options(args: Mapping[str, Any]) -> list[str]:
    words = ["--no-cache"] if args["no_cache"] else []
    if args["repository"]:
        words += ["--repositories-file", "/dev/null"]
        words += [word for each in args["repository"] for word in ("--repository", str(each))]
    return words


def _run(args: Mapping[str, Any], words: list[str], names: list[str], what: str) -> Steps:
    told = {"changed": True, "msg": f"{what} {names} package(s)", "packages": names}
    fresh = ["--update-cache"] if args["update_cache"] else []
    reply = yield from change(_RUN, *_options(args), *fresh, *words, "--", *names, foretells=told)
    verb = "install" if what == "installed" else "remove"
    return {"changed": True, **_output(_good(reply, f"failed to {verb} {names}"), told["msg"])}


def _upgrade(args: Mapping[str, Any]) -> Steps:
    words = [*_options(args), "upgrade", *["--available"] * args["available"]]
    reply = yield from query(_SIMULATE, *words)
    before = _output(_good(reply, "failed to upgrade packages"), "packages already upgraded")
    if not before["packages"] and not args["update_cache"]:
        return {"changed": False, **before}
    told = {"changed": bool(before["packages"]), "msg": "upgraded packages", "packages": before["packages"]}
    fresh = ["--update-cache"] if args["update_cache"] else []
    reply = yield from change(_RUN, *fresh, *words, foretells=told)
    after = _output(_good(reply, "failed to upgrade packages"), "upgraded packages")
    return {"changed": bool(after["packages"]), **after}


def _good(reply: RunReply, message: str) -> RunReply:
    if reply.exit_code != 0:
        raise ModuleFailed(message, **{k: v for k, v in _output(reply, "").items() if k != "msg"})
    return reply


def _output(reply: RunReply, message: Any) -> Result:
    stdout, stderr = text(reply.stdout), text(reply.stderr)
    return {"msg": message, "packages": _STEP.findall(stdout), "stdout": stdout, "stderr": stderr}


MODULES = {
    "apk": Module(
        Spec(
            "apk",
            {
                "name": Param("list"),
                "state": Param(
                    default="present", choices=("present", "absent", "latest", "installed", "removed")
                ),
                "update_cache": Param("bool"),
                "upgrade": Param("bool"),
                "available": Param("bool", False),
                "no_cache": Param("bool", False),
                "repository": Param("list"),
                "world": Param(default="/etc/apk/world"),
            },
            one_of=("name", "update_cache", "upgrade"),
            exclusive=(("name", "upgrade"),),
        ),
        apk,
    )
}
