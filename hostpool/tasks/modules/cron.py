"""cron: a job or a variable of a crontab is there, as wanted, or gone.

Parameters:
    name: what the job is called, in a line above it; of a variable its name
    job: the command; of a variable its value; one line
    user: whose crontab, or with cron_file who runs the job
    cron_file: this file instead, below /etc/cron.d if it is no absolute path; one without a job is removed
    minute: 0-59, *, */2 and so on
    hour: 0-23, *, */2 and so on
    day: of the month, 1-31, *, */2 and so on
    month: 1-12, *, */2 and so on
    weekday: 0-6 for Sunday to Saturday, * and so on
    special_time: instead of all these
    disabled: the job's line is commented out
    env: a variable, not a job
    insertafter: a new variable is put below this one
    insertbefore: a new variable is put above this one; without both, on top
    state: present or absent
    backup: what was there is kept below /tmp
Returns: ``jobs``, ``envs``, ``cron_file``, ``backup_file``
Needs: crontab(1), unless there is a cron_file.
Differs: a line break in any of them is refused: the rest would be lines of their own.
Source: ansible.builtin.cron of ansible-core 2.19, man pages crontab(1), crontab(5)
"""

from __future__ import annotations

import posixpath
import re
import secrets
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
from hostpool.tasks.modules.crontab_lines import Crontab, without_header
from hostpool.tasks.modules.editing import Found, look
from hostpool.tasks.modules.paths import Attributes
from hostpool.tasks.modules.services import TOOLS
from hostpool.tasks.modules.spec import Param, Spec
from hostpool.tasks.modules.writing import Content, write

_WHOSE = TOOLS + r"""
command -v crontab >/dev/null 2>&1 || { echo "crontab is not on the host: install cron" >&2; exit 1; }
hp_user=$1; shift
hp_crontab() {
  if [ -n "$hp_user" ] && [ "$hp_user" != "$(id -un)" ]; then crontab -u "$hp_user" "$@"
  else crontab "$@"
  fi
}
"""  # fmt: skip
_READ = _WHOSE + "hp_crontab -l; printf '\\n\\001%s\\n' $?\n"
_WRITE = _WHOSE + r"""
hp_file=$(mktemp "${TMPDIR:-/tmp}/crontab.XXXXXXXX") || exit 1
trap 'rm -f "$hp_file"' EXIT
trap 'exit 129' HUP; trap 'exit 130' INT; trap 'exit 143' TERM
cat > "$hp_file"
[ "$(wc -c < "$hp_file")" -eq "$1" ] || { echo "the new crontab did not arrive whole" >&2; exit 1; }
if [ -n "$2" ]; then umask 077; (set -C; hp_crontab -l > "$2" 2>/dev/null) || [ -e "$2" ] || exit 1; fi
hp_crontab "$hp_file"
"""  # fmt: skip
_REMOVE = 'rm -f -- "$1"\n'
_TIMES = ("minute", "hour", "day", "month", "weekday")


def cron(args: Mapping[str, Any], mode: Mode) -> Steps:
    _check(args)
    found: Found | None = None
    if args["cron_file"]:
        found = yield from look(posixpath.join("/etc/cron.d", args["cron_file"]))
        before = found.text
    else:
        before = _read((yield from query(_READ, args["user"] or "")))
    table = Crontab.of(before)
    changed = _applied(args, table)
    result: Result = {"changed": changed, "jobs": table.jobs(), "envs": table.variables()}
    if args["cron_file"]:
        result["cron_file"] = args["cron_file"]
        if not re.fullmatch(r"[A-Za-z0-9_-]+", posixpath.basename(args["cron_file"])):
            result["warnings"] = ["cron may ignore a file whose name has other than letters, digits, _ and -"]
    gone = args["state"] == "absent" and not args["env"] and table.empty
    if found is not None and changed and gone:
        return (yield from _removed(args, mode, found))
    if not changed and before and not before.endswith("\n"):
        result["changed"] = True
    if not result["changed"]:
        return result
    return (yield from _written(args, mode, found, before, table.text(), result))


def _check(args: Mapping[str, Any]) -> None:
    """Raises ModuleFailed."""
    for key in ("name", "job", "user", "cron_file", *_TIMES):
        value = str(args[key] or "").strip("\r\n") if key == "job" else str(args[key] or "")
        if "\n" in value or "\r" in value:
            raise ModuleFailed(f"{key} has a line break, and a line of a crontab has none")
    if args["cron_file"] == "/etc/crontab":
        raise ModuleFailed("Will not manage /etc/crontab via cron_file, see documentation.")
    if args["special_time"] and any(args[key] != "*" for key in _TIMES):
        raise ModuleFailed("You cannot combine special_time with any of the time or day/date parameters.")
    if args["env"] and " " in args["name"]:
        raise ModuleFailed("Invalid name for environment variable")
    if args["state"] == "absent":
        return
    if args["cron_file"] and not args["user"]:
        raise ModuleFailed("To use cron_file=... parameter you must specify user=... as well")
    if args["job"] is None:
        raise ModuleFailed("You must specify 'job' to install a new cron job or variable")
    if (args["insertafter"] or args["insertbefore"]) and not args["env"]:
        raise ModuleFailed("Insertafter and insertbefore parameters are valid only with env=yes")


def _read(reply: RunReply) -> str:
    """A crontab as it is to be written again. Exit status 1 may mean that there is none."""
    require(reply, "the crontab could not be read")
    content, _, code = reply.stdout.rpartition(b"\n\x01")
    if code.strip() not in (b"0", b"1"):
        raise ModuleFailed(f"Unable to read crontab: {text(reply.stderr).strip()}")
    if reply.stdout_truncated:
        raise ModuleFailed("the crontab is too large to be edited")
    return without_header(content.decode("utf-8", "surrogateescape"))


def _applied(args: Mapping[str, Any], table: Crontab) -> bool:
    name = args["name"]
    if args["env"]:
        if args["state"] == "absent":
            return table.remove_variable(name)
        try:
            line = f'{name}="{args["job"]}"'
            return table.set_variable(name, line, args["insertafter"], args["insertbefore"])
        except KeyError as error:
            raise ModuleFailed(f"Variable named '{error.args[0]}' not found.") from error
    if args["state"] == "absent":
        return table.remove_job(name)
    return table.set_job(name, _line(args))


def _line(args: Mapping[str, Any]) -> str:
    words = [f"@{args['special_time']}"] if args["special_time"] else [args[key] for key in _TIMES]
    if args["cron_file"]:
        words.append(args["user"])
    return ("#" if args["disabled"] else "") + " ".join([*words, args["job"].strip("\r\n")])


def _removed(args: Mapping[str, Any], mode: Mode, found: Found) -> Steps:
    result: Result = {"changed": True, "cron_file": args["cron_file"], "state": "absent"}
    if mode.diff:
        result["diff"] = _diff(found.path, found.text, "", "/dev/null")
    reply = yield from change(_REMOVE, found.path, foretells=result)
    require(reply, f"{found.path} could not be removed")
    return result


def _written(
    args: Mapping[str, Any], mode: Mode, found: Found | None, before: str, after: str, result: Result
) -> Steps:
    backup = f"/tmp/crontab{secrets.token_hex(4)}" if args["backup"] and not mode.check else ""
    if backup and (found is None or found.info.exists):
        result["backup_file"] = backup
    owner = f'crontab for user "{args["user"]}"' if args["user"] else "crontab"
    header = found.path if found is not None else owner
    if mode.diff:
        result["diff"] = _diff(header, before, after, header)
    content = Content.of(after.encode("utf-8", "surrogateescape"))
    if found is not None:
        yield from write(found.path, found.info, content, Attributes(), {}, result)
        return result
    words = (args["user"] or "", str(content.size), backup)
    reply = yield from change(_WRITE, *words, foretells=result, stdin=content.data)
    require(reply, "Failed to install new cronfile", rc=reply.exit_code, stderr=text(reply.stderr))
    return result


def _diff(header: str, before: str, after: str, after_header: str) -> Result:
    return {"before": before, "after": after, "before_header": header, "after_header": after_header}


MODULES = {
    "cron": Module(
        Spec(
            "cron",
            {
                "name": Param(required=True),
                "job": Param(aliases=("value",)),
                "user": Param(),
                "cron_file": Param("path"),
                "minute": Param(default="*"),
                "hour": Param(default="*"),
                "day": Param(default="*", aliases=("dom",)),
                "month": Param(default="*"),
                "weekday": Param(default="*", aliases=("dow",)),
                "special_time": Param(
                    choices=("reboot", "yearly", "annually", "monthly", "weekly", "daily", "hourly")
                ),
                "disabled": Param("bool", False),
                "env": Param("bool", False),
                "insertafter": Param(),
                "insertbefore": Param(),
                "state": Param(default="present", choices=("present", "absent")),
                "backup": Param("bool", False),
            },
            exclusive=(("insertafter", "insertbefore"),),
        ),
        cron,
    )
}
