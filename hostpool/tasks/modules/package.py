"""package: packages are there, at their latest or gone, by the package manager that the host has.

Parameters:
    name: packages, as the host's package manager names them
    state: what the package manager's own module takes: present, absent, latest, ...
    use: the module that does it: apt, dnf, yum, apk; auto asks the host
Returns: what that module returns.
Needs: apt-get, dnf, yum or apk.
Differs: the host itself is asked in the same round trip, not its facts; further parameters are those of
    the package manager's module and checked when it is known; zypper and pacman are not supported.
Source: ansible.builtin.package of ansible-core 2.19.
"""

from __future__ import annotations

import importlib
from collections.abc import Generator, Mapping
from typing import Any

import msgspec

from hostpool.tasks.base import Effect, Request, Run, RunReply
from hostpool.tasks.modules.base import Mode, Module, ModuleFailed, Result, Steps, query, require, text
from hostpool.tasks.modules.package_managers import MANAGER, MODULE_OF, unsupported
from hostpool.tasks.modules.spec import BadArgument, Param, Spec, bind

_CHOOSE = r"""
hp_manager; hp_found=$hp_name
while [ $# -gt 0 ]; do
  case $1 in
    *" $hp_found "*)
      hp_count=$2; shift 2; hp_done=0
      while [ "$hp_done" -lt "$hp_count" ]; do set -- "$@" "$1"; shift; hp_done=$((hp_done + 1)); done
      shift $(($# - hp_count)); break ;;
    *) shift $(($2 + 2)) ;;
  esac
done
"""


def package(args: Mapping[str, Any], mode: Mode) -> Steps:
    given = {key: value for key, value in args.items() if key != "use" and value is not None}
    if args["use"] not in ("auto", *MODULE_OF):
        raise ModuleFailed(unsupported(args["use"]))
    if args["use"] != "auto":
        return (yield from _Candidate.of(MODULE_OF[args["use"]], given, mode).whole())
    candidates = {name: _Candidate.of(name, given, mode) for name in dict.fromkeys(MODULE_OF.values())}
    words, programs = [], [MANAGER, _CHOOSE, "case $hp_found in\n"]
    for name, each in candidates.items():
        if each.first is not None:
            managers = [manager for manager, owner in MODULE_OF.items() if owner == name]
            words += [f" {' '.join(managers)} ", str(len(each.first.args)), *each.first.args]
            programs.append(f"{'|'.join(managers)})\n{each.first.program}\n;;\n")
    reply = yield from query("".join((*programs, "esac\n")), *words)
    line, _, rest = reply.stdout.partition(b"\n")
    manager = text(line) if line else text(require(reply, "the package manager is not known").stdout)
    if manager not in MODULE_OF:
        raise ModuleFailed(unsupported(manager or "unknown"))
    return (yield from candidates[MODULE_OF[manager]].rest(msgspec.structs.replace(reply, stdout=rest)))


class _Candidate(msgspec.Struct, frozen=True):
    """A package manager's own module: its first request, made already but not sent; or what is wrong."""

    first: Run | None
    steps: Generator[Request[Any], Any, Result] | None
    failure: Exception | None = None

    @classmethod
    def of(cls, name: str, given: Mapping[str, Any], mode: Mode) -> _Candidate:
        found: Module = importlib.import_module(f"hostpool.tasks.modules.{name}").MODULES[name]
        try:
            steps = found.run(bind(found.spec, given), mode)
            first = next(steps)
        except (BadArgument, ModuleFailed) as failure:
            return cls(None, None, failure)
        except StopIteration:
            return cls(None, None, BadArgument("nothing is asked for: name is empty"))
        assert isinstance(first, Run)
        if first.effect is not Effect.QUERY:  # apk asks nothing where no package is named
            return cls(None, None, BadArgument("nothing is asked for: name is empty"))
        return cls(first, steps)

    def whole(self) -> Steps:
        if self.first is None:
            assert self.failure is not None
            raise self.failure
        return (yield from self.rest((yield self.first)))

    def rest(self, reply: RunReply) -> Steps:
        """From the reply to the first request on."""
        if self.steps is None:
            assert self.failure is not None
            raise self.failure
        try:
            request = self.steps.send(reply)
            while True:
                request = self.steps.send((yield request))
        except StopIteration as end:
            result: Result = end.value
            return result


MODULES = {
    "package": Module(
        Spec(
            "package",
            {
                "name": Param("raw", required=True, aliases=("pkg",)),
                "state": Param(default="present"),
                "use": Param(default="auto"),
            },
            extra=True,
        ),
        package,
    )
}
