"""A request over HTTP (or FTP) that the host makes with its curl or wget, and what came of it.

What must not be seen by others on the host (the URL's password, headers, bodies) goes over standard input
into files of a directory of our own, as lines of curl's and wget's configuration. BusyBox's wget takes such
things on its command line only: it is used where there are none.
"""

from __future__ import annotations

import email.message
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

from hostpool.tasks.base import FileSource, Reading
from hostpool.tasks.modules.base import ModuleFailed, text
from hostpool.tasks.modules.paths import END
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


# Arguments: what only curl can do, what BusyBox's wget cannot, seconds, whether there is a body.
# hp_web OUT FILE: the answer to OUT, if it is newer than FILE (if any); hp_rc is how that ended, hp_code
# the status, hp_end where it came from.
WEB = r"""
hp_only=$1 hp_plain=$2 hp_time=$3 hp_has=$4
shift 4
umask 077
w=$(mktemp -d "${TMPDIR:-/tmp}/hostpool.XXXXXXXX") || exit
hp_out=
trap 'rm -rf -- "$w" ${hp_out:+"$hp_out"}' EXIT
trap 'exit 129' HUP; trap 'exit 130' INT; trap 'exit 143' TERM
for hp_one in curl wget url; do IFS= read -r hp_line; printf %b "$hp_line" > "$w/$hp_one" || exit; done
cat > "$w/body" || exit
hp_url=$(cat "$w/url")
hp_newer() { # file, what stands around a header in a configuration
  hp_date=$(LC_ALL=C date -u -r "$1" '+%a, %d %b %Y %H:%M:%S GMT' 2>/dev/null) || return 0
  printf 'header = "If-Modified-Since: %s"\n' "$hp_date" >> "$w/curl"
  printf 'header = If-Modified-Since: %s\n' "$hp_date" >> "$w/wget"
}
hp_without() { [ -z "$1" ] || { echo "$2 cannot do it ($1): install curl on the host" >&2; exit 81; }; }
hp_watched() { # process, its file: ends it when nothing comes for hp_time seconds
  hp_size=x hp_still=0
  while kill -0 "$1" 2>/dev/null; do
    hp_now=$(wc -c < "$2" 2>/dev/null)
    if [ "$hp_now" = "$hp_size" ]; then hp_still=$((hp_still + 1)); else hp_still=0 hp_size=$hp_now; fi
    [ "$hp_still" -lt "$hp_time" ] || kill "$1"
    sleep 1
  done
  wait "$1"; hp_rc=$?
}
hp_web() {
  [ -z "$2" ] || hp_newer "$2"
  : > "$w/head"; : > "$w/err"
  hp_end=$hp_url
  if command -v curl >/dev/null 2>&1; then
    set -- "$1" -q -K "$w/curl" -o "$1" -D "$w/head" -w '%{url_effective}'
    [ -z "$hp_has" ] || set -- "$@" --data-binary "@$w/body"
    hp_to=$1; shift
    hp_end=$(curl "$@" 2> "$w/err"); hp_rc=$?
    [ -e "$hp_to" ] || : > "$hp_to"
  elif ! command -v wget >/dev/null 2>&1; then
    echo 'the host has neither curl nor wget' >&2; exit 81
  elif wget --version 2>/dev/null | grep 'GNU Wget' >/dev/null; then
    hp_without "$hp_only" wget
    [ -z "$hp_has" ] || printf 'body_file = %s\n' "$w/body" >> "$w/wget"
    wget --config="$w/wget" -nv -S -o "$w/err" -O "$1" -i "$w/url"; hp_rc=$?
    sed -n 's/^  //p' "$w/err" > "$w/head"
  else
    hp_without "$hp_plain" "BusyBox's wget"
    case $(wget --help 2>&1) in
      *'-T SEC'*) wget -T "$hp_time" -O "$1" "$hp_url" 2> "$w/err"; hp_rc=$? ;;
      # one that was built without time limits; Debian's crashes then (github.com/mirror/busybox/issues/124)
      *) wget -O "$1" "$hp_url" 2> "$w/err" & hp_watched "$!" "$1" ;;
    esac
    if [ "$hp_rc" = 0 ]; then echo 'HTTP/1.1 200 OK'
    else sed -n 's/.*server returned error: //p' "$w/err"; fi > "$w/head"
  fi
  [ "$hp_rc" != 153 ] || echo 'the answer is too large' >> "$w/err" # SIGXFSZ of ulimit
  hp_code=$(sed -n 's/^HTTP\/[0-9.]* *\([0-9][0-9]*\).*/\1/p' "$w/head" | tail -n 1)
  case $hp_url in
    [Hh][Tt][Tt][Pp]*) ;;
    *) [ "$hp_rc" != 0 ] || hp_code=200 ;;
  esac
}
hp_said() { # what take_answer reads
  printf '%s|%s|%s\n\001end\n' "$hp_rc" "${hp_code:-0}" "$hp_end"
  cat "$w/head"; printf '\001end\n'
  head -c 4096 "$w/err"; printf '\001end\n'
}
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """``status`` 0: there was none, and ``words`` say why. Names of headers in lower case; those that came
    twice have both values. ``url``: where it came from in the end."""

    status: int
    reason: str
    url: str
    redirected: bool
    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    words: str

    @property
    def message(self) -> str:
        if self.status in (200, 201, 202, 203, 204, 205, 206):
            return f"OK ({self.headers.get('content-length', 'unknown')} bytes)"
        return f"HTTP Error {self.status}: {self.reason}" if self.status else f"Request failed: {self.words}"


def take_answer(output: bytes, url: str) -> tuple[Answer, bytes]:
    """The answer at the front of ``output``, and what follows it. Raises ModuleFailed."""
    parts = output.split(END, 3)
    if len(parts) < 4:
        raise ModuleFailed("the host's answer cannot be read")
    rc, code, end = (*text(parts[0]).strip().split("|", 2), "", "")[:3]
    heads = _heads(text(parts[1]))
    status = int(code) if code.isdecimal() else 0
    if rc not in ("0", "8") and status == 200:  # 8: wget had the answer, an error of the server's
        status = 0
    final = end or url
    if final == url:  # wget does not say
        for _, _, each in heads[:-1]:
            final = urljoin(final, each.get("location", ""))
    redirected = final.rstrip("/") != url.rstrip("/")
    answer = Answer(
        status=status,
        reason=heads[-1][1] if heads else "",
        url=masked(final if redirected else url),
        redirected=redirected,
        headers=heads[-1][2] if heads else {},
        cookies={name: value for _, _, each in heads for name, value in _cookies(each.get("set-cookie", ""))},
        words=text(parts[2]).strip() or f"exit status {rc}",
    )
    return answer, parts[3]


def _heads(said: str) -> list[tuple[int, str, dict[str, str]]]:
    """Status, reason and headers of each response on the way."""
    found: list[tuple[int, str, dict[str, str]]] = []
    for line in said.replace("\r", "").split("\n"):
        status = re.match(r"HTTP/[\d.]+ +(\d+) *(.*)", line)
        if status is not None:
            found.append((int(status[1]), status[2].strip(), {}))
            continue
        name, colon, value = line.partition(":")
        if colon and found:
            headers, key = found[-1][2], name.strip().lower()
            separator = "\n" if key == "set-cookie" else ", "
            headers[key] = f"{headers[key]}{separator}{value.strip()}" if key in headers else value.strip()
    return found


def _cookies(lines: str) -> list[tuple[str, str]]:
    pairs = [line.partition(";")[0].partition("=") for line in lines.split("\n") if "=" in line]
    return [(name.strip(), value.strip().strip('"')) for name, _, value in pairs]


def masked(url: str) -> str:
    """Without the user and the password."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    if not at:
        return url
    return urlunsplit(parts._replace(netloc=f"{'****:****' if ':' in user else '****'}@{host}"))


def charset_of(headers: Mapping[str, str]) -> tuple[str, str]:
    """Content type and encoding of a response."""
    message = email.message.Message()
    message["content-type"] = headers.get("content-type") or "application/octet-stream"
    return message.get_content_type(), str(message.get_param("charset") or "utf-8")
