"""unarchive: what is in an archive stands in a directory of the host.

Parameters:
    src: the archive: tar, as it is or packed by gzip, bzip2, xz or zstd; or zip
    dest: the directory, which must be there
    remote_src: src is a file of the host, or a URL that the host gets
    copy: the contrary of remote_src, as it was called once
    creates: do nothing if this is there
    include: only these names
    exclude: not these names
    extra_opts: further options for the host's tar or unzip
    keep_newer: files that are newer than those of the archive stay
    list_files: return the names
    mode: permissions of all that is unpacked
    owner: its user
    group: its group
    validate_certs: the certificate of a URL's server has to be good
    decrypt: no lets a source that is encrypted with Vault go as it is; else it fails the task
    unsafe_writes: without effect: files are moved, and what is no file of its own cannot be unpacked over
Returns: ``dest``, ``src``, ``handler``, ``files``, ``extract_results``, ``state``, ``mode``, ``owner``,
    ``group``, ``uid``, ``gid``, ``size``
Needs: tar, and what the archive was packed by, or unzip; od, cmp, cksum, find; for a URL curl or wget
Differs: check mode foretells; contents are compared, too; all is unpacked beside its place and then moved
    in, so files are whole, and what leads out of dest fails; dest itself keeps its mode and owner; mode,
    owner and group are for directories too that the archive only implies
Source: ansible.builtin.unarchive of ansible-core 2.19, tar(1), unzip(1)
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from fnmatch import fnmatch
from typing import Any

from hostpool.tasks.base import FileSource
from hostpool.tasks.modules.base import Mode, Module, ModuleFailed, Steps, change, query, require, text
from hostpool.tasks.modules.editing import FILE, LABELS
from hostpool.tasks.modules.paths import END, INFO, take
from hostpool.tasks.modules.spec import Param, Spec
from hostpool.tasks.modules.unpacking import UNPACK
from hostpool.tasks.modules.web import PARAMS, Wish, headers_of
from hostpool.tasks.modules.web_answer import masked, take_answer
from hostpool.tasks.modules.web_program import WEB
from hostpool.tasks.modules.writing import Content

_CREATES = r"""
[ -z "$1" ] || [ ! -e "$1" ] || { printf 'skipped\n\001end\n'; exit; }
shift
"""
_FROM_HERE = (
    INFO
    + _CREATES
    + r"""
w=$(mktemp -d "${TMPDIR:-/tmp}/hostpool.XXXXXXXX") || exit
trap 'exit 129' HUP; trap 'exit 130' INT; trap 'exit 143' TERM
"""
    + UNPACK
)
_FROM_URL = (
    INFO
    + _CREATES
    + "um=$(umask)\n"
    + WEB
    + r"""
hp_web "$w/archive" ""
if [ "$hp_code" != 200 ] || [ "$hp_rc" != 0 ]; then printf 'failed\n\001end\n'; hp_said; exit; fi
umask "$um"
hp_archive=$w/archive
"""
    + UNPACK
)
_LEADING_OUT = re.compile(r"-[A-Za-z]*P|-[A-Za-z]*C|--(absolute-names|directory|to-command)\b|-d|-:")
_NAMES = 16 << 20


def unarchive(args: Mapping[str, Any], mode: Mode) -> Steps:
    source = args["src"]
    for option in args["extra_opts"] or ():
        if _LEADING_OUT.match(str(option)):
            raise ModuleFailed(f"extra_opts: {option} would lead out of dest")
    program, words, stdin = _source(args)
    key = secrets.token_hex(8)
    words += (args["dest"], "" if mode.check else "really", *_rest(args), key, *_tool_words(args))
    if mode.check:
        reply = yield from query(program, *words, stdin=stdin, most=_NAMES)
    else:
        reply = yield from change(program, *words, stdin=stdin, foretells={"changed": True})
    base = {"dest": args["dest"], "src": masked(source) if "://" in source else source}
    output = require(reply, f"failed to unpack {base['src']} to {args['dest']}", **base).stdout
    line, _, rest = output.partition(END)
    done, _, kind = text(line).strip().partition("|")
    if done == "skipped":
        return {"changed": False, "skipped": True, "msg": f"skipped, since {args['creates']} exists"}
    if done == "failed":
        answer, _ = take_answer(rest, source)
        raise ModuleFailed(f"Failure downloading {base['src']}, {answer.message}", **base)
    info, rest = take(rest)
    result = {**info.keys(args["dest"]), **base, "handler": f"{kind}Archive", "changed": done != "same"}
    result.pop("path", None)
    if args["list_files"]:
        result["files"] = _names(args, rest)
    if result["changed"]:
        result["extract_results"] = {
            "rc": 0,
            "out": "",
            "err": "",
            "cmd": ["unpack", base["src"], args["dest"]],
        }
    if done == "differs":
        yield from change(program, foretells=result)
    return result


def _source(args: Mapping[str, Any]) -> tuple[str, tuple[str, ...], bytes | FileSource]:
    """The program, its first words and its standard input."""
    content: Content | None = args["_content"]
    creates = args["creates"] or ""
    if content is not None:
        return _FROM_HERE, (creates,), content.data
    if "://" not in args["src"]:
        return _FROM_HERE, (creates,), b""
    usual = {name: param.default for name, param in PARAMS.items()}
    wish = Wish(
        {**usual, "url": args["src"], "timeout": 10, "validate_certs": args["validate_certs"]},
        headers=headers_of(None, force=False),
    )
    return _FROM_URL, (creates, *wish.words()), wish.stdin()


def _rest(args: Mapping[str, Any]) -> tuple[str, ...]:
    here = "" if args["_content"] is not None or "://" in args["src"] else args["src"]
    return (
        here, "newer" if args["keep_newer"] else "", "list" if args["list_files"] else "", args["mode"] or "",
        args["owner"] or "", args["group"] or "",
    )  # fmt: skip


def _tool_words(args: Mapping[str, Any]) -> tuple[str, ...]:
    """How many words are for tar, how many of the others are unzip's options; the words."""
    options = [str(each) for each in args["extra_opts"] or ()]
    include = [str(each) for each in args["include"] or ()]
    exclude = [str(each).rstrip("/") for each in args["exclude"] or ()]
    tar = [*options, *(["--show-transformed-names"] if options else [])]
    tar += [*(f"--exclude={each}" for each in exclude), *(["--", *include] if include else [])]
    names = [*map(_no_option, include), *(["-x", *map(_no_option, exclude)] if exclude else [])]
    return str(len(tar)), str(len(options)), *tar, *options, *names


def _no_option(name: str) -> str:
    """For unzip, which takes names for patterns and knows no end of options."""
    return f"[-]{name[1:]}" if name.startswith("-") else name


def _names(args: Mapping[str, Any], said: bytes) -> list[str]:
    """The archive's own order where its tool tells it."""
    told, _, found = said.partition(END)
    names = [
        _unescaped(line) for line in (told or found).decode("utf-8", "surrogateescape").split("\n") if line
    ]
    names = [name.removeprefix("./" if not told else "").lstrip("/") for name in names]
    include, exclude = args["include"] or (), args["exclude"] or ()
    return [
        name
        for name in names
        if (not include or any(fnmatch(name, str(each)) for each in include))
        and not any(fnmatch(name, str(each)) for each in exclude)
    ]


def _unescaped(name: str) -> str:
    """GNU tar writes bytes that its locale has no character for as octal numbers."""
    raw = re.sub(
        rb"\\([0-7]{3}|\\)",
        lambda found: b"\\" if found[1] == b"\\" else bytes([int(found[1], 8) & 255]),
        name.encode("utf-8", "surrogateescape"),
    )
    return raw.decode("utf-8", "surrogateescape")


MODULES = {
    "unarchive": Module(
        Spec(
            "unarchive",
            {
                "src": Param("path", required=True), "dest": Param("path", required=True),
                "remote_src": Param("bool", False), "copy": Param("bool", True), "creates": Param("path"),
                "include": Param("list"), "exclude": Param("list"), "extra_opts": Param("list"),
                "keep_newer": Param("bool", False), "list_files": Param("bool", False),
                "validate_certs": Param("bool", True), "decrypt": Param("bool", True), **FILE,
                "_content": Param("raw"),
            },
            refused={**LABELS, "io_buffer_size": "the host's own tools read the archive"},
            exclusive=(("include", "exclude"),),
        ),
        unarchive,
    )
}  # fmt: skip
