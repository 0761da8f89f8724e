"""copy: a file or directory of the control node, or a text, stands on the host.
template: a rendered template stands on the host.

Parameters:
    src: the file or, for copy, the directory: with a slash at the end only what is in it
    content: a text in the place of a file
    dest: where; a directory for a file of the same name
    mode: its mode; preserve for that of the source
    owner: its owner
    group: its group
    directory_mode: mode of new directories
    backup: keep the old file beside
    force: replace a file that differs; else only make one that is missing
    validate: a command that must succeed on the new file, %s in its text
    follow: a link stays one, and the file it leads to is written
    remote_src: the source is a file on the host
    checksum: no effect: what arrives is compared by its own
    local_follow: no effect: links below a directory are followed
    decrypt: no lets a source that is encrypted with Vault go as it is; else it fails the task
    unsafe_writes: write in place where nothing can be moved over the file (a mount point)
    lstrip_blocks: take the white space before a block away
    trim_blocks: take the newline after a block away
    newline_sequence: what ends a line
    output_encoding: the encoding that is written
Returns: ``dest``, ``src``, ``checksum``, ``md5sum``, ``size``, ``mode``, ``owner``, ``group``, ``uid``,
    ``gid``, ``state``, ``backup_file``, ``diff``
Needs: stat, cat, mv, chmod, chown; a SHA-1 tool.
Source: ansible.builtin.copy and template of ansible-core 2.19.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Mapping
from typing import Any

from hostpool.tasks.modules.base import Mode, Module, ModuleFailed, Result, Steps, change, query, require
from hostpool.tasks.modules.paths import INFO, SET, Info, foretold, octal, take, wanted
from hostpool.tasks.modules.spec import Param, Spec
from hostpool.tasks.modules.writing import Content, temporary, text_diff, write

_LIMIT = "104448"
_LOOK = INFO + r"""
d=$1 name=$2 follow=$3
case $d in */) [ -n "$name" ] && d=$d$name ;; *) [ -d "$d" ] && [ -n "$name" ] && d=$d/$name ;; esac
printf '%s\n\001end\n' "$d"
[ -n "$follow" ] && [ -L "$d" ] && d=$(readlink -f -- "$d")
hp_info "$d" "" sha1
p=${d%/*}; hp_info "${p:-/}" -L ""
[ -z "$4" ] || [ ! -f "$d" ] || head -c "$4" -- "$d"
"""  # fmt: skip
_ATTRIBUTES = INFO + SET + 'hp_set "$1" "$2" "$3" "$4" && hp_info "$1" "" sha1\n'


def copy(args: Mapping[str, Any], mode: Mode) -> Steps:
    if args["_tree"] is not None:
        return (yield from _tree(args, mode))
    if args["remote_src"]:
        return (yield from _on_host(args, mode))
    content: Content | None = args["_content"]
    if content is None:
        raise ModuleFailed("src (or content) is required")
    return (yield from put(args, mode, content, args["_name"]))


def put(args: Mapping[str, Any], mode: Mode, content: Content, name: str) -> Steps:
    """``name`` is the file's own, for a ``dest`` that is a directory."""
    dest, info, parent, before = yield from _look(args, mode, name)
    if info.kind == "directory":
        raise ModuleFailed(f"{dest} is a directory", dest=dest)
    same = info.kind == "file" and info.checksum == content.sha1
    attributes = wanted(args, info, 0o666 & ~0o022)
    base = {"dest": dest, "checksum": content.sha1, "src": args["src"]}
    if same or (info.exists and not args["force"]):
        if not attributes:
            return {**info.keys(dest), **base, "changed": False}
        told = {**foretold(info, attributes, "file").keys(dest), **base, "changed": True}
        reply = yield from change(
            _ATTRIBUTES, dest, attributes.mode, attributes.owner, attributes.group, foretells=told
        )
        after, _ = take(require(reply, f"{dest}: mode and owner could not be set", dest=dest).stdout)
        return {**after.keys(dest), **base, "changed": True}
    if not parent.exists:
        folder = posixpath.dirname(dest)
        if not mode.check:
            raise ModuleFailed(f"Destination directory {folder} does not exist", dest=dest)
    new = foretold(
        info if info.kind == "file" else Info("absent", mode=0o644), attributes, "file", content.size
    )
    told = {**new.keys(dest), **base, "changed": True}
    if args["backup"] and info.exists:
        told["backup_file"] = f"{dest}.{temporary('', content.sha1)[2:10]}~"
    data = content.data if isinstance(content.data, bytes) else b"(the file is too large to be compared)\n"
    told.update(text_diff(dest, before, data, mode))
    after = yield from write(dest, info, content, attributes, args, told)
    if isinstance(content.data, bytes):
        base["md5sum"] = hashlib.md5(content.data, usedforsecurity=False).hexdigest()
    extra: Result = {key: told[key] for key in ("backup_file", "diff") if key in told}
    return {**after.keys(dest), **base, **extra, "changed": True}


def _look(args: Mapping[str, Any], mode: Mode, name: str) -> Any:
    reply = yield from query(
        _LOOK, args["dest"], name, "1" if args["follow"] else "", _LIMIT if mode.diff else ""
    )
    line, _, rest = require(reply, f"{args['dest']} cannot be looked at").stdout.partition(b"\n\x01end\n")
    info, rest = take(rest)
    parent, before = take(rest)
    return line.decode("utf-8", "surrogateescape"), info, parent, before


_COPY = INFO + r"""
s=$1 d=$2
[ -e "$s" ] || { echo "Source $s not found" >&2; exit 1; }
if [ -d "$s" ]; then echo "remote_src with a directory is not supported" >&2; exit 1; fi
case $d in */) d=$d${s##*/} ;; *) [ -d "$d" ] && d=$d/${s##*/} ;; esac
printf '%s\n\001end\n' "$d"; hp_info "$s" -L sha1; hp_info "$d" "" sha1
"""  # fmt: skip
_COPY_NOW = INFO + SET + r"""
umask 077; trap 'rm -f -- "$3"' EXIT
cat -- "$1" > "$3" && hp_set "$3" "$4" "$5" "$6" && mv -f -- "$3" "$2" && hp_info "$2" "" sha1
"""  # fmt: skip


def _on_host(args: Mapping[str, Any], mode: Mode) -> Steps:
    reply = yield from query(_COPY, str(args["src"]), args["dest"])
    line, _, rest = require(reply, "copy").stdout.partition(b"\n\x01end\n")
    source, rest = take(rest)
    info, _ = take(rest)
    dest = line.decode("utf-8", "surrogateescape")
    mode_wanted = octal(source.mode) if args["mode"] == "preserve" else args["mode"]
    attributes = wanted({**args, "mode": mode_wanted}, info, 0o644)
    base = {"dest": dest, "src": args["src"], "checksum": source.checksum}
    same = info.kind == "file" and info.checksum == source.checksum
    if (same or (info.exists and not args["force"])) and not attributes:
        return {**info.keys(dest), **base, "changed": False}
    told = {**foretold(info, attributes, "file", source.size).keys(dest), **base, "changed": True}
    final = attributes.mode or octal(info.mode if info.kind == "file" else 0o644)
    done = yield from change(
        _COPY_NOW, str(args["src"]), dest, temporary(dest, source.checksum or "0"), final,
        attributes.owner, attributes.group, foretells=told,
    )  # fmt: skip
    after, _ = take(require(done, f"{dest} could not be written").stdout)
    return {**after.keys(dest), **base, "changed": True}


def _tree(args: Mapping[str, Any], mode: Mode) -> Steps:
    from hostpool.tasks.modules.file import directory

    changed = False
    folders = {"mode": args["directory_mode"], "owner": args["owner"], "group": args["group"]}
    for name, content in args["_tree"]:
        path = posixpath.join(args["dest"], name)
        if content is None:
            result: Result = yield from directory({**folders, "path": path, "recurse": False}, mode)
        else:
            result = yield from put({**args, "dest": path, "src": name}, mode, content, "")
        changed = changed or result["changed"]
    return {"changed": changed, "dest": args["dest"], "src": args["src"]}


_FILE = {
    "dest": Param("path", required=True), "mode": Param("mode"), "owner": Param(), "group": Param(),
    "backup": Param("bool", False), "force": Param("bool", True), "validate": Param(),
    "follow": Param("bool", False), "src": Param("path"), "_content": Param("raw"), "_tree": Param("raw"),
    "_name": Param("raw", ""), "unsafe_writes": Param("bool", False),
}  # fmt: skip
_REFUSED = {
    "attributes": "chattr is not done", "attr": "chattr is not done", "selevel": "labels are kept, not set",
    "serole": "labels are kept, not set", "setype": "labels are kept, not set",
    "seuser": "labels are kept, not set",
}  # fmt: skip
MODULES = {
    "copy": Module(
        Spec(
            "copy",
            {
                **_FILE,
                "content": Param("raw"),
                "remote_src": Param("bool", False),
                "directory_mode": Param("mode"),
                "checksum": Param(),
                "local_follow": Param("bool", True),
                "decrypt": Param("bool", True),
            },
            refused=_REFUSED,
            one_of=("src", "content"),
        ),
        copy,
    ),
    "template": Module(
        Spec(
            "template",
            {
                **_FILE,
                "src": Param("path", required=True),
                "remote_src": Param("bool", False),
                "directory_mode": Param("mode"),
                "lstrip_blocks": Param("bool", False),
                "trim_blocks": Param("bool", True),
                "newline_sequence": Param(),
                "output_encoding": Param(),
            },
            refused={
                **_REFUSED,
                "variable_start_string": "",
                "variable_end_string": "",
                "block_start_string": "",
                "block_end_string": "",
                "comment_start_string": "",
                "comment_end_string": "",
            },
        ),
        copy,
    ),
}
