"""stat: what there is at a path is known; nothing is changed.

Parameters:
    path: where
    follow: look at what a link leads to
    get_checksum: the checksum of a file
    checksum_algorithm: which
    get_mime: what file(1) says of it; unless it is given, not asked for where nothing reads it
    get_attributes: what lsattr(1) says of it; unless it is given, not asked for where nothing reads it
Returns: ``stat``
Needs: stat, readlink, a tool for the checksum; for types and attributes file and lsattr.
Source: ansible.builtin.stat of ansible-core 2.19.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from hostpool.tasks.modules.base import Mode, Module, Result, Steps, query, require, text
from hostpool.tasks.modules.paths import END, INFO, PERL_INFO, Info, octal, take
from hostpool.tasks.modules.spec import Param, Spec
from hostpool.tasks.perl import Sub

_LOOK = INFO + r"""
end() { printf '\001end\n'; }
hp_info "$1" "$2" "$3"
[ "$hp_kind" != absent ] || exit 0
p=$1
case $p in -*) p=./$p ;; esac
[ ! -L "$p" ] || readlink -f -- "$p"
end
[ -z "$4" ] || file --mime-type --mime-encoding -- "$p" 2>/dev/null
end
[ -z "$5" ] || lsattr -vd "$p" 2>/dev/null
end
"""  # fmt: skip
_TELL = Sub(
    "look",
    r"""
sub hp_look {
  my ($path, $follow, $algorithm) = @_;
  hp_info($path, $follow, $algorithm) or return;
  out(hp_tool('readlink', '-f', '--', $path)) if -l $path;
  out("\001end\n" x 3);
}
""",
    needs=(PERL_INFO,),
)
_ATTRIBUTES = {
    "A": "noatime", "a": "append", "c": "compressed", "C": "nocow", "d": "nodump", "D": "dirsync",
    "e": "extents", "E": "encrypted", "h": "blocksize", "i": "immutable", "I": "indexed",
    "j": "journalled", "N": "inline", "s": "zero", "S": "synchronous", "t": "notail", "T": "blockroot",
    "u": "undelete", "X": "compressedraw", "Z": "compresseddirty",
}  # fmt: skip
"""The letters of lsattr."""


def stat(args: Mapping[str, Any], mode: Mode) -> Steps:
    path = args["path"]
    algorithm = args["checksum_algorithm"] if args["get_checksum"] else ""
    more = args["get_mime"] or args["get_attributes"]  # programs tell of these
    reply = yield from query(
        _LOOK, path, "-L" if args["follow"] else "", algorithm,
        "mime" if args["get_mime"] else "", "attributes" if args["get_attributes"] else "",
        perl=None if more else _TELL,
    )  # fmt: skip
    info, rest = take(require(reply, f"{path} cannot be looked at").stdout)
    if not info.exists:
        return {"changed": False, "stat": {"exists": False}}
    link, mime, attributes = (rest.split(END) + [b""] * 3)[:3]
    found = {**_keys(path, info), **_blocks(info.more)}
    if info.checksum and info.kind == "file":
        found["checksum"] = info.checksum
    if info.kind == "link":
        found["lnk_target"] = info.target
        found["lnk_source"] = link.decode("utf-8", "surrogateescape").removesuffix(
            "\n"
        ) or posixpath.normpath(posixpath.join(posixpath.dirname(path), info.target))
    if args["get_mime"]:
        found.update(_mime(text(mime)))
    if args["get_attributes"]:
        found.update(_attributes(text(attributes)))
    return {"changed": False, "stat": found}


def _keys(path: str, info: Info) -> Result:
    kinds = {
        "isdir": "directory", "isreg": "file", "islnk": "link", "isblk": "block", "ischr": "char",
        "isfifo": "fifo", "issock": "socket",
    }  # fmt: skip
    bits = {
        "rusr": 0o400, "wusr": 0o200, "xusr": 0o100, "rgrp": 0o040, "wgrp": 0o020, "xgrp": 0o010,
        "roth": 0o004, "woth": 0o002, "xoth": 0o001, "isuid": 0o4000, "isgid": 0o2000,
    }  # fmt: skip
    names = {"pw_name": info.user, "gr_name": info.group}
    return {
        "exists": True, "path": path, "mode": octal(info.mode), "uid": info.uid, "gid": info.gid,
        "size": info.size, "inode": info.inode, "dev": info.device, "nlink": info.links,
        "atime": info.atime, "mtime": info.mtime, "ctime": info.ctime,
        "readable": "r" in info.may, "writeable": "w" in info.may, "executable": "x" in info.may,
        **{key: name for key, name in names.items() if name not in ("", "UNKNOWN")},
        **{key: info.kind == kind for key, kind in kinds.items()},
        **{key: bool(info.mode & bit) for key, bit in bits.items()},
    }  # fmt: skip


def _blocks(parts: tuple[str, ...]) -> Result:
    try:
        blocks, size, major, minor = int(parts[0]), int(parts[1]), int(parts[2], 16), int(parts[3], 16)
    except (ValueError, IndexError):
        return {}
    # makedev(3) of Linux
    device = (major & 0xFFF) << 8 | (minor & 0xFF) | (minor & ~0xFF) << 12 | (major & ~0xFFF) << 32
    return {"blocks": blocks, "block_size": size, "device_type": device}


def _mime(said: str) -> Result:
    kind, _, charset = said.rpartition(":")[2].partition(";")
    if not charset:
        return {"mimetype": "unknown", "charset": "unknown"}
    return {"mimetype": kind.strip(), "charset": charset.partition("=")[2].strip()}


def _attributes(said: str) -> Result:
    words = said.split()
    if len(words) < 3:
        return {"version": None, "attributes": [], "attr_flags": ""}
    flags = words[1].replace("-", "")
    return {
        "version": words[0], "attr_flags": flags,
        "attributes": [_ATTRIBUTES[letter] for letter in flags if letter in _ATTRIBUTES],
    }  # fmt: skip


MODULES = {
    "stat": Module(
        Spec(
            "stat",
            {
                "path": Param("path", required=True, aliases=("dest", "name")),
                "follow": Param("bool", False), "get_checksum": Param("bool", True),
                "checksum_algorithm": Param(default="sha1", aliases=("checksum", "checksum_algo"),
                                            choices=("md5", "sha1", "sha224", "sha256", "sha384", "sha512")),
                "get_mime": Param("bool", True, aliases=("mime", "mime_type", "mime-type"),
                                  shows=(("stat", "mimetype"), ("stat", "charset"))),
                "get_attributes": Param("bool", True, aliases=("attr", "attributes"),
                                        shows=(("stat", "attributes"), ("stat", "attr_flags"),
                                               ("stat", "version"))),
            },
            refused={
                "get_md5": "say checksum_algorithm: md5",
                "get_selinux_context": "labels are kept, not told",
            },
        ),
        stat,
    )
}  # fmt: skip
