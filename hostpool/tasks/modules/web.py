"""A request over HTTP (or FTP) that the host makes with its curl or wget.

What must not be seen by others on the host (the URL's password, headers, bodies) goes over standard input
into files of a directory of our own, as lines of curl's and wget's configuration. BusyBox's wget takes such
things on its command line only: it is used where there are none.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from hostpool.tasks.base import FileSource, Reading
from hostpool.tasks.modules.base import ModuleFailed
from hostpool.tasks.modules.spec import Param
from hostpool.tasks.modules.writing import Content
from hostpool.tasks.shell import coded

PARAMS: Mapping[str, Param] = {
    "url": Param(required=True), "headers": Param("dict", secret=True), "timeout": Param("int"),
    "url_username": Param(), "url_password": Param(secret=True), "force_basic_auth": Param("bool", False),
    "validate_certs": Param("bool", True), "client_cert": Param("path"), "client_key": Param("path"),
    "use_proxy": Param("bool", True), "use_netrc": Param("bool", True), "force": Param("bool", False),
    "http_agent": Param(default="ansible-httpget"), "decompress": Param("bool", True),
    "ciphers": Param("list"),
}  # fmt: skip
REFUSED: Mapping[str, str] = {
    "use_gssapi": "Kerberos is not tried",
    "unredirected_headers": "curl and wget send the same headers again after a redirect on the same host",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for. ``follow``: redirects. ``heads``: the answer's headers are needed. ``args``: those
    of PARAMS."""

    args: Mapping[str, Any]
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: Content | None = None
    follow: bool = True
    socket: str = ""
    heads: bool = False
    authorities: str = ""

    def curl(self) -> str:
        """Lines of its configuration (curl(1), --config)."""
        args = self.args
        timeout = str(args["timeout"])
        lines = ["silent", "show-error", "globoff", 'header = "Expect:"']
        lines += [_set("url", args["url"]), _set("user-agent", args["http_agent"])]
        lines += [_set("connect-timeout", timeout), _set("speed-limit", "1"), _set("speed-time", timeout)]
        lines += [_set("header", f"{name}: {value}" if value else f"{name};") for name, value in self.headers]
        if self.method == "HEAD":
            lines.append("head")
        elif self.method != ("GET" if self.body is None else "POST"):
            lines.append(_set("request", self.method))
        if args["url_username"] is not None:
            lines.append(_set("user", f"{args['url_username']}:{args['url_password'] or ''}"))
            lines.append("basic" if args["force_basic_auth"] else "anyauth")
        lines += [*(["location", _set("max-redirs", "10")] if self.follow else [])]
        lines += [] if args["validate_certs"] else ["insecure"]
        lines += [] if args["use_proxy"] else [_set("noproxy", "*")]
        lines += ["netrc-optional"] if args["use_netrc"] else []
        lines += ["compressed"] if args["decompress"] else []
        lines += [_set("ciphers", ":".join(map(str, args["ciphers"])))] if args["ciphers"] else []
        for name, value in (
            ("cert", args["client_cert"]), ("key", args["client_key"]), ("cacert", self.authorities),
            ("unix-socket", self.socket),
        ):  # fmt: skip
            lines += [_set(name, value)] if value else []
        return "".join(f"{line}\n" for line in lines)

    def wget(self) -> str:
        """Lines of its configuration (wget's manual, Wgetrc Commands)."""
        args = self.args
        lines = [f"user_agent = {args['http_agent']}", f"timeout = {args['timeout']}", "tries = 1"]
        lines += ["content_on_error = on", f"max_redirect = {10 if self.follow else 0}"]
        lines += [f"header = {name}: {value}" for name, value in self.headers]
        if self.method != "GET" or self.body is not None:
            lines.append(f"method = {self.method}")
        if args["url_username"] is not None:
            lines += [f"user = {args['url_username']}", f"password = {args['url_password'] or ''}"]
            lines += ["auth_no_challenge = on"] if args["force_basic_auth"] else []
        lines += [] if args["validate_certs"] else ["check_certificate = off"]
        lines += [] if args["use_proxy"] else ["use_proxy = off"]
        lines += [] if args["use_netrc"] else ["netrc = off"]
        lines += ["compression = auto"] if args["decompress"] else []
        for name, value in (
            ("certificate", args["client_cert"]), ("private_key", args["client_key"]),
            ("ca_certificate", self.authorities),
        ):  # fmt: skip
            lines += [f"{name} = {value}"] if value else []
        return "".join(f"{_one(line)}\n" for line in lines)

    def only_curl(self) -> str:
        """What wget has not."""
        reasons = {"unix_socket": self.socket, "ciphers": self.args["ciphers"]}
        return next((name for name, wanted in reasons.items() if wanted), "")

    def not_busybox(self) -> str:
        """What BusyBox's wget cannot do, or not without showing it to everybody on the host."""
        args, url = self.args, urlsplit(self.args["url"])
        reasons = {
            f"method {self.method}": self.method != "GET", "headers": self.headers, "body": self.body,
            "url_username": args["url_username"], "a password in the URL": "@" in url.netloc,
            "client_cert": args["client_cert"], "ca_path": self.authorities,
            "follow_redirects": not self.follow,
            "validate_certs": args["validate_certs"] and url.scheme == "https",
            "the answer's headers": self.heads,
        }  # fmt: skip
        return self.only_curl() or next((name for name, wanted in reasons.items() if wanted), "")

    def words(self) -> tuple[str, ...]:
        """The first arguments of a program that holds WEB."""
        about = "body" if self.body is not None else ""
        return self.only_curl(), self.not_busybox(), str(self.args["timeout"]), about

    def stdin(self) -> bytes | FileSource:
        url = f"{_one(self.args['url'])}\n"
        head = "".join(f"{coded(part)}\n" for part in (self.curl(), self.wget(), url)).encode()
        data = b"" if self.body is None else self.body.data
        return head + data if isinstance(data, bytes) else Headed(data.path, head)


def _one(line: str) -> str:
    if "\n" in line or "\r" in line:
        raise ModuleFailed("a URL, a header or a password cannot have more than one line")
    return line


def _set(name: str, value: str) -> str:
    quoted = _one(value).replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    return f'{name} = "{quoted}"'


@dataclass(frozen=True)
class Headed(FileSource):
    """A local file as standard input, behind some bytes."""

    head: bytes = b""

    def open(self) -> Reading:
        return _HeadedReader(self.head, super().open())


class _HeadedReader:
    def __init__(self, head: bytes, rest: Reading) -> None:
        self._head = io.BytesIO(head)
        self._rest = rest

    def read(self, size: int, /) -> bytes:
        return self._head.read(size) or self._rest.read(size)

    def close(self) -> None:
        self._rest.close()


def headers_of(given: Mapping[str, Any] | None, force: bool) -> tuple[tuple[str, str], ...]:
    """Raises ModuleFailed for what is no header."""
    found = [(str(name), "" if value is None else str(value)) for name, value in (given or {}).items()]
    for name, _ in found:
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
            raise ModuleFailed(f"{name!r} is no name of a header")
    if force:
        found.append(("Cache-Control", "no-cache"))
    return tuple(found)
