"""What a host says of a request that it made."""

from __future__ import annotations

import email.message
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit, urlunsplit

from hostpool.tasks.modules.base import ModuleFailed, text
from hostpool.tasks.modules.paths import END


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
