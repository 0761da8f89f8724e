"""The values of single keywords. Every parser takes one word and raises ValueError with the reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

Value = str | int | bool | None
Parser = Callable[[str], Value]

_SPAN = r"(?i)(\d+)([smhdw]?)"
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_LARGEST = 2**31 - 1


def parse_port(text: str) -> int:
    """A port number, 1 to 65535, or the name of a TCP service."""
    if text.isascii() and text.isdigit():
        if not 1 <= int(text) <= 65535:
            raise ValueError(f"{text} is no port: 1 to 65535")
        return int(text)
    import socket

    try:
        return socket.getservbyname(text, "tcp")
    except (OSError, ValueError):
        raise ValueError(f"{text!r} is neither a port number nor the name of a service") from None


def parse_integer(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > _LARGEST:
        raise ValueError(f"{text!r} is not a number from 0 to {_LARGEST}")
    return int(text)


def parse_seconds(text: str) -> int | None:
    """A time span as sshd_config(5) TIME FORMATS (``90``, ``1m30s``); None for ``none``."""
    if text == "none":
        return None
    spans = re.findall(_SPAN, text)
    total = sum(int(count) * _SECONDS[unit.lower()] for count, unit in spans)
    if not spans or "".join(map("".join, spans)) != text or total > _LARGEST:
        raise ValueError(f"{text!r} is not a time: seconds, or such as 1m30s")
    return total


def parse_flag(text: str) -> bool:
    return _FLAG(text) == "yes"


def choice(values: Mapping[str, str]) -> Callable[[str], str]:
    """A parser for a word out of ``values``, in any case; gives the word's one spelling."""

    def parse(text: str) -> str:
        try:
            return values[text.lower()]
        except KeyError:
            raise ValueError(f"{text!r} is not one of {', '.join(values)}") from None

    return parse


_YES_NO = {"yes": "yes", "no": "no", "true": "yes", "false": "no"}
_FLAG = choice(_YES_NO)
parse_compression = choice({"yes": "yes", "no": "no"})
parse_yes_no_ask = choice({**_YES_NO, "ask": "ask"})
parse_strictness = choice({**_YES_NO, "ask": "ask", "off": "no", "accept-new": "accept-new"})
parse_family = choice({"any": "any", "inet": "inet", "inet6": "inet6"})
parse_tty = choice({**_YES_NO, "force": "force", "auto": "auto"})
parse_pubkey = choice({**_YES_NO, "unbound": "unbound", "host-bound": "host-bound"})
parse_canonicalize = choice({**_YES_NO, "always": "always"})
parse_session_type = choice({"none": "none", "subsystem": "subsystem", "default": "default"})


def parse_text(text: str) -> str:
    return text
