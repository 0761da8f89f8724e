"""reboot: the host has booted anew, and answers.

Parameters:
    pre_reboot_delay: seconds before it goes down
    post_reboot_delay: seconds after the command before it is first asked
    reboot_timeout: seconds until it has booted, and as many until test_command succeeds
    connect_timeout: seconds one attempt to log in may take, if that is less than the run's own limit
    test_command: what must succeed before the next task
    msg: what its users are told
    boot_time_command: what prints something else after each boot
    reboot_command: what reboots it, by name or path, with its words; then msg and pre_reboot_delay go
        unused, as there
    search_paths: where shutdown(8) is looked for
Returns: ``rebooted``, ``elapsed``
Needs: shutdown(8) or reboot(8); who may call it: become.
Differs: a new login must work before anything is done; without shutdown in search_paths reboot is looked
for; seconds of pre_reboot_delay that make no whole minute are waited for.
Source: ansible.builtin.reboot of ansible-core 2.19, man pages shutdown(8), proc(5)
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

from hostpool.errors import HostError, Lost, TaskFailed, Unreachable
from hostpool.tasks.base import Moment, Outcome, Reconnect, Request, Sleep
from hostpool.tasks.modules.base import Mode, Module, ModuleFailed, Result, Steps, query, text
from hostpool.tasks.modules.spec import Param, Spec
from hostpool.tasks.reboot import BOOT_ID, LONGEST_PAUSE, Reboot

_SHUTDOWN = r"""
hp_minutes=$1 hp_message=$2; shift 2
[ "$hp_minutes" = 0 ] && hp_when=now || hp_when=+$hp_minutes
for hp_place; do
  if [ -x "$hp_place/shutdown" ]; then exec "$hp_place/shutdown" -r "$hp_when" "$hp_message"; fi; done
for hp_place; do
  if [ -x "$hp_place/reboot" ]; then sleep $((hp_minutes * 60)); exec "$hp_place/reboot"; fi; done
echo "Unable to find command shutdown in search paths: $*" >&2
exit 127
"""
_COMMAND = 'PATH=$2:$PATH; export PATH; exec /bin/sh -c "$1"\n'
_TEST = 'exec /bin/sh -c "$1"\n'
_LOGIN = 60.0
"""Seconds for the login before."""


def reboot(args: Mapping[str, Any], mode: Mode) -> Steps:
    _check(args)
    yield from _reachable()
    before = 0 if args["reboot_command"] else int(args["pre_reboot_delay"])
    if not mode.check and before % 60:
        yield from Sleep(seconds=before % 60)
    done: Result = {"changed": True, "elapsed": 0, "rebooted": True}
    began = yield from Moment()
    outcome = yield from _task(args, before, done).steps()
    now = yield from Moment()
    if outcome.status != "changed":
        raise _failure(outcome, int(now - began))
    yield from _answers(args, began)
    now = yield from Moment()
    return {**done, "elapsed": int(now - began)}


def _check(args: Mapping[str, Any]) -> None:
    for key in ("pre_reboot_delay", "post_reboot_delay", "reboot_timeout", "connect_timeout"):
        if args[key] is not None and args[key] < 0:
            raise ModuleFailed(f"{key} cannot be less than 0")


def _reachable() -> Generator[Request[Any], Any, None]:
    try:
        yield from Reconnect(within=_LOGIN)
    except TaskFailed as error:
        raise ModuleFailed(
            "Running reboot with local connection would reboot the control node.", rebooted=False, elapsed=0
        ) from error
    except Unreachable as error:
        raise ModuleFailed(
            f"it was not rebooted, since a new login did not work: {error}", rebooted=False, elapsed=0
        ) from error


def _task(args: Mapping[str, Any], before: int, done: Result) -> Reboot:
    places = [str(place) for place in args["search_paths"]]
    if args["reboot_command"]:
        command, words = _COMMAND, [args["reboot_command"], ":".join(places)]
    else:
        command, words = _SHUTDOWN, [str(before // 60), args["msg"], *places]
    return Reboot(
        command=command, args=tuple(words), boot_id_command=args["boot_time_command"] or BOOT_ID,
        timeout=float(args["reboot_timeout"]), settle=float(args["post_reboot_delay"]),
        attempt=args["connect_timeout"], foretold=done,
    )  # fmt: skip


def _failure(outcome: Outcome, elapsed: int) -> ModuleFailed:
    error = outcome.error
    assert error is not None
    said = ""
    if outcome.reply is not None:
        said = (text(outcome.reply.stderr) or text(outcome.reply.stdout)).strip()
    down = error.kind in ("not_rebooted", "not_back")
    return ModuleFailed(f"{error.message}{said and ': ' + said}", rebooted=down, elapsed=elapsed)


def _answers(args: Mapping[str, Any], began: float) -> Generator[Request[Any], Any, None]:
    """Raises ModuleFailed once reboot_timeout has passed."""
    start = yield from Moment()
    pause = 1.0
    while True:
        try:
            reply = yield from query(_TEST, args["test_command"])
            if reply.exit_code == 0:
                return
            said = (text(reply.stderr) or text(reply.stdout)).strip() or f"exit status {reply.exit_code}"
        except (Unreachable, Lost) as error:
            said = error.message
        now = yield from Moment()
        if now - start + pause > args["reboot_timeout"]:
            raise ModuleFailed(
                f"rebooted, but the test command does not succeed within {args['reboot_timeout']} s: {said}",
                rebooted=True, elapsed=int(now - began),
            )  # fmt: skip
        yield from Sleep(seconds=pause)
        pause = min(LONGEST_PAUSE, pause * 1.5)
        try:
            yield from Reconnect(within=float(args["connect_timeout"] or LONGEST_PAUSE))
        except HostError:
            continue


MODULES = {
    "reboot": Module(
        Spec(
            "reboot",
            {
                "pre_reboot_delay": Param("int", 0, aliases=("pre_reboot_delay_sec",)),
                "post_reboot_delay": Param("int", 0, aliases=("post_reboot_delay_sec",)),
                "reboot_timeout": Param("int", 600, aliases=("reboot_timeout_sec",)),
                "connect_timeout": Param("int", aliases=("connect_timeout_sec",)),
                "test_command": Param(default="whoami"),
                "msg": Param(default="Reboot initiated by Ansible"),
                "boot_time_command": Param(),
                "reboot_command": Param(),
                "search_paths": Param("list", ("/sbin", "/bin", "/usr/sbin", "/usr/bin", "/usr/local/sbin")),
            },
        ),
        reboot,
    )
}
