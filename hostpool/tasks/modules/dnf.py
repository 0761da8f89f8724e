"""dnf, yum: packages of Fedora, RHEL and their kin are there, at their latest or gone.

Parameters:
    name: packages, with a version (``foo-1.0``, ``foo >= 1.0``), groups (``@name``), files, URLs; ``*``: all
    state: present or installed, latest, absent or removed; without it absent if autoremove, else present
    enablerepo: repositories to use as well
    disablerepo: repositories not to use
    conf_file: the configuration file to use
    disable_gpg_check: do not check signatures
    installroot: the directory to install below
    releasever: the release to install from
    autoremove: remove what was installed for others only; alone, or with state absent
    exclude: packages that are left alone
    skip_broken: leave out what cannot be installed
    update_cache: read the repositories anew before; alone it does only that
    update_only: with state latest, do not install what is not installed
    security: with state latest, only updates for security
    bugfix: with state latest, only updates that mend faults
    enable_plugin: plugins to use
    disable_plugin: plugins not to use
    disable_excludes: ``all``, ``main`` or a repository whose excludes do not count
    validate_certs: check the certificate of a URL
    sslverify: check certificates of repositories
    allow_downgrade: an older version in the place of a newer one
    install_repoquery: no effect, as with the peer
    lock_timeout: seconds to wait while another process holds the lock
    install_weak_deps: install what is only recommended too
    allowerasing: remove installed packages where that is needed
    nobest: older versions will do where the best cannot be installed
    best: the best version or none
    cacheonly: only what is in the cache
    use_backend: dnf4 or dnf5 in the place of the one that is there
Returns: ``results``, ``rc``, ``msg``; ``failures`` where packages could not be installed.
Needs: dnf (4 or 5) or yum, and rpm.
Differs: results name packages as ``Installed: name-version-release.arch`` and ``Removed: ...``, taken from
    what rpm has before and after. Tested with recorded replies.
Source: ansible.builtin.dnf of ansible-core 2.19, man pages dnf(8), dnf5(8), rpm(8).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
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
from hostpool.tasks.modules.rpm_look import CHANGE, LOOK
from hostpool.tasks.modules.rpm_versions import compare, condition, holds
from hostpool.tasks.modules.spec import Param, Spec

_CHECK = "Check mode: No changes made, but would have if not in check mode"
_ALL = ("upgrade-all", "autoremove")
"""Calls that name no packages."""
_NO_MATCH = re.compile(r"(?:No match for argument|No package) ?:? ?(?:\x1b\[[0-9;]*m)?(\S+?)(?:\x1b|\s|$)")


@dataclass(slots=True)
class _Found:
    """``installed``: spec → full names; ``other``: spec → versions of the package that are there instead;
    ``updates``: names of packages that have one."""

    installed: dict[str, list[str]] = field(default_factory=dict)
    other: dict[str, list[str]] = field(default_factory=dict)
    updates: set[str] = field(default_factory=set)


def dnf(args: Mapping[str, Any], mode: Mode) -> Steps:
    names = [str(each).strip() for each in args["name"] if str(each).strip()]
    state = _state(args)
    if not names and not args["autoremove"]:
        return (yield from _cache(args))
    specs = [(condition(each) or (each,))[0] for each in names]
    asked = state if names else "autoremove"
    reply = yield from query(LOOK, *_head(args), asked, str(len(specs)), *specs, *_options(args))
    found = _read(require(reply, "the packages cannot be looked at", rc=1, results=[]))
    groups = _groups(args, state, names, found) if names else {"autoremove": sorted(found.updates)}
    if not any(groups.values()):
        return {"changed": False, "msg": "Nothing to do", "results": [], "rc": 0}
    return (yield from _change(args, groups))


def _cache(args: Mapping[str, Any]) -> Steps:
    if not args["update_cache"]:
        return {"changed": False, "msg": "Nothing to do", "results": [], "rc": 0}
    told = {"changed": False, "msg": "Cache updated", "results": [], "rc": 0}
    words = ["makecache", *_options(args)]
    reply = yield from change(CHANGE, *_head(args), str(len(words)), *words, foretells=told)
    require(reply, "Failed to synchronize repodata", rc=1, results=[])
    return told


def _state(args: Mapping[str, Any]) -> str:
    given = args["state"] or ("absent" if args["autoremove"] else "present")
    return {"installed": "present", "removed": "absent"}.get(given, given)


def _head(args: Mapping[str, Any]) -> list[str]:
    backend = {"dnf4": "dnf", "yum4": "dnf", "dnf5": "dnf5", "dnf": "dnf"}.get(args["use_backend"], "")
    fresh = "fresh" if args["update_cache"] else ""
    return [backend, args["installroot"], str(args["lock_timeout"]), fresh]


def _options(args: Mapping[str, Any]) -> list[str]:
    words = ["-y"]
    for name, option in (
        ("disablerepo", "disablerepo"), ("enablerepo", "enablerepo"), ("exclude", "exclude"),
        ("enable_plugin", "enableplugin"), ("disable_plugin", "disableplugin"),
    ):  # fmt: skip
        words += [f"--{option}={each}" for each in args[name]]
    for name, option in (
        ("disable_gpg_check", "--nogpgcheck"), ("skip_broken", "--skip-broken"),
        ("security", "--security"), ("bugfix", "--bugfix"), ("allowerasing", "--allowerasing"),
        ("cacheonly", "-C"),
    ):  # fmt: skip
        words += [option] if args[name] else []
    if args["conf_file"]:
        words += ["-c", args["conf_file"]]
    if args["installroot"] != "/":
        words.append(f"--installroot={args['installroot']}")
    if args["releasever"]:
        words.append(f"--releasever={args['releasever']}")
    return words + [f"--setopt={key}={value}" for key, value in _settings(args).items()]


def _settings(args: Mapping[str, Any]) -> dict[str, str]:
    found = {
        "clean_requirements_on_remove": str(args["autoremove"]),
        "install_weak_deps": str(args["install_weak_deps"]),
    }
    if args["disable_excludes"]:
        found["disable_excludes"] = args["disable_excludes"]
    if not args["sslverify"] or not args["validate_certs"]:
        found["sslverify"] = "False"
    best = args["best"] if args["nobest"] is None else not args["nobest"]
    return found if best is None else {**found, "best": str(best)}


def _read(reply: RunReply) -> _Found:
    found = _Found()
    for line in text(reply.stdout).splitlines():
        kind, *words = line.split("\t")
        if kind == "I" and len(words) == 2:
            found.installed.setdefault(words[0], []).append(words[1])
        elif kind == "O" and len(words) == 2:
            found.other.setdefault(words[0], []).append(words[1])
        elif kind == "U" and words:
            found.updates.add(words[0].rpartition(".")[0] or words[0])
    return found


def _groups(args: Mapping[str, Any], state: str, names: list[str], found: _Found) -> dict[str, list[str]]:
    """What dnf is told to do: its command → specifications."""
    if state == "absent":
        return {"remove": [each for each in names if _there(each, found)]}
    if "*" in names and state == "latest":
        return {"upgrade-all": sorted(found.updates)}
    missing: list[str] = []
    older: list[str] = []
    for each in names:
        if not _there(each, found):
            (older if _newer(each, found) else missing).append(each)
    downgrade = {"downgrade": older if args["allow_downgrade"] else []}
    if state == "present":
        return {"install": missing, **downgrade}
    stale = [each for each in names if _there(each, found) and _outdated(each, found)]
    return {"install": [] if args["update_only"] else missing, **downgrade, "upgrade": stale}


def _there(spec: str, found: _Found) -> bool:
    wanted = condition(spec)
    if wanted is None:
        return spec in found.installed
    return any(holds(_version(each), wanted[1], wanted[2]) for each in found.installed.get(wanted[0], ()))


def _version(full: str) -> str:
    """``epoch:version-release`` of ``name|epoch:version-release|arch``."""
    return [*full.split("|"), "", ""][1]


def _newer(spec: str, found: _Found) -> bool:
    """A newer version than the one asked for is there."""
    there = [(each.split("|")[0], _version(each)) for each in found.other.get(spec, ())]
    return any(compare(version, spec.removeprefix(f"{name}-")) > 0 for name, version in there)


def _outdated(spec: str, found: _Found) -> bool:
    return any(full.split("|")[0] in found.updates for full in found.installed.get(spec, ()))


def _change(args: Mapping[str, Any], groups: Mapping[str, list[str]]) -> Steps:
    """What changed is what rpm has before and after."""
    words: list[str] = []
    for command, specs in groups.items():
        if specs:
            named = [] if command in _ALL else ["--", *specs]
            call = [command.removesuffix("-all"), *_options(args), *named]
            words += [str(len(call)), *call]
    word = "Removed" if groups.keys() & {"remove", "autoremove"} else "Installed"
    said = [f"{word}: {each}" for specs in groups.values() for each in specs]
    told: Result = {"changed": True, "results": said, "rc": 0, "msg": _CHECK}
    reply = yield from change(CHANGE, *_head(args), *words, foretells=told)
    results = [
        line for line in text(reply.stdout).splitlines() if line.startswith(("Installed: ", "Removed: "))
    ]
    if reply.exit_code != 0:
        output = text(reply.stderr)
        failures = [f"No package {each} available." for each in dict.fromkeys(_NO_MATCH.findall(output))]
        raise ModuleFailed(
            f"Failed to {'remove' if word == 'Removed' else 'install'} some of the specified packages",
            failures=failures or [output.strip()], rc=1, results=results, changed=bool(results),
        )  # fmt: skip
    return {"changed": bool(results), "results": results, "rc": 0, "msg": "" if results else "Nothing to do"}


_PARAMS = {
    "name": Param("list", [], aliases=("pkg",)),
    "state": Param(choices=("absent", "present", "installed", "removed", "latest")),
    "enablerepo": Param("list", []), "disablerepo": Param("list", []), "conf_file": Param(),
    "disable_gpg_check": Param("bool", False), "installroot": Param(default="/"), "releasever": Param(),
    "autoremove": Param("bool", False), "exclude": Param("list", []), "skip_broken": Param("bool", False),
    "update_cache": Param("bool", False, aliases=("expire-cache",)), "update_only": Param("bool", False),
    "security": Param("bool", False), "bugfix": Param("bool", False), "enable_plugin": Param("list", []),
    "disable_plugin": Param("list", []), "disable_excludes": Param(), "validate_certs": Param("bool", True),
    "sslverify": Param("bool", True), "allow_downgrade": Param("bool", False),
    "install_repoquery": Param("bool", True), "lock_timeout": Param("int", 30),
    "install_weak_deps": Param("bool", True), "allowerasing": Param("bool", False), "nobest": Param("bool"),
    "best": Param("bool"), "cacheonly": Param("bool", False),
    "use_backend": Param(
        default="auto", choices=("auto", "yum", "dnf", "yum4", "dnf4", "dnf5"), aliases=("use",)
    ),
}  # fmt: skip
_REFUSED = {
    "list": "package_facts tells what is installed",
    "download_only": "packages are installed, not only downloaded",
    "download_dir": "packages are installed, not only downloaded",
}
MODULES = {
    name: Module(Spec(name, _PARAMS, refused=_REFUSED, exclusive=(("best", "nobest"),)), dnf)
    for name in ("dnf", "yum")
}
