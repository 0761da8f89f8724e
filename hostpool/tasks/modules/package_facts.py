"""package_facts: what packages are installed, as the fact ``packages``.

Parameters:
    manager: whose packages: apt, rpm (also by the names dnf, yum, zypper) or apk; auto: whatever is there
    strategy: with several managers only the first that has packages, or all
Returns: ``ansible_facts.packages``: name → a list of ``name version source`` and, as the manager has them,
    ``arch release epoch category origin``.
Needs: dpkg-query and apt-cache, rpm, or apk.
Differs: pacman, portage and the package managers of BSD are not supported. rpm and apk are
    tested with recorded replies.
Source: ansible.builtin.package_facts of ansible-core 2.19, man pages dpkg-query(1), apt-cache(8), rpm(8).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hostpool.tasks.modules.base import (
    Mode,
    Module,
    ModuleFailed,
    Result,
    Steps,
    query,
    require,
    sections,
)
from hostpool.tasks.modules.spec import Param, Spec

_MANAGERS = {
    "apk": "apk", "apt": "apt", "rpm": "rpm", "dnf": "rpm", "dnf5": "rpm", "yum": "rpm", "zypper": "rpm",
}  # fmt: skip
_LARGEST = 8 << 20
_LOOK = r"""
export LC_ALL=C
first=$1; shift
list_apt() { # O: where a source comes from; I: a package's source; P: the packages
  apt-cache policy | awk '/^ *-?[0-9]+ / { sub(/^ *-?[0-9]+ /, ""); source = $0 }
    /^ +release / { origin = ""; n = split($2, part, ",")
      for (i = 1; i <= n; i++) if (part[i] ~ /^o=/) origin = substr(part[i], 3)
      print "O\t" source "\t" origin }'
  set -- $(dpkg-query -W -f '${binary:Package}\n')
  apt-cache policy -- "$@" | awk '/^[^ ]/ { name = substr($0, 1, length($0) - 1); here = 0 }
    /^ \*\*\* / { here = 1; next }
    here && /^ +-?[0-9]+ / { sub(/^ +-?[0-9]+ /, ""); print "I\t" name "\t" $0; here = 0 }'
  format='P\t${db:Status-Status}\t${Package}\t${binary:Package}\t${Architecture}\t${Version}\t${Section}\n'
  dpkg-query -W -f "$format" | grep '^P.installed.'
  printf 'N\t%s\n' "$(dpkg --print-architecture)"
}
list_rpm() {
  rpm -qa --qf 'P\t%{NAME}\t%{VERSION}\t%{RELEASE}\t%{EPOCH}\t%{ARCH}\n'
}
list_apk() { apk info -v 2>/dev/null | sed 's/^/P	/'; }
for each do
  case $each in
    apt) command -v dpkg-query >/dev/null && command -v apt-cache >/dev/null ;;
    *) command -v "$each" >/dev/null ;;
  esac || continue
  packages=$("list_$each") || exit
  case $packages in *P*) ;; *) continue ;; esac
  printf '\001%s\n%s\n' "$each" "$packages"
  [ -z "$first" ] || break
done
"""


def package_facts(args: Mapping[str, Any], mode: Mode) -> Steps:
    asked = list(args["manager"])
    names = [each for each in asked if each != "auto"] + (["apk", "apt", "rpm"] if "auto" in asked else [])
    managers = list(dict.fromkeys(_MANAGERS[each] for each in names))
    first = "first" if args["strategy"] == "first" else ""
    reply = yield from query(_LOOK, first, *managers, most=_LARGEST)
    packages: dict[str, list[Result]] = {}
    for manager, output in sections(require(reply, "the packages cannot be listed").stdout):
        if manager not in _READERS:
            raise ModuleFailed("the host's answer cannot be read")
        for package in _READERS[manager]([line.split("\t") for line in output.splitlines()]):
            packages.setdefault(package["name"], []).append({**package, "source": manager})
    if not packages:
        raise ModuleFailed(
            f"Could not detect a supported package manager from the following list: {managers}"
        )
    return {"changed": False, "ansible_facts": {"packages": packages}}


def _apt(lines: list[list[str]]) -> list[Result]:
    """A package of another architecture than the host's goes by ``name:arch``."""
    native = next((line[1] for line in lines if line[0] == "N"), "")
    origins = {line[1]: line[2] for line in lines if line[0] == "O" and len(line) == 3}
    sources = {line[1]: line[2] for line in lines if line[0] == "I" and len(line) == 3}
    found = []
    for line in lines:
        if line[0] != "P" or len(line) != 7:
            continue
        _, _, base, full, arch, version, section = line
        name = base if arch in (native, "all") else f"{base}:{arch}"
        origin = origins.get(sources.get(full, sources.get(base, "")), "")
        found.append({"name": name, "version": version, "arch": arch, "category": section, "origin": origin})
    return found


def _rpm(lines: list[list[str]]) -> list[Result]:
    return [
        {"name": name, "version": version, "release": release, "arch": arch,
         "epoch": None if epoch == "(none)" else epoch}
        for _, name, version, release, epoch, arch in (line for line in lines if len(line) == 6)
    ]  # fmt: skip


def _apk(lines: list[list[str]]) -> list[Result]:
    found: list[Result] = []
    for _, full in (line for line in lines if len(line) == 2):
        name, *rest = full.rsplit("-", 2)
        version, release = rest if len(rest) == 2 else ("", "")
        found.append({"name": name if rest else full, "version": version, "release": release})
    return found


_READERS = {"apt": _apt, "rpm": _rpm, "apk": _apk}
MODULES = {
    "package_facts": Module(
        Spec(
            "package_facts",
            {
                "manager": Param("list", ["auto"], choices=("auto", *_MANAGERS)),
                "strategy": Param(default="first", choices=("first", "all")),
            },
        ),
        package_facts,
    )
}
