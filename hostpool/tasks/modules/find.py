"""find: the files of directories that are as described. Changes nothing.

Parameters:
    paths: the directories; a single file is none
    patterns: names, as globs; any of them (default: all)
    excludes: names, as globs, that are left out
    use_regex: patterns and excludes are regular expressions, matched at a name's beginning
    file_type: what is looked for
    recurse: below the directories too
    depth: how deep (1: only what is in the directory itself)
    hidden: names that begin with a dot too
    follow: through links to directories
    age: older than (negative: younger than) this, in s, m, h, d or w
    age_stamp: the time that counts
    size: larger than (negative: smaller than) this, in b, k, m, g or t
    mode: permissions
    exact_mode: these and no others; otherwise any of them
    contains: a regular expression that a line has to begin with
    read_whole_file: contains is searched in the whole file
    encoding: the files' encoding, for contains
    get_checksum: add checksums
    checksum_algorithm: how they are made
    limit: at most so many
Returns: ``files`` (a list of what stat returns), ``matched``, ``examined``, ``skipped_paths``, ``msg``
Needs: find, stat; for checksums their tool
Differs: the files are sorted by their paths; contains reads files of up to 16 MiB (a second round trip)
Source: ansible.builtin.find of ansible-core 2.19
"""

from __future__ import annotations

import posixpath
import re
import secrets
from collections.abc import Generator, Iterable, Mapping
from typing import Any

from hostpool.tasks.base import Request
from hostpool.tasks.modules.base import Mode, Module, ModuleFailed, Result, Steps, query, require
from hostpool.tasks.modules.editing import LARGEST
from hostpool.tasks.modules.find_wish import wish_of
from hostpool.tasks.modules.paths import INFO, octal
from hostpool.tasks.modules.spec import Param, Spec

_LISTING = 64 << 20
"""Bytes of a list of files: some 400,000 of them."""
_BATCH = 16 << 20
# One record a file, beginning with "//", which no path that find prints has.
_FIND = r"""
follow=$1 depth=$2
shift 2
command -v find >/dev/null || { echo 'there is no find' >&2; exit 127; }
if stat -c %a / >/dev/null 2>&1; then o=-c f='//%f|%u|%g|%U|%G|%s|%X|%Y|%Z|%i|%d|%h|%n'
else o=-f f='//%Xp|%u|%g|%Su|%Sg|%z|%a|%m|%c|%i|%d|%l|%N'; fi
LC_ALL=C; export LC_ALL
printf 'now %s\n' "$(date +%s)"
for p; do
  printf '///%s\n' "$p"
  if [ ! -d "$p" ]; then printf '///!not a directory\n'; continue; fi
  find $follow "${p%/}/" -mindepth 1 ${depth:+-maxdepth "$depth"} -exec stat $o "$f" {} +
done
exit 0
"""
_SUMS = INFO + r"""
a=$1; shift
for f; do hp_sum "$a" "$f" | { read -r s rest; printf '%s\n' "$s"; }; done
"""  # fmt: skip
_READ = 'end=$1; shift\nfor f; do cat < "$f"; printf %s "$end"; done\n'
_DENIED = re.compile(r"^find: '?(.+?)'?: ([^:\n]*)$", re.MULTILINE)
_KINDS = {
    0o040000: "isdir", 0o020000: "ischr", 0o060000: "isblk", 0o100000: "isreg", 0o010000: "isfifo",
    0o120000: "islnk", 0o140000: "issock",
}  # fmt: skip
_BITS = {
    "wusr": 0o200, "rusr": 0o400, "xusr": 0o100, "wgrp": 0o020, "rgrp": 0o040, "xgrp": 0o010,
    "woth": 0o002, "roth": 0o004, "xoth": 0o001, "isuid": 0o4000, "isgid": 0o2000,
}  # fmt: skip


def find(args: Mapping[str, Any], mode: Mode) -> Steps:
    wish = wish_of(args)
    depth = 1 if not args["recurse"] else args["depth"] or 0
    roots = [_rooted(str(path)) for path in args["paths"]]
    reply = yield from query(_FIND, "-L" if args["follow"] else "", str(depth or ""), *roots, most=_LISTING)
    found, skipped, now = _records(require(reply, "the files cannot be listed").stdout)
    skipped.update(_DENIED.findall(reply.stderr.decode("utf-8", "replace")))
    matching = [each for each in found if wish.holds(each, now)]
    if args["contains"] is not None and args["file_type"] == "file":
        matching = yield from _containing(args, matching)
    matching.sort(key=lambda each: each["path"])
    message = "All paths examined"
    if args["limit"] is not None and len(matching) >= args["limit"]:
        matching, message = matching[: args["limit"]], "Limit of matches reached"
    if args["get_checksum"]:
        yield from _add_checksums(args, matching)
    if skipped:
        message = "Not all paths examined, check warnings for details"
    return {
        "changed": False, "files": matching, "matched": len(matching), "examined": len(found),
        "skipped_paths": skipped, "msg": message,
    }  # fmt: skip


def _rooted(path: str) -> str:
    path = re.sub("//+", "/", path).rstrip("/") or "/"
    return f"./{path}" if path.startswith("-") else path


def _records(output: bytes) -> tuple[list[Result], dict[str, str], int]:
    first, _, rest = output.partition(b"\n")
    now = int(first.removeprefix(b"now ") or 0)
    found: list[Result] = []
    skipped: dict[str, str] = {}
    root = ""
    for record in ("\n" + rest.removesuffix(b"\n").decode("utf-8", "surrogateescape")).split("\n//"):
        if record.startswith("/!"):
            skipped[root] = f"'{root}' is not a directory"
        elif record.startswith("/"):
            root = posixpath.normpath(record.removeprefix("/").split("\n")[0] or "/")
        elif record.strip():
            file = _file(record)
            if file is not None:
                found.append(file)
    unique = {each["path"]: each for each in found}
    return list(unique.values()), skipped, now


def _file(record: str) -> Result | None:
    parts = record.split("|", 12)
    if len(parts) < 13:
        return None
    mode = int(parts[0], 16)
    uid, gid, size = (int(parts[number]) for number in (1, 2, 5))
    atime, mtime, ctime = (float(part) for part in parts[6:9])
    user, group = ("" if name == "UNKNOWN" else name for name in parts[3:5])
    return {
        "path": posixpath.normpath(parts[12]), "mode": octal(mode & 0o7777), "uid": uid, "gid": gid,
        "size": size, "inode": int(parts[9]), "dev": int(parts[10]), "nlink": int(parts[11]),
        "atime": atime, "mtime": mtime, "ctime": ctime, "pw_name": user, "gr_name": group,
        **{name: mode & 0o170000 == kind for kind, name in _KINDS.items()},
        **{name: bool(mode & bit) for name, bit in _BITS.items()},
    }  # fmt: skip


def _containing(args: Mapping[str, Any], files: list[Result]) -> Generator[Request[Any], Any, list[Result]]:
    """Those whose content matches. Python's expressions are no host's, so the contents come here."""
    try:
        pattern = re.compile(args["contains"])
    except re.error as error:
        raise ModuleFailed(f"contains {args['contains']!r}: {error}") from error
    found = []
    for batch in _batches(files):
        end = secrets.token_hex(16)
        names = [_rooted(file["path"]) for file in batch]
        reply = yield from query(_READ, end, *names, most=2 * _BATCH)
        for file, content in zip(batch, reply.stdout.split(end.encode()), strict=False):
            if _contains(content, pattern, args):
                found.append(file)
    return found


def _contains(content: bytes, pattern: re.Pattern[str], args: Mapping[str, Any]) -> bool:
    encoding = args["encoding"] or "utf-8"
    try:
        text = content.decode(encoding, "strict" if args["encoding"] else "surrogateescape")
    except (LookupError, UnicodeError) as error:
        raise ModuleFailed(f"a file cannot be read as {encoding}: {error}") from error
    if args["read_whole_file"]:
        return pattern.search(text) is not None
    return any(pattern.match(line) for line in text.split("\n"))


def _batches(files: list[Result]) -> Iterable[list[Result]]:
    batch: list[Result] = []
    size = 0
    for file in files:
        if file["size"] > LARGEST:
            raise ModuleFailed(f"{file['path']} is larger than 16 MiB, too large for contains: say size")
        if batch and size + file["size"] > _BATCH:
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += file["size"]
    if batch:
        yield batch


def _add_checksums(args: Mapping[str, Any], files: list[Result]) -> Generator[Request[Any], Any, None]:
    regular = [file for file in files if file["isreg"]]
    if not regular:
        return
    names = [_rooted(file["path"]) for file in regular]
    reply = yield from query(_SUMS, args["checksum_algorithm"], *names, most=_LISTING)
    for file, line in zip(regular, reply.stdout.decode("ascii", "replace").split("\n"), strict=False):
        file["checksum"] = line


MODULES = {
    "find": Module(
        Spec(
            "find",
            {
                "paths": Param("list", required=True, aliases=("name", "path")),
                "patterns": Param("list", aliases=("pattern",)),
                "excludes": Param("list", aliases=("exclude",)),
                "contains": Param(), "read_whole_file": Param("bool", False), "encoding": Param(),
                "file_type": Param(default="file", choices=("any", "directory", "file", "link")),
                "age": Param(), "age_stamp": Param(default="mtime", choices=("atime", "ctime", "mtime")),
                "size": Param(), "recurse": Param("bool", False), "depth": Param("int"),
                "hidden": Param("bool", False), "follow": Param("bool", False),
                "get_checksum": Param("bool", False),
                "checksum_algorithm": Param(default="sha1", aliases=("checksum", "checksum_algo"),
                                            choices=("md5", "sha1", "sha224", "sha256", "sha384", "sha512")),
                "use_regex": Param("bool", False), "mode": Param("mode"),
                "exact_mode": Param("bool", True), "limit": Param("int"),
            },
        ),
        find,
    )
}  # fmt: skip
