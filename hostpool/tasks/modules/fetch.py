"""fetch: a file of the host stands on the control node.

Parameters:
    src: the file on the host; a link's target is fetched
    dest: the directory here, in which it gets the place <host>/<src>; relative to the playbook
    flat: dest is the file itself, or with a slash at its end the directory it goes into
    fail_on_missing: fail where there is no such file
    validate_checksum: fail where what came is not what the host says it has
Returns: ``changed``, ``dest``, ``checksum``, ``md5sum``, ``remote_checksum``, ``file``
Needs: stat, tar, a SHA-1 tool
Differs: the file here is readable for others only if it is so on the host, and has its time; check mode
    foretells
Source: ansible.builtin.fetch of ansible-core 2.19
"""

from __future__ import annotations

import posixpath
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

from hostpool.errors import HostError
from hostpool.sync.tree import FILE
from hostpool.tasks.base import Effect, Outcome, Request, Run
from hostpool.tasks.fetch import SLACK, stream
from hostpool.tasks.files_query import LARGE
from hostpool.tasks.local import Accept, Receive, Receiver, Sums, Wanted
from hostpool.tasks.modules.base import Mode, Module, ModuleFailed, Result, Steps, query, require
from hostpool.tasks.modules.paths import INFO, take
from hostpool.tasks.modules.spec import Param, Spec

_LOOK = INFO + r"""
hp_info "$1" -L sha1
if [ -f "$1" ]; then
  s=$(hp_sum md5 "$1"); printf '%s\n' "${s%%[ *]*}"
  case $1 in /*) p=$1 ;; *) p=$PWD/$1 ;; esac
  readlink -f -- "$p" || printf '%s\n' "$p"
fi
"""  # fmt: skip


def fetch(args: Mapping[str, Any], mode: Mode) -> Steps:
    source = args["src"]
    reply = yield from query(_LOOK, source)
    info, rest = take(require(reply, f"{source} cannot be looked at").stdout)
    if info.kind != "file":
        return _nothing(args, info.kind)
    if "r" not in info.may:
        raise ModuleFailed(f"file is not readable: {source}", file=source)
    md5, _, real = rest.partition(b"\n")
    home, name = _place(args)
    dest = posixpath.join(home, name)
    standing = yield from Sums(path=dest)
    if standing is not None and standing.sha1 == info.checksum:
        return {
            "changed": False, "file": source, "dest": dest, "checksum": standing.sha1,
            "md5sum": standing.md5,
        }  # fmt: skip
    told = {
        "changed": True, "dest": dest, "checksum": info.checksum, "remote_checksum": info.checksum,
        "md5sum": md5.decode("ascii", "replace"), "remote_md5sum": None,
    }  # fmt: skip
    each = Wanted(name.encode("utf-8", "surrogateescape"), FILE, info.mode & 0o755 | 0o600, info.size,
                  int(info.mtime))  # fmt: skip
    yield from _take(args, home, real.removesuffix(b"\n"), each, told)
    came = yield from Sums(path=dest)
    if came is None or (args["validate_checksum"] and came.sha1 != info.checksum):
        raise ModuleFailed(
            "checksum mismatch", file=source, dest=dest, remote_checksum=info.checksum,
            checksum=None if came is None else came.sha1,
        )  # fmt: skip
    return {**told, "checksum": came.sha1, "md5sum": came.md5}


def _nothing(args: Mapping[str, Any], kind: str) -> Result:
    message = {
        "absent": "the remote file does not exist, not transferring, ignored",
        "directory": "remote file is a directory, fetch cannot work on directories",
    }.get(kind, f"remote file is a {kind}, fetch cannot work on it")
    if args["fail_on_missing"]:
        raise ModuleFailed(message.removesuffix(", ignored"), file=args["src"])
    return {"changed": False, "file": args["src"], "msg": message}


def _place(args: Mapping[str, Any]) -> tuple[str, str]:
    """The directory here, and the name below it, which leads nowhere else."""
    source = posixpath.normpath("/" + args["src"].lstrip("/"))
    if not args["flat"]:
        return args["_place"], args["_host"] + source
    if args["dest"].endswith("/"):
        return args["_place"], posixpath.basename(source)
    return posixpath.split(args["_place"])


def _take(
    args: Mapping[str, Any], home: str, real: bytes, each: Wanted, told: Result
) -> Generator[Request[Any], Any, None]:
    receiver: Receiver = yield from Receive(
        directory=home, flat=False, exact=True, files={real: [each]}, limit=each.size + SLACK
    )
    verify = args["validate_checksum"]
    try:
        reply = yield from Run(
            effect=Effect.CHANGE, foretells=Outcome(status="changed", result=told), live=False,
            program=stream([real], verify, each.size > LARGE), into=receiver,
        )  # fmt: skip
        if not receiver.whole:
            words = reply.stderr.decode("utf-8", "replace").strip()
            raise ModuleFailed(f"the file did not come whole: {words or 'its stream broke off'}")
    except (HostError, ModuleFailed):
        yield from Accept(receiver=receiver, others=[], verify=False, keep=False)
        raise
    # without a tool for SHA-256 on the host what came is compared by SHA-1, when it is in its place
    failed = yield from Accept(receiver=receiver, others=[], verify=verify and bool(receiver.sums))
    if failed:
        path = Path(home, each.name.decode("utf-8", "surrogateescape"))
        raise ModuleFailed(f"{path}: {failed[0][1]}", file=args["src"], dest=str(path))


MODULES = {
    "fetch": Module(
        Spec(
            "fetch",
            {
                "src": Param("path", required=True), "dest": Param(required=True),
                "flat": Param("bool", False), "fail_on_missing": Param("bool", True),
                "validate_checksum": Param("bool", True), "_place": Param("raw"), "_host": Param("raw"),
            },
        ),
        fetch,
    )
}  # fmt: skip
