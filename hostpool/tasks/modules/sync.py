"""sync: a directory of the host is equal to one here; only what differs is sent.
synchronize: the same, by the words of the peer's module for rsync.

Parameters:
    src: the directory or file here; with a slash at its end only what is in it
    dest: the directory on the host
    delete: remove from dest what is not in src; an empty src is refused
    max_delete: with delete, fail instead of removing more than this many entries, or this share of them
    checksum: compare files by SHA-256, not by size and time
    include: patterns of rsync(1) for what is not left out, tried before those of exclude
    exclude: patterns of rsync(1) for what is left out
    owner: for sync the user whom all that is sent is given to; for synchronize only no
    group: for sync the group it is given to; for synchronize only no
    chmod: permissions in rsync's words (D755,F644); else as here
    in_place: write into files that are there; their owner, ACL and hard links stay
    verify: compare the SHA-256 of what arrived as well
    mode: only push
    archive: only yes: modes, times and links are kept
    recursive: only yes
    links: only yes
    perms: only yes
    times: only yes
    rsync_opts: --exclude=, --include=, --chmod=, --chown=, --checksum, --delete; others are refused by name
    compress: no effect: the connection decides
    partial: no effect: nobody sees half a file
    delay_updates: no effect: files are renamed into place
    rsync_path: no effect: no rsync is run
    rsync_timeout: no effect: task timeouts hold
    set_remote_user: no effect: no ssh(1) is run
    use_ssh_args: no effect: no ssh(1) is run
    verify_host: no effect: host keys are always verified
    ssh_connection_multiplexing: no effect: no ssh(1) is run
Returns: ``sent``, ``bytes``, ``deleted``, ``attributes``, ``entries``, ``msg``, ``src``, ``dest``, ``diff``
Needs: sh, find, tar; no rsync.
Differs: from synchronize of the peer: owners are not kept, what is sent belongs to who logs in; src is on the
    control node; an empty src with delete is refused.
Source: ansible.posix.synchronize 2.1, man page rsync(1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from hostpool.batches import Limit
from hostpool.errors import HostError, TaskFailed
from hostpool.tasks.base import Effect, Outcome
from hostpool.tasks.files import Sync
from hostpool.tasks.modules.base import Mode, Module, ModuleFailed, Result, Steps, text
from hostpool.tasks.modules.spec import Param, Spec

Rules = list[tuple[str, str]]


def sync(args: Mapping[str, Any], mode: Mode) -> Steps:
    rules: Rules = [("include", str(each)) for each in args["include"] or ()]
    rules += [("exclude", str(each)) for each in args["exclude"] or ()]
    wanted = Sync(
        args["src"], args["dest"], delete=args["delete"], max_delete=_limit(args["max_delete"]),
        checksum=args["checksum"], filters=tuple(rules), owner=args["owner"] or "",
        group=args["group"] or "", chmod=args["chmod"] or "", in_place=args["in_place"],
        verify=args["verify"], diff=mode.diff, list_changes=mode.diff,
    )  # fmt: skip
    return (yield from _mirrored(args, wanted))


def synchronize(args: Mapping[str, Any], mode: Mode) -> Steps:
    for name in ("archive", "recursive", "links", "perms", "times"):
        if args[name] is False:
            raise ModuleFailed(f"{name}=no is not supported: trees go with modes, times and links")
    for name in ("owner", "group"):
        if args[name]:
            raise ModuleFailed(f"{name}=yes is not supported: rsync_opts --chown=USER:GROUP gives it to one")
    wanted = Sync(
        args["src"], args["dest"], delete=args["delete"], max_delete=Limit(100, percent=True),
        checksum=args["checksum"], diff=mode.diff, list_changes=mode.diff,
    )  # fmt: skip
    return (yield from _mirrored(args, _with_options(wanted, args["rsync_opts"])))


def _with_options(wanted: Sync, options: list[Any]) -> Sync:
    """Raises ModuleFailed for one that has no meaning here."""
    for option in map(str, options):
        name, equal, value = option.partition("=")
        if name in ("--exclude", "--include") and equal:
            wanted = replace(wanted, filters=(*wanted.filters, (name[2:], value)))
        elif name == "--chmod" and equal:
            wanted = replace(wanted, chmod=value)
        elif name == "--chown" and equal:
            owner, _, group = value.partition(":")
            wanted = replace(wanted, owner=owner, group=group)
        elif option in ("--checksum", "-c"):
            wanted = replace(wanted, checksum=True)
        elif option in ("--delete", "--delete-after", "--delete-during", "--delete-before"):
            wanted = replace(wanted, delete=True)
        elif option not in ("--archive", "-a", "--compress", "-z", "--delay-updates", "--partial"):
            raise ModuleFailed(f"rsync_opts: {option} is not supported")
    return wanted


def _limit(given: str) -> Limit:
    number = given.removesuffix("%")
    if not (number.isascii() and number.isdigit()):
        raise ModuleFailed(f"max_delete is a number or a percentage, not {given!r}")
    return Limit(int(number), percent=given.endswith("%"))


def _mirrored(args: Mapping[str, Any], wanted: Sync) -> Steps:
    """Every change foretells a result by the keys of modules."""
    try:
        steps = wanted.steps()
        request = next(steps)
        while True:
            if request.effect is Effect.CHANGE and request.foretells is not None:
                told = _result(args, request.foretells, wanted.diff)
                request = replace(request, foretells=Outcome(status="changed", result=told))
            try:
                reply = yield request
            except HostError as error:
                request = steps.throw(error)
            else:
                request = steps.send(reply)
    except StopIteration as end:
        return _result(args, end.value, wanted.diff)
    except TaskFailed as error:
        raise ModuleFailed(error.message, **({"hint": error.hint} if error.hint else {})) from error


def _result(args: Mapping[str, Any], outcome: Outcome, shows: bool) -> Result:
    """``shows``: what changes is listed in ``diff``, with the differences of texts."""
    found: Result = {**(outcome.result or {}), "src": args["src"], "dest": args["dest"]}
    found["changed"] = bool(outcome.changed)
    found["msg"] = text(outcome.reply.stdout).strip() if outcome.reply is not None else ""
    if shows:
        found["diff"] = {"prepared": f"{found['msg']}\n{found.get('diff', '')}"}
    left_out = found.pop("skipped", None)
    if left_out:
        found["left_out"] = left_out
    paths = found.pop("failed", None)
    if outcome.status == "failed":
        found.update(failed=True, paths=paths, msg=outcome.error.message if outcome.error else "failed")
    return found


_PLACE = {"src": Param(required=True), "dest": Param(required=True), "delete": Param("bool", False),
          "checksum": Param("bool", False)}  # fmt: skip
_KEPT = ("recursive", "links", "perms", "times", "owner", "group")
_WITHOUT = {
    "compress": True, "partial": False, "delay_updates": True, "set_remote_user": True,
    "use_ssh_args": False, "verify_host": False, "ssh_connection_multiplexing": False,
}  # fmt: skip
MODULES = {
    "sync": Module(
        Spec(
            "sync",
            {
                **_PLACE, "max_delete": Param(default="10%"), "include": Param("list"),
                "exclude": Param("list"), "owner": Param(), "group": Param(), "chmod": Param(),
                "in_place": Param("bool", False), "verify": Param("bool", False),
            },
        ),
        sync,
    ),
    "synchronize": Module(
        Spec(
            "synchronize",
            {
                **_PLACE, "mode": Param(default="push", choices=("push",)), "archive": Param("bool", True),
                **{name: Param("bool") for name in _KEPT}, "rsync_opts": Param("list", ()),
                **{name: Param("bool", default) for name, default in _WITHOUT.items()},
                "rsync_path": Param(), "rsync_timeout": Param("int", 0),
            },
            refused={
                "dest_port": "the port is the host's own", "private_key": "the key is the host's own",
                "link_dest": "no hard links to other trees are made", "dirs": "trees go whole",
                "existing_only": "what is missing is made", "copy_links": "links are kept",
            },
        ),
        synchronize,
    ),
}  # fmt: skip
