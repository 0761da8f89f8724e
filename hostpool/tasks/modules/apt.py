"""apt: packages of Debian and Ubuntu are there, in which version, or gone; lists are current.

Parameters:
    name: packages, with ``=version`` or ``>=version``, both with shell patterns; ``*`` with state latest: all
    state: build-dep installs what building needs, fixed also mends broken dependencies
    update_cache: update the lists before
    update_cache_retries: attempts to update the lists
    update_cache_retry_max_delay: most seconds between two attempts
    cache_valid_time: seconds for which lists are current; asks for an update if they are older
    purge: with state absent or autoremove, configuration files go too
    deb: a package file of the host or a URL, several with commas
    default_release: the release that is preferred, as ``apt-get -t``
    install_recommends: install recommended packages too; without it, as the host is set up
    force: all of the allow_ parameters at once
    allow_unauthenticated: packages whose origin cannot be checked
    allow_downgrade: an older version in the place of a newer one
    allow_change_held_packages: packages on hold too
    upgrade: all packages; dist and full may remove some for it
    dpkg_options: options of dpkg without their dashes, with commas
    autoremove: remove what was installed for others only and is not needed any more
    autoclean: delete downloaded packages that can no longer be downloaded
    clean: delete all downloaded packages
    fail_on_autoremove: fail rather than remove a package
    policy_rc_d: what /usr/sbin/policy-rc.d exits with meanwhile; 101: services are not started
    only_upgrade: do not install what is not installed
    force_apt_get: no effect: apt-get is always used, never aptitude
    lock_timeout: seconds to wait while another process holds apt's or dpkg's lock
    auto_install_module_deps: no effect: no Python is needed on the host
Returns: ``cache_updated``, ``cache_update_time``, ``stdout``, ``stderr``, ``stdout_lines``,
    ``stderr_lines``, ``diff``; ``msg`` and ``rc`` where apt-get failed.
Needs: apt-get, apt-cache, dpkg-query, awk; for a URL curl or wget, or apt-helper.
Differs: lists that must be updated cost a round trip more; ``clean`` and virtual packages that another one
    provides are changed only if something changes; ``upgrade`` never uses aptitude; ``deb`` is
    installed by apt-get with what it depends on.
Source: ansible.builtin.apt of ansible-core 2.19, man pages apt-get(8), apt-cache(8), dpkg-query(1).
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

from hostpool.tasks.base import Request
from hostpool.tasks.modules import apt_get
from hostpool.tasks.modules.apt_choice import expanded, split, to_install, to_remove
from hostpool.tasks.modules.apt_deb import deb
from hostpool.tasks.modules.apt_state import LOOK, UPDATE_AND_LOOK, AptState, read
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

_CLEAN = apt_get.APT + r"""
if [ "$1" = look ]; then
  find /var/cache/apt/archives -type f ! -name lock 2>/dev/null | head -n 1
else hp_apt "$2" apt-get clean; fi
"""  # fmt: skip
_CHANGES = {"autoremove": "The following packages will be REMOVED", "autoclean": "Del "}


def apt(args: Mapping[str, Any], mode: Mode) -> Steps:
    names = [str(each).strip() for each in args["name"] or () if each != "*"]
    everything = "*" in (args["name"] or ())
    if everything and args["state"] == "latest" and names:
        raise ModuleFailed("unable to install additional packages when upgrading all installed packages")
    wrong = next((each for each in names if each.count("=") > 1), None)
    if wrong is not None:
        raise ModuleFailed(f"invalid package spec: {wrong}")
    alone = not args["name"] and args["upgrade"] in (None, "no") and not args["deb"]
    if args["clean"]:
        cleaned = yield from _clean(args, mode, alone)
        if alone:
            return cleaned
    if args["upgrade"] not in (None, "no"):
        return (yield from _upgrade(args, mode, args["upgrade"]))
    if everything and args["state"] == "latest":
        return (yield from _upgrade(args, mode, "yes"))
    if args["deb"]:
        return (yield from deb(args, mode))
    if alone and not _updating(args):
        return (yield from _cleanup(args, mode))
    return (yield from _packages(args, mode, names, alone))


def _packages(args: Mapping[str, Any], mode: Mode, names: list[str], alone: bool) -> Steps:
    words = ["all" if _needs_versions(args, names) else "some", args["default_release"] or ""]
    words += dict.fromkeys(split(each)[0] for each in names if args["state"] != "build-dep")
    reply = yield from query(LOOK, *words)
    state = read(require(reply, "the packages cannot be looked at").stdout)
    due = _due(args, state.now, state.updated)
    base: Result = {"cache_updated": due, "cache_update_time": state.updated}
    if due and (not mode.check or alone):
        told = {"changed": alone, **base}
        reply = yield from change(UPDATE_AND_LOOK, *apt_get.update_args(args), *words, foretells=told)
        before, state = state, read(apt_get.updated(reply).stdout)
        base = {"cache_updated": before.updated != state.updated, "cache_update_time": state.updated}
    if alone:
        return {"changed": base["cache_updated"], **base}
    if args["state"] == "absent":
        return (yield from _remove(args, mode, names, state))
    return (yield from _install(args, mode, names, state, base))


def _updating(args: Mapping[str, Any]) -> bool:
    return bool(args["update_cache"] or args["cache_valid_time"])


def _due(args: Mapping[str, Any], now: int, updated: int) -> bool:
    return _updating(args) and updated + args["cache_valid_time"] < now


def _needs_versions(args: Mapping[str, Any], names: list[str]) -> bool:
    return args["state"] in ("latest", "build-dep", "fixed") or any("=" in each for each in names)


def _install(args: Mapping[str, Any], mode: Mode, names: list[str], state: AptState, base: Result) -> Steps:
    if args["state"] == "build-dep":
        return (yield from _build_dep(args, mode, names, base))
    wanted = expanded(names, state)
    specs = [spec for each in wanted if (spec := to_install(args, each, state, base)) is not None]
    automatic = [name for each in wanted if (name := split(each)[0]) in state.automatic]
    if not specs:
        if automatic:
            told = {"changed": False, **base}
            reply = yield from change(_MARK, str(args["lock_timeout"]), *automatic, foretells=told)
            require(reply, "the packages could not be marked as manually installed")
        return {"changed": False, **base}
    words = apt_get.options(args)
    words += [
        word
        for word, given in (
            ("--only-upgrade", args["only_upgrade"]),
            ("--fix-broken", args["state"] == "fixed"),
            ("--auto-remove", args["autoremove"]),
            ("--no-remove", args["fail_on_autoremove"]),
        )
        if given
    ]
    words += [*_release(args), *_recommends(args), *apt_get.forced(args), "install", "--", *specs]
    return (yield from apt_get.performed(args, mode, words, base, manual=automatic))


_MARK = apt_get.APT + 'wait=$1; shift; hp_apt "$wait" apt-mark manual -- "$@"\n'


def _release(args: Mapping[str, Any]) -> list[str]:
    return ["-t", args["default_release"]] if args["default_release"] else []


def _recommends(args: Mapping[str, Any]) -> list[str]:
    if args["install_recommends"] is None:
        return []
    return ["-o", f"APT::Install-Recommends={'yes' if args['install_recommends'] else 'no'}"]


def _build_dep(args: Mapping[str, Any], mode: Mode, names: list[str], base: Result) -> Steps:
    words = [*apt_get.options(args), *_release(args), *_recommends(args), *apt_get.forced(args)]
    words += ["--no-remove"] * args["fail_on_autoremove"] + ["build-dep", "--", *names]
    reply = yield from apt_get.simulated(words)
    _, output = apt_get.times(apt_get.checked(reply, words).stdout)
    if apt_get.NOTHING in output:
        return {"changed": False, **base, "stdout": output, "stderr": text(reply.stderr)}
    return (yield from apt_get.performed(args, mode, words, base))


def _remove(args: Mapping[str, Any], mode: Mode, names: list[str], state: AptState) -> Steps:
    gone = [each for each in expanded(names, state) if to_remove(each, state, args["purge"])]
    if not gone:
        return {"changed": False}
    words = ["-q", *apt_get.options(args)]
    words += ["--purge"] * args["purge"] + ["--auto-remove"] * args["autoremove"]
    return (
        yield from apt_get.performed(args, mode, [*words, *apt_get.forced(args), "remove", "--", *gone], {})
    )


def _upgrade(args: Mapping[str, Any], mode: Mode, how: str) -> Steps:
    words = [*apt_get.options(args), *["--no-remove"] * args["fail_on_autoremove"], *apt_get.forced(args)]
    words += ["--auto-remove"] * args["autoremove"] + _release(args)
    words += ["dist-upgrade"] if how in ("dist", "full") else ["upgrade", "--with-new-pkgs"]
    reply = yield from apt_get.simulated(words)
    (now, then), output = apt_get.times(apt_get.checked(reply, words).stdout)
    if _due(args, now, then) and not mode.check:
        reply = yield from apt_get.simulated(words, apt_get.update_args(args))
        (_, output) = apt_get.times(apt_get.checked(apt_get.updated(reply), words).stdout)
    if apt_get.NOTHING in output:
        return {"changed": False, "msg": output, "stdout": output, "stderr": text(reply.stderr)}
    result: Result = yield from apt_get.performed(args, mode, words, {})
    return {**result, "msg": result["stdout"]}


def _cleanup(args: Mapping[str, Any], mode: Mode) -> Steps:
    """autoclean or autoremove; the first of both that is asked for, as the peer has it."""
    if not args["autoclean"] and not args["autoremove"]:
        return {"changed": False}
    operation = "autoclean" if args["autoclean"] else "autoremove"
    words = [*apt_get.options(args), *["--purge"] * args["purge"], *apt_get.forced(args), operation]
    reply = yield from apt_get.simulated(words)
    _, output = apt_get.times(apt_get.checked(reply, words).stdout)
    if _CHANGES[operation] not in output:
        return {"changed": False, "stdout": output, "stderr": text(reply.stderr)}
    return (yield from apt_get.performed(args, mode, words, {}))


def _clean(args: Mapping[str, Any], mode: Mode, alone: bool) -> Generator[Request[Any], Any, Result]:
    told: Result = {"changed": True, "msg": "", "stdout": "", "stderr": ""}
    found = yield from query(_CLEAN, "look")
    if not require(found, "apt-get clean failed").stdout.strip():
        return {**told, "changed": False}
    if alone or not mode.check:
        done = yield from change(_CLEAN, "clean", str(args["lock_timeout"]), foretells=told)
        require(done, "apt-get clean failed")
    return told


MODULES = {
    "apt": Module(
        Spec(
            "apt",
            {
                "name": Param("list", aliases=("pkg", "package")),
                "state": Param(
                    default="present", choices=("absent", "build-dep", "fixed", "latest", "present")
                ),
                "update_cache": Param("bool", False, aliases=("update-cache",)),
                "update_cache_retries": Param("int", 5),
                "update_cache_retry_max_delay": Param("int", 12),
                "cache_valid_time": Param("int", 0),
                "purge": Param("bool", False),
                "deb": Param("path"),
                "default_release": Param(aliases=("default-release",)),
                "install_recommends": Param("bool", aliases=("install-recommends",)),
                "force": Param("bool", False),
                "allow_unauthenticated": Param("bool", False, aliases=("allow-unauthenticated",)),
                "allow_downgrade": Param(
                    "bool", False, aliases=("allow-downgrade", "allow_downgrades", "allow-downgrades")
                ),
                "allow_change_held_packages": Param("bool", False),
                "upgrade": Param(choices=("dist", "full", "no", "safe", "yes")),
                "dpkg_options": Param(default="force-confdef,force-confold"),
                "autoremove": Param("bool", False),
                "autoclean": Param("bool", False),
                "clean": Param("bool", False),
                "fail_on_autoremove": Param("bool", False),
                "policy_rc_d": Param("int"),
                "only_upgrade": Param("bool", False),
                "force_apt_get": Param("bool", False),
                "lock_timeout": Param("int", 60),
                "auto_install_module_deps": Param("bool", True),
            },
            exclusive=(("deb", "name"), ("deb", "upgrade"), ("name", "upgrade")),
        ),
        apt,
    )
}
