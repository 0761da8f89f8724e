"""A package file of the host, or behind a URL, installed with what it depends on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hostpool.tasks.modules import apt_get
from hostpool.tasks.modules.base import Mode, ModuleFailed, Steps, query, require, text
from hostpool.tasks.modules.debian_versions import compare

_LOOK = apt_get.APT + r"""
keep=$1; shift
for item do
  case $item in
    *://*) file=$(mktemp /tmp/hostpool-XXXXXXXX.deb) || exit
      hp_download "$item" "$file" || { rm -f "$file"; echo "$item cannot be downloaded" >&2; exit 1; }
      chmod 644 "$file" ;;
    /*) file=$item ;;
    *) file=./$item ;;
  esac
  shown=$(dpkg-deb --show --showformat '${Package}\t${Version}\t${Architecture}' -- "$file") || exit
  name=$(dpkg-deb --field "$file" Package)
  there=$(dpkg-query -W -f '${Architecture} ${Status} ${Version}\n' -- "$name" 2>/dev/null |
    awk '$4 == "installed" { printf "%s\t%s\t", $1, $5 }')
  printf '%s\t%s\t%s\n' "$file" "$shown" "$there"
  case $item in *://*) [ -n "$keep" ] || rm -f "$file" ;; esac
done
"""  # fmt: skip


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    name: str
    version: str
    installed: str | None


def deb(args: Mapping[str, Any], mode: Mode) -> Steps:
    if args["state"] != "present":
        raise ModuleFailed("deb only supports state=present")
    items = [each.strip() for each in args["deb"].split(",") if each.strip()]
    reply = yield from query(_LOOK, "" if mode.check else "keep", *items)
    files = [_file(line) for line in text(require(reply, "Unable to install package").stdout).splitlines()]
    new = [each for each in files if each.installed is None or compare(each.version, each.installed) != 0]
    if not new:
        return {"changed": False, "stdout": "", "stderr": "", "diff": ""}
    if not args["allow_downgrade"] and not args["force"]:
        for each in new:
            if each.installed is not None and compare(each.version, each.installed) < 0:
                raise ModuleFailed("A later version is already installed")
    words = [*apt_get.options(args), *["--no-remove"] * args["fail_on_autoremove"]]
    if args["install_recommends"] is not None:
        words += ["-o", f"APT::Install-Recommends={'yes' if args['install_recommends'] else 'no'}"]
    words += [*apt_get.forced(args), "install", "--", *(each.path for each in new)]
    fetched = [each.path for each, item in zip(files, items, strict=True) if "://" in item]
    if fetched and mode.check:
        return {"changed": True}
    return (yield from apt_get.performed(args, mode, words, {}, scratch=fetched))


def _file(line: str) -> _File:
    path, name, version, architecture, *there = (line + "\t\t\t").split("\t")
    installed = dict(zip(there[::2], there[1::2], strict=False))
    found = installed.get(architecture) or installed.get("all") or None
    if found is None and architecture == "all":
        found = next((each for each in installed.values() if each), None)
    return _File(path, name, version, found)
