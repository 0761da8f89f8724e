"""The value of ProxyJump and of ``-J``: ``[user@]host[:port]`` or ``ssh://…``, several with commas."""

from __future__ import annotations

import re

import msgspec

from .values import parse_port

_SEPARATORS = r"[\s#]"


class Hop(msgspec.Struct, frozen=True):
    """One jump host, as written: its user and port may come from its own ssh_config entry."""

    host: str
    user: str | None = None
    port: int | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        user = f"{self.user}@" if self.user else ""
        return f"{user}{host}:{self.port}" if self.port else f"{user}{host}"


def parse_jump(text: str) -> tuple[Hop, ...] | None:
    """The hops in the order they are passed, None for ``none``. Raises ValueError."""
    text = re.split(_SEPARATORS, text, maxsplit=1)[0]
    if text.lower() == "none":
        return None
    return tuple(parse_hop(part) for part in text.split(","))


def parse_hop(text: str) -> Hop:
    """One ``[user@]host[:port]``, ``[user@][address]:port`` or ``ssh://[user@]host[:port]``.

    Raises ValueError.
    """
    uri = text.lower().startswith("ssh://")
    rest = text[6:].removesuffix("/") if uri else text
    if "/" in rest:
        raise ValueError(f"{text}: a path has no meaning in a jump host")
    user, at, address = rest.rpartition("@")
    if at and not user:
        raise ValueError(f"{text}: the user name before @ is empty")
    host, port = _host_and_port(address, text)
    if uri and "%" in user:
        from urllib.parse import unquote  # costs 3 ms

        user = unquote(user)
    return Hop(host, user if at else None, port)


def _host_and_port(address: str, text: str) -> tuple[str, int | None]:
    if address.startswith("["):
        host, bracket, rest = address[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(f"{text}: an address in brackets is written [address] or [address]:port")
        port = rest[1:]
    elif address.count(":") > 1:
        raise ValueError(f"{text}: write an IPv6 address in brackets: [{address}]")
    else:
        host, _, port = address.partition(":")
    if not host:
        raise ValueError(f"{text or 'an empty hop'}: the host is missing")
    if address.endswith(":"):
        raise ValueError(f"{text}: the port after : is missing")
    return host, parse_port(port) if port else None
