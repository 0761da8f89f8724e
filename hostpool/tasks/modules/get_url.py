"""get_url: a file that a server has stands on the host, which gets it itself.

Parameters:
    url: where it is: http, https or ftp
    dest: where it goes; in a directory it has the name the server says, or the URL's
    checksum: algorithm:sum, or algorithm:URL of a list of sums; a file that has it is not got again
    force: get it even if the server has none that is newer, and replace it if it differs
    backup: keep the old file beside it
    tmp_dest: the directory it is written in before it is moved to its place
    headers: headers of the request
    timeout: seconds without a connection or a byte
    url_username: user
    url_password: password
    force_basic_auth: send them at once, not only when asked for them
    validate_certs: the server's certificate has to be good
    client_cert: file with our certificate
    client_key: file with its key
    use_proxy: through the proxy the host's environment names
    use_netrc: user and password may come from ~/.netrc
    http_agent: the name we go by
    decompress: an answer that is compressed on its way is unpacked
    ciphers: of TLS; needs curl
    mode: permissions
    owner: user
    group: group
    unsafe_writes: write in place where the file cannot be replaced (a mount point)
Returns: ``dest``, ``url``, ``status_code``, ``msg``, ``checksum_src``, ``checksum_dest``, ``md5sum``,
    ``elapsed``, ``backup_file``, ``state``, ``mode``, ``owner``, ``group``, ``uid``, ``gid``, ``size``
Needs: curl, or wget (BusyBox's only for a file, without headers, passwords and certificates); a SHA-1 tool
Differs: check mode gets the file too, to foretell what is so, and throws it away; attributes are set where
    nothing had to be got, too
Source: ansible.builtin.get_url of ansible-core 2.19, curl(1), wget's manual
"""

from __future__ import annotations

import posixpath
import re
import secrets
import time
from collections.abc import Generator, Mapping
from typing import Any
from urllib.parse import urlsplit

from hostpool.tasks.base import Request
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
from hostpool.tasks.modules.editing import FILE, LABELS
from hostpool.tasks.modules.get_url_program import GET, SUMS
from hostpool.tasks.modules.paths import END, INFO, SET, Info, foretold, take, wanted
from hostpool.tasks.modules.spec import Param, Spec
from hostpool.tasks.modules.web import PARAMS, REFUSED, Wish, headers_of
from hostpool.tasks.modules.web_answer import masked, take_answer

_LIST = 1 << 20
_ALGORITHMS = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")
_SET = INFO + SET + 'hp_set "$1" "$2" "$3" "$4" && hp_info "$1" -L ""\n'


def get_url(args: Mapping[str, Any], mode: Mode) -> Steps:
    args = {**args, "timeout": args["timeout"] or 10}
    wish = Wish(args, headers=headers_of(args["headers"], args["force"]))
    algorithm, wanted_sum = yield from _checksum(args)
    began = time.monotonic()
    key = secrets.token_hex(8)
    backup = kept_as("", key)
    octal = args["mode"] if args["mode"] is not None and args["mode"].isdigit() else ""
    words = (
        *wish.words(), args["dest"], "" if mode.check else "really", algorithm, wanted_sum,
        "force" if args["force"] else "", octal, args["owner"] or "", args["group"] or "",
        backup if args["backup"] else "", "unsafe" if args["unsafe_writes"] else "", key,
        args["tmp_dest"] or "",
    )  # fmt: skip
    if mode.check:
        reply = yield from query(GET, *words, stdin=wish.stdin())
    else:
        reply = yield from change(GET, *words, stdin=wish.stdin(), foretells={"changed": True})
    base = {"dest": args["dest"], "url": masked(args["url"]), "checksum_src": None, "checksum_dest": None}
    output = require(reply, f"{masked(args['url'])} could not be got", **base).stdout
    result, info, done = _judged(args, base, output)
    result["elapsed"] = int(time.monotonic() - began)
    dest = result["dest"]
    if done == "changed" and args["backup"] and result["checksum_dest"] is not None:
        result["backup_file"] = dest + backup
    attributes = wanted(args, info, 0o644)
    if done == "differs":
        new = foretold(
            info if info.exists else Info("absent", mode=0o644), attributes, "file", result["size"]
        )
        yield from change(GET, foretells={**result, **new.keys(dest), "changed": True})
    result = {**info.keys(dest), **result, "size": info.size, "changed": done == "changed"}
    if not attributes or not info.exists:
        return result
    told = {**result, **foretold(info, attributes, "file").keys(dest), "changed": True}
    if done == "have":
        told["msg"] = "file already exists but file attributes changed"
    reply = yield from change(_SET, dest, attributes.mode, attributes.owner, attributes.group, foretells=told)
    after, _ = take(require(reply, f"{dest}: mode and owner could not be set", dest=dest).stdout)
    return {**told, **after.keys(dest)}


def _judged(args: Mapping[str, Any], base: Result, output: bytes) -> tuple[Result, Info, str]:
    """The result so far, what is at dest now, and have, same, differs or changed. Raises ModuleFailed."""
    line, _, rest = output.partition(END)
    name, _, rest = rest.partition(b"\n" + END)
    info, rest = take(rest)
    done, new, was, md5, size = (*text(line).strip().split("|"), "", "", "", "", "0")[:5]
    dest = name.decode("utf-8", "surrogateescape")
    result = {**base, "dest": dest, "size": int(size.strip() or 0)}
    if done == "have":
        return {**result, "msg": "file already exists"}, info, done
    answer, _ = take_answer(rest, args["url"])
    result.update(checksum_src=new or None, checksum_dest=was or None)
    if done.startswith("other "):
        raise ModuleFailed(
            f"The checksum for {masked(args['url'])} did not match {args['checksum']}; it was {done[6:]}.",
            **result,
        )
    if done == "failed" and not answer.status:
        raise ModuleFailed(answer.message, status_code=-1, **result)
    if done == "failed":
        raise ModuleFailed("Request failed", status_code=answer.status, response=answer.message, **result)
    result.update(msg=answer.message, status_code=answer.status)
    if md5:
        result["md5sum"] = md5
    return result, info, done


def _checksum(args: Mapping[str, Any]) -> Generator[Request[Any], Any, tuple[str, str]]:
    """Algorithm and sum; a list of sums is got first. Raises ModuleFailed."""
    if not args["checksum"]:
        return "", ""
    algorithm, colon, value = args["checksum"].partition(":")
    if not colon:
        raise ModuleFailed("The checksum parameter has to be in format <algorithm>:<checksum>")
    if algorithm not in _ALGORITHMS:
        raise ModuleFailed(f"no host is known to have {algorithm!r}: {', '.join(_ALGORITHMS)} are")
    if urlsplit(value).scheme in ("http", "https", "ftp", "file"):
        value = yield from _listed(args, value)
    value = re.sub(r"\W+", "", value, flags=re.ASCII).lower()
    if not re.fullmatch(r"[0-9a-f]+", value):
        raise ModuleFailed("The checksum format is invalid")
    return algorithm, value


def _listed(args: Mapping[str, Any], url: str) -> Generator[Request[Any], Any, str]:
    wish = Wish({**args, "url": url}, headers=headers_of(args["headers"], force=False))
    reply = yield from query(SUMS, *wish.words(), stdin=wish.stdin(), most=_LIST)
    output = require(reply, f"{masked(url)} could not be got").stdout
    answer, content = take_answer(output, url)
    if answer.status != 200:
        raise ModuleFailed(f"{masked(url)}: {answer.message}", status_code=answer.status or -1)
    name = posixpath.basename(urlsplit(args["url"]).path) or "index.html"
    lines = text(content).splitlines()
    if len(lines) == 1 and len(lines[0].split()) == 1:
        return lines[0].strip()
    for line in lines:
        bsd = re.match(r"\w+ ?\((.+)\) ?= ([\w.]+)$", line)
        gnu = re.match(r"([\w.]+)\s+[*]?(.+)$", line)
        path, value = (bsd[1], bsd[2]) if bsd else (gnu[2], gnu[1]) if gnu else ("", "")
        if path.removeprefix("./") == name:
            return value
    raise ModuleFailed(f"Unable to find a checksum for file '{name}' in '{masked(url)}'")


MODULES = {
    "get_url": Module(
        Spec(
            "get_url",
            {
                **PARAMS, "dest": Param("path", required=True), "backup": Param("bool", False),
                "checksum": Param(default=""), "tmp_dest": Param("path"), **FILE,
                "url_username": Param(aliases=("username",)),
                "url_password": Param(secret=True, aliases=("password",)),
            },
            refused={**LABELS, **REFUSED},
        ),
        get_url,
    )
}  # fmt: skip
