"""stat: what there is at a path is known; nothing is changed.

Parameters:
    path: where
    follow: look at what a link leads to
    get_checksum: the checksum of a file
    checksum_algorithm: which
    get_mime: no effect: the type is not asked for
    get_attributes: no effect: attributes of lsattr(1) are not asked for
    get_md5: no effect: it is gone from the peer too
    get_selinux_context: no effect: the label is not asked for
Returns: ``stat``
Needs: stat, readlink, and a tool for the checksum.
Source: ansible.builtin.stat of ansible-core 2.19.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from hostpool.tasks.modules.base import Mode, Module, Result, Steps, query, require
from hostpool.tasks.modules.paths import INFO, Info, octal, take
from hostpool.tasks.modules.spec import Param, Spec

_LOOK = INFO + 'hp_info "$1" "$2" "$3"\n[ ! -L "$1" ] || readlink -f -- "$1"\n'


def stat(args: Mapping[str, Any], mode: Mode) -> Steps:
    algorithm = args["checksum_algorithm"] if args["get_checksum"] else ""
    reply = yield from query(_LOOK, args["path"], "-L" if args["follow"] else "", algorithm)
    info, rest = take(require(reply, f"{args['path']} cannot be looked at").stdout)
    if not info.exists:
        return {"changed": False, "stat": {"exists": False}}
    found = _keys(args["path"], info)
    if info.checksum:
        found["checksum"] = info.checksum
    if info.kind == "link":
        found["lnk_target"] = info.target
        found["lnk_source"] = rest.decode("utf-8", "surrogateescape").removesuffix(
            "\n"
        ) or posixpath.normpath(posixpath.join(posixpath.dirname(args["path"]), info.target))
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
    return {
        "exists": True, "path": path, "mode": octal(info.mode), "uid": info.uid, "gid": info.gid,
        "size": info.size, "inode": info.inode, "dev": info.device, "nlink": info.links,
        "atime": info.atime, "mtime": info.mtime, "ctime": info.ctime, "pw_name": info.user,
        "gr_name": info.group, "readable": "r" in info.may, "writeable": "w" in info.may,
        "executable": "x" in info.may,
        **{key: info.kind == kind for key, kind in kinds.items()},
        **{key: bool(info.mode & bit) for key, bit in bits.items()},
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
                "get_mime": Param("bool", True, aliases=("mime", "mime_type", "mime-type")),
                "get_attributes": Param("bool", True, aliases=("attr", "attributes")),
                "get_md5": Param("bool", False), "get_selinux_context": Param("bool", False),
            },
        ),
        stat,
    )
}  # fmt: skip
