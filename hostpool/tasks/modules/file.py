"""file: what is at a path, without its content: a file's attributes, a directory, a link, nothing.

Parameters:
    path: the place
    state: what is to be there; file changes only what is there; without it file, or directory with recurse
    src: what a link leads to
    mode: permissions
    owner: user
    group: group
    recurse: all that is in the directory too
    force: links to what is not there, and in the place of what is there
    follow: a link's target instead of the link
    access_time: preserve, now or a time (state touch: now)
    access_time_format: how it is written, for strptime; in the host's time zone
    modification_time: preserve, now or a time (state touch: now)
    modification_time_format: how it is written
    unsafe_writes: without effect: nothing here writes a content
Returns: ``path``, ``state``, ``mode``, ``owner``, ``group``, ``uid``, ``gid``, ``size``; links also ``dest``,
    ``src``; ``diff``
Needs: stat, mkdir, ln, mv, rm, touch, chmod, chown; date for times; find for recurse
Differs: with recurse, times are those of the directory itself
Source: ansible.builtin.file of ansible-core 2.19
"""

from __future__ import annotations

import posixpath
from collections.abc import Generator, Mapping
from typing import Any

from hostpool.tasks.base import Request
from hostpool.tasks.modules.base import Mode, Module, ModuleFailed, Result, Steps, change, query, require
from hostpool.tasks.modules.editing import LABELS
from hostpool.tasks.modules.file_times import EPOCH, TOUCH, Times, differences, times_of, to_set
from hostpool.tasks.modules.paths import INFO, PERL_INFO, SET, Attributes, Info, foretold, octal, take, wanted
from hostpool.tasks.modules.spec import Param, Spec
from hostpool.tasks.perl import Sub

_LOOK = INFO + EPOCH + 'hp_info "$1" "$2" ""; [ -z "$3$5" ] || { hp_epoch "$3" "$4"; hp_epoch "$5" "$6"; }\n'
_TELL = Sub("file", 'sub hp_file { hp_info(@_[0, 1], "") }', needs=(PERL_INFO,))
_NOW = INFO + SET + TOUCH + "p=$1 m=$2 o=$3 g=$4 x=$5 y=$6; shift 6\n"
_AFTER = 'hp_info "$p" "$h" ""\n'
_SET = _NOW + 'h=$1; hp_set "$p" "$m" "$o" "$g" $2 && hp_touch "$p" "$x" "$y" && ' + _AFTER
_TOUCH = (
    _NOW
    + 'h=$1; { [ -e "$p" ] || touch -- "$p"; } && hp_set "$p" "$m" "$o" "$g" && hp_touch "$p" "$x" "$y" && '
    + _AFTER
)
_REMOVE = 'rm -rf -- "$1"\n'
_LINK = _NOW + r"""h=; s=$1 t=$2
if [ "$3" = force ] && [ -d "$p" ] && [ ! -L "$p" ]; then rm -rf -- "$p" || exit; fi
hp_move() { mv -fT -- "$1" "$2" 2>/dev/null || { rm -f -- "$2" && mv -f -- "$1" "$2"; }; }
rm -f -- "$t"; ln $4 -- "$s" "$t" && hp_move "$t" "$p" && hp_set "$p" "" "$o" "$g" -h &&
  hp_touch "$p" "$x" "$y" &&
""" + _AFTER  # fmt: skip
_MKDIR = _NOW + r"""h=-L
hp_make() { # path: missing parents get the attributes too
  [ -d "$1" ] && return
  case $1 in */*) hp_up=${1%/*}; [ -z "$hp_up" ] || hp_make "$hp_up" || return ;; esac
  mkdir -- "$1" || [ -d "$1" ] || return
  hp_set "$1" "$m" "$o" "$g"
}
hp_make "$p" && hp_set "$p" "$m" "$o" "$g" && hp_touch "$p" "$x" "$y" && """ + _AFTER  # fmt: skip
_WALK = INFO + r"""
find "$1" -exec sh -c 'for f do
  if [ -L "$f" ]; then k=l; elif [ -d "$f" ]; then k=d; else k=f; fi
  s=$(stat -c "%a|%u|%g|%U|%G" -- "$f" 2>/dev/null || stat -f "%Mp%Lp|%u|%g|%Su|%Sg" -- "$f")
  printf "%s|%s|%s\n\001end\n" "$k" "$s" "$f"; done' sh {} +
"""  # fmt: skip
_WALK_SET = (
    SET
    + r"""
while IFS='|' read -r m o g h f; do
  f=$(printf "%b." "$f"); hp_set "${f%.}" "$m" "$o" "$g" $h || exit
done
"""
)

_KEPT = Times()


def file(args: Mapping[str, Any], mode: Mode) -> Steps:
    state = args["state"] or ("directory" if args["recurse"] else None)
    if state == "directory":
        return (yield from directory(args, mode))
    follow = "-L" if args["follow"] and state in (None, "file", "touch") else ""
    info, times = yield from _look(args["path"], follow, times_of(args, state))
    if state == "absent":
        return (yield from _absent(args, info))
    if state in ("link", "hard"):
        return (yield from _link(args, info, state, times))
    if state == "touch":
        return (yield from _touch(args, info, follow, times))
    if not info.exists:
        raise ModuleFailed(
            f"file ({args['path']}) is absent, cannot continue", path=args["path"], state="absent"
        )
    if state == "file" and info.kind not in ("file",):
        raise ModuleFailed(
            f"file ({args['path']}) is {info.kind}, cannot continue", path=args["path"], state=info.kind
        )
    return (yield from _attributes(args, info, follow, times))


def _look(path: str, follow: str, times: Times = _KEPT) -> Generator[Request[Any], Any, tuple[Info, Times]]:
    """What is there, and which of the times are not so yet."""
    asked = times.arguments()
    reply = yield from query(_LOOK, path, follow, *asked, perl=None if any(asked) else _TELL)
    info, epochs = take(require(reply, f"{path} cannot be looked at").stdout)
    return info, to_set(times, epochs, info)


def _attributes(args: Mapping[str, Any], info: Info, follow: str, times: Times) -> Steps:
    path = args["path"]
    attributes = wanted(args, info)
    if not attributes and not times:
        return {**info.keys(path), "changed": False}
    told = {
        **foretold(info, attributes, info.kind).keys(path),
        "changed": True,
        "diff": _diff(path, info, attributes, times),
    }
    reply = yield from change(
        _SET, path, *_words(attributes, times), follow,
        "-h" if info.kind == "link" else "", foretells=told,
    )  # fmt: skip
    return _done(path, reply, told)


def directory(args: Mapping[str, Any], mode: Mode) -> Steps:
    path = args["path"].rstrip("/") or "/"
    info, times = yield from _look(path, "-L", times_of(args, "directory"))
    if info.exists and info.kind != "directory":
        raise ModuleFailed(f"{path} already exists as a {info.kind}", path=path, state=info.kind)
    result: Result
    if not info.exists:
        attributes = wanted(args, Info("absent"), 0o755)
        new = foretold(Info("absent", mode=0o755), attributes, "directory")
        told = {**new.keys(path), "changed": True, "diff": _diff(path, info, attributes, times, "directory")}
        reply = yield from change(_MKDIR, path, *_words(attributes, times), foretells=told)
        result = _done(path, reply, told)
    else:
        result = yield from _attributes(args, info, "-L", times)
    if not args["recurse"] or not info.exists:
        return result
    return (yield from _recurse(args, result))


def _recurse(args: Mapping[str, Any], result: Result) -> Steps:
    """Two more round trips at most: one to look at all that is below, one to change what is not so."""
    reply = yield from query(_WALK, args["path"])
    lines = []
    for entry in require(reply, f"{args['path']} cannot be walked").stdout.split(b"\n\x01end\n")[:-1]:
        kind, octal_mode, uid, gid, user, group, name = entry.decode("utf-8", "surrogateescape").split("|", 6)
        info = Info(
            {"l": "link", "d": "directory"}.get(kind, "file"), mode=int(octal_mode, 8) & 0o7777,
            uid=int(uid), gid=int(gid), user=user, group=group,
        )  # fmt: skip
        need = wanted(args, info)
        if need:
            link = "-h" if kind == "l" else ""
            lines.append(f"{need.mode}|{need.owner}|{need.group}|{link}|{_escaped(name)}\n")
    if not lines:
        return result
    told = {**result, "changed": True}
    done = yield from change(_WALK_SET, foretells=told, stdin="".join(lines).encode())
    require(done, f"{args['path']}: mode and owner could not be set", path=args["path"])
    return told


def _escaped(name: str) -> str:
    """For printf %b: every byte that is not plain as an octal escape."""
    data = name.encode("utf-8", "surrogateescape")
    return "".join(chr(b) if chr(b).isalnum() or b in b"/._-" else f"\\0{b:03o}" for b in data)


def _absent(args: Mapping[str, Any], info: Info) -> Steps:
    path = args["path"]
    if not info.exists and not info.target:
        return {"path": path, "state": "absent", "changed": False}
    told = {
        "path": path,
        "state": "absent",
        "changed": True,
        "diff": {"before": {"path": path, "state": info.kind}, "after": {"path": path, "state": "absent"}},
    }
    reply = yield from change(_REMOVE, path, foretells=told)
    require(reply, f"{path} could not be removed", path=path)
    return told


def _touch(args: Mapping[str, Any], info: Info, follow: str, times: Times) -> Steps:
    path = args["path"]
    attributes = wanted(args, info, 0o644)
    if info.exists and not times and not attributes:
        return {**info.keys(path), "dest": path, "changed": False}
    base = info if info.exists else Info("absent", mode=0o644)
    told = {
        **foretold(base, attributes, info.kind if info.exists else "file").keys(path),
        "dest": path,
        "changed": True,
        "diff": _diff(path, info, attributes, times, "touch"),
    }
    reply = yield from change(_TOUCH, path, *_words(attributes, times), follow, foretells=told)
    return {**_done(path, reply, told), "dest": path}


def linked(args: Mapping[str, Any]) -> Steps:
    """A symlink at ``path`` to ``src``."""
    info, _ = yield from _look(args["path"], "")
    return (yield from _link(args, info, "link", _KEPT))


def _link(args: Mapping[str, Any], info: Info, state: str, times: Times) -> Steps:
    path, source = args["path"], args["src"]
    if source is None:
        if state == "link" and info.kind == "link":
            source = info.target
        else:
            raise ModuleFailed("src is required for creating new links", path=path)
    base = {"dest": path, "src": source, "state": state}
    attributes = wanted({**args, "mode": None}, info)
    if state == "hard":
        target, _ = yield from _look(source, "")
        if not target.exists and not args["force"]:
            raise ModuleFailed(f"src {source} does not exist", path=path, src=source)
        right = info.kind == "file" and (info.inode, info.device) == (target.inode, target.device)
    else:
        right = info.kind == "link" and info.target == source
        if not right:
            yield from _check_target(args, path, source, info)
    if right and not attributes and not times:
        return {**info.keys(path), **base, "changed": False}
    if info.kind == "directory" and not args["force"]:
        raise ModuleFailed(f"refusing to convert from {info.kind} to {state} for {path}", path=path)
    if info.kind == "file" and not right and not args["force"]:
        raise ModuleFailed(f"refusing to convert from file to {state} for {path}", path=path)
    told = {
        **foretold(info, attributes, "link" if state == "link" else "file").keys(path),
        **base,
        "changed": True,
    }
    folder, name = posixpath.split(path)
    reply = yield from change(
        _LINK,
        path,
        *_words(attributes, times),
        source,
        posixpath.join(folder, f".{name}.hostpool"),
        "force" if args["force"] else "",
        "-s" if state == "link" else "",
        foretells=told,
    )
    return {**_done(path, reply, told), **base}


def _check_target(args: Mapping[str, Any], path: str, source: str, info: Info) -> Any:
    absolute = posixpath.join(posixpath.dirname(path), source)
    target, _ = yield from _look(absolute, "-L")
    if not target.exists and not args["force"]:
        raise ModuleFailed(
            f'src file does not exist, use "force=yes" if you really want to create the link: {absolute}',
            path=path,
            src=source,
        )


def _done(path: str, reply: Any, told: Result) -> Result:
    after, _ = take(require(reply, f"{path} could not be changed", path=path).stdout)
    return {**told, **after.keys(path), "changed": True}


def _words(attributes: Attributes, times: Times) -> tuple[str, str, str, str, str]:
    return attributes.mode, attributes.owner, attributes.group, times.access, times.modification


def _diff(path: str, info: Info, attributes: Attributes, times: Times, kind: str | None = None) -> Result:
    old_times, new_times = differences(times, info)
    before: Result = {"path": path, **old_times}
    after: Result = {"path": path, **new_times}
    if kind is not None:
        before["state"], after["state"] = info.kind, kind
    for key, old, new in (
        ("mode", octal(info.mode), attributes.mode),
        ("owner", info.user, attributes.owner),
        ("group", info.group, attributes.group),
    ):
        if new and info.exists:
            before[key], after[key] = old, new
    return {"before": before, "after": after}


MODULES = {
    "file": Module(
        Spec(
            "file",
            {
                "path": Param("path", required=True, aliases=("dest", "name")),
                "state": Param(choices=("absent", "directory", "file", "hard", "link", "touch")),
                "src": Param("path"),
                "mode": Param("mode"),
                "owner": Param(),
                "group": Param(),
                "recurse": Param("bool", False),
                "force": Param("bool", False),
                "follow": Param("bool", True),
                "access_time": Param(),
                "access_time_format": Param(default="%Y%m%d%H%M.%S"),
                "modification_time": Param(),
                "modification_time_format": Param(default="%Y%m%d%H%M.%S"),
                "unsafe_writes": Param("bool", False),
            },
            refused=LABELS,
        ),
        file,
    )
}
