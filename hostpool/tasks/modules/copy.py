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
    checksum: SHA-1 of the source; another one fails the task
    local_follow: take what links below a directory lead to; else the links
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

# What the parent has read or rendered arrives in the argument _content (a Content), a tree as _tree: pairs
# of relative paths and Content, None for a directory, a text for a symlink that leads there.

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Mapping
from typing import Any

from hostpool.tasks.modules.backups import kept_as
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
from hostpool.tasks.modules.paths import (
    INFO,
    PERL_INFO,
    SET,
    Attributes,
    Info,
    foretold,
    octal,
    take,
    wanted,
)
from hostpool.tasks.modules.spec import Param, Spec
from hostpool.tasks.modules.writing import Content, text_diff, write
from hostpool.tasks.perl import Sub

_LIMIT = "104448"
_LOOK = INFO + r"""
d=$1 name=$2 follow=$3
case $d in */) [ -n "$name" ] && d=$d$name ;; *) [ -d "$d" ] && [ -n "$name" ] && d=$d/$name ;; esac
[ -n "$follow" ] && [ -L "$d" ] && d=$(readlink -f -- "$d")
printf '%s\n\001end\n' "$d"
hp_info "$d" "" sha1
case $d in */*) p=${d%/*}/ ;; *) p=. ;; esac
hp_kind=absent; if [ -d "$p" ]; then hp_kind=directory; fi
printf '%s||\n\n\001end\n' "$hp_kind"
[ -z "$4" ] || [ ! -f "$d" ] || head -c "$4" -- "$d"
"""  # fmt: skip
_TELL = Sub(
    "copy",
    r"""
sub hp_copy {
  my ($to, $name, $follow, $most) = @_;
  if ($to =~ m{/\z}) { $to .= $name } elsif (length $name && -d $to) { $to = "$to/$name" }
  $to = hp_real($to) if length $follow && -l $to;
  out("$to\n\001end\n");
  hp_info($to, '', 'sha1');
  out(-d ($to =~ m{^(.*/)}s ? $1 : '.') ? 'directory' : 'absent', "||\n\n\001end\n");
  out(hp_head($to, $most)) if length $most && -f $to;
}
""",
    needs=(PERL_INFO,),
)
_ATTRIBUTES = INFO + SET + 'hp_set "$1" "$2" "$3" "$4" && hp_info "$1" "" sha1\n'


def copy(args: Mapping[str, Any], mode: Mode) -> Steps:
    if args["_tree"] is not None:
        return (yield from _tree(args, mode))
    if args.get("remote_src"):
        return (yield from _on_host(args, mode))
    content: Content | None = args["_content"]
    if content is None:
        raise ModuleFailed("src (or content) is required")
    return (yield from put(args, mode, content, args["_name"]))


def put(args: Mapping[str, Any], mode: Mode, content: Content, name: str) -> Steps:
    """``name`` is the file's own, for a ``dest`` that is a directory."""
    _check_sum(args, content.sha1)
    dest, info, parent, before = yield from _look(args, mode, name)
    if info.kind == "directory":
        raise ModuleFailed(f"{dest} is a directory", dest=dest)
    same = info.kind == "file" and info.checksum == content.sha1
    attributes = wanted(args, info, 0o666 & ~0o022)
    base = {"dest": dest, "checksum": content.sha1, "src": args["src"]}
    if same or (info.exists and not args["force"]):
        return (yield from _attributes_only(dest, info, attributes, base))
    if not parent.exists:
        folder = posixpath.dirname(dest)
        if not mode.check:
            raise ModuleFailed(f"Destination directory {folder} does not exist", dest=dest)
    new = foretold(
        info if info.kind == "file" else Info("absent", mode=0o644), attributes, "file", content.size
    )
    told = {**new.keys(dest), **base, "changed": True}
    if args["backup"] and info.exists:
        told["backup_file"] = kept_as(dest, info.checksum, content.sha1)
    data = content.data if isinstance(content.data, bytes) else b"(the file is too large to be compared)\n"
    told.update(text_diff(dest, before, data, mode))
    after = yield from write(dest, info, content, attributes, args, told)
    if isinstance(content.data, bytes):
        base["md5sum"] = hashlib.md5(content.data, usedforsecurity=False).hexdigest()
    extra: Result = {key: told[key] for key in ("backup_file", "diff") if key in told}
    return {**after.keys(dest), **base, **extra, "changed": True}


def _look(args: Mapping[str, Any], mode: Mode, name: str) -> Any:
    reply = yield from query(
        _LOOK, args["dest"], name, "1" if args["follow"] else "", _LIMIT if mode.diff else "", perl=_TELL
    )
    line, _, rest = require(reply, f"{args['dest']} cannot be looked at").stdout.partition(b"\n\x01end\n")
    info, rest = take(rest)
    parent, before = take(rest)
    return line.decode("utf-8", "surrogateescape"), info, parent, before


def _attributes_only(dest: str, info: Info, attributes: Attributes, base: Result) -> Steps:
    if not attributes:
        return {**info.keys(dest), **base, "changed": False}
    told = {**foretold(info, attributes, "file").keys(dest), **base, "changed": True}
    reply = yield from change(
        _ATTRIBUTES, dest, attributes.mode, attributes.owner, attributes.group, foretells=told
    )
    after, _ = take(require(reply, f"{dest}: mode and owner could not be set", dest=dest).stdout)
    return {**after.keys(dest), **base, "changed": True}


def _check_sum(args: Mapping[str, Any], sha1: str) -> None:
    expected = args.get("checksum")
    if expected and expected.strip().lower() != sha1:
        raise ModuleFailed(
            "Copied file does not match the expected checksum. Transfer failed.",
            checksum=sha1, expected_checksum=expected,
        )  # fmt: skip


_COPY = INFO + r"""
s=$1 d=$2
[ -e "$s" ] || { echo "Source $s not found" >&2; exit 1; }
if [ -d "$s" ]; then echo "remote_src with a directory is not supported" >&2; exit 1; fi
case $d in */) d=$d${s##*/} ;; *) [ -d "$d" ] && d=$d/${s##*/} ;; esac
[ -n "$3" ] && [ -L "$d" ] && d=$(readlink -f -- "$d")
printf '%s\n\001end\n' "$d"; hp_info "$s" -L sha1; hp_info "$d" "" sha1
hp_sum md5 "$s"
"""  # fmt: skip


def _on_host(args: Mapping[str, Any], mode: Mode) -> Steps:
    source_path = str(args["src"])
    reply = yield from query(_COPY, source_path, args["dest"], "1" if args["follow"] else "")
    line, _, rest = require(reply, "copy").stdout.partition(b"\n\x01end\n")
    source, rest = take(rest)
    info, md5 = take(rest)
    dest = line.decode("utf-8", "surrogateescape")
    _check_sum(args, source.checksum)
    if info.kind == "directory":
        raise ModuleFailed(f"{dest} is a directory", dest=dest)
    mode_wanted = octal(source.mode) if args["mode"] == "preserve" else args["mode"]
    attributes = wanted({**args, "mode": mode_wanted}, info, 0o644)
    base = {"dest": dest, "src": args["src"], "checksum": source.checksum, "md5sum": text(md5)[:32]}
    same = info.kind == "file" and info.checksum == source.checksum
    if same or (info.exists and not args["force"]):
        return (yield from _attributes_only(dest, info, attributes, base))
    told = {**foretold(info, attributes, "file", source.size).keys(dest), **base, "changed": True}
    if args["backup"] and info.exists:
        told["backup_file"] = kept_as(dest, info.checksum, source.checksum)
    content = Content(b"", source.size, source.checksum)
    after = yield from write(dest, info, content, attributes, args, told, source=source_path)
    return {**told, **after.keys(dest), **base}


def _tree(args: Mapping[str, Any], mode: Mode) -> Steps:
    from hostpool.tasks.modules.file import directory, linked

    if args.get("checksum"):
        raise ModuleFailed("checksum is that of a file, and src is a directory")
    changed = False
    folders = {"mode": args["directory_mode"], "owner": args["owner"], "group": args["group"]}
    for name, content in args["_tree"]:
        path = posixpath.join(args["dest"], name)
        if content is None:
            result: Result = yield from directory({**folders, "path": path, "recurse": False}, mode)
        elif isinstance(content, str):
            result = yield from linked({**args, "path": path, "src": content, "force": True, "mode": None})
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
