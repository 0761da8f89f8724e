"""wait_for: a port opens or closes, a file appears, vanishes or holds a text.

Parameters:
    host: where the port is
    port: the port; it is tried with nc, or with /dev/tcp of bash
    path: the file
    search_regex: what the file is to hold
    state: started and present wait for it to be there, stopped and absent for its end
    delay: seconds to wait first
    timeout: seconds after which it fails
    sleep: seconds between two looks
    connect_timeout: seconds for one try of the port
    msg: what to say when it fails
Returns: ``elapsed``, ``state``, ``port``, ``path``, ``search_regex``, ``match_groups``, ``match_groupdict``
Needs: nc or bash for ports.
Source: ansible.builtin.wait_for of ansible-core 2.19.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hostpool.tasks.base import Sleep
from hostpool.tasks.modules.base import Mode, Module, ModuleFailed, Result, Steps, query, require
from hostpool.tasks.modules.spec import Param, Spec

_PORT = r"""
if command -v nc >/dev/null 2>&1; then
  nc -z -w "$3" -- "$1" "$2" </dev/null >/dev/null 2>&1 && echo open || echo closed
elif command -v bash >/dev/null 2>&1; then
  if command -v timeout >/dev/null 2>&1; then
    timeout "$3" bash -c 'exec 3<>"/dev/tcp/$1/$2"' bash "$1" "$2" 2>/dev/null && echo open || echo closed
  else bash -c 'exec 3<>"/dev/tcp/$1/$2"' bash "$1" "$2" 2>/dev/null && echo open || echo closed; fi
else echo "the host has neither nc nor bash to try a port with" >&2; exit 1; fi
"""
_PATH = r"""
if [ -e "$1" ]; then echo there; [ -z "$2" ] || [ ! -f "$1" ] || cat -- "$1"; else echo gone; fi
"""


def wait_for(args: Mapping[str, Any], mode: Mode) -> Steps:
    if args["delay"]:
        yield from Sleep(seconds=float(args["delay"]))
    spent = float(args["delay"])
    if args["port"] is None and args["path"] is None:
        yield from Sleep(seconds=float(args["timeout"]))
        return {"changed": False, "elapsed": int(spent + args["timeout"]), **_keys(args)}
    while True:
        done, groups = yield from _look(args)
        if done:
            return {"changed": False, "elapsed": int(spent), "match_groups": list(groups),
                    "match_groupdict": {}, **_keys(args)}  # fmt: skip
        if spent >= args["timeout"]:
            raise ModuleFailed(args["msg"] or _message(args), elapsed=int(spent))
        pause = min(float(args["sleep"]) or 0.2, max(0.05, args["timeout"] - spent))
        yield from Sleep(seconds=pause)
        spent += pause


def _keys(args: Mapping[str, Any]) -> Result:
    return {
        "state": args["state"],
        "port": args["port"],
        "path": args["path"],
        "search_regex": args["search_regex"],
    }


def _look(args: Mapping[str, Any]) -> Any:
    """Whether what is waited for has come, and the groups of the text that was looked for."""
    wanted = args["state"] not in ("absent", "stopped")
    if args["port"] is not None:
        reply = yield from query(_PORT, args["host"], str(args["port"]), str(max(1, args["connect_timeout"])))
        return (require(reply, "wait_for").stdout.strip() == b"open") is wanted, ()
    regex = args["search_regex"]
    reply = yield from query(_PATH, args["path"], "text" if regex else "")
    state, _, content = require(reply, "wait_for").stdout.partition(b"\n")
    if state != b"there" or not regex or not wanted:
        return (state == b"there") is wanted, ()
    try:
        found = re.search(regex, content.decode("utf-8", "replace"), re.MULTILINE)
    except re.error as error:
        raise ModuleFailed(f"search_regex {regex!r}: {error}") from error
    return found is not None, found.groups() if found else ()


def _message(args: Mapping[str, Any]) -> str:
    if args["port"] is not None:
        return f"Timeout when waiting for {args['host']}:{args['port']}"
    if args["search_regex"]:
        return f"Timeout when waiting for search string {args['search_regex']} in {args['path']}"
    absent = " to be absent." if args["state"] in ("absent", "stopped") else ""
    return f"Timeout when waiting for file {args['path']}{absent}"


MODULES = {
    "wait_for": Module(
        Spec(
            "wait_for",
            {
                "host": Param(default="127.0.0.1"), "port": Param("int"), "path": Param("path"),
                "search_regex": Param(), "delay": Param("int", 0), "timeout": Param("int", 300),
                "sleep": Param("int", 1), "connect_timeout": Param("int", 5), "msg": Param(),
                "state": Param(default="started", choices=("absent", "present", "started", "stopped")),
            },
            refused={"active_connection_states": "", "exclude_hosts": "", "drained": ""},
        ),
        wait_for,
    )
}  # fmt: skip
