"""What a host is called: the name to connect to, and the values of the ``%`` tokens."""

from __future__ import annotations

import re

from .local import Local
from .settings import Settings
from .tokens import HOSTNAME, ExpansionError, expand_percent

_NUMERIC = re.compile(r"[0-9a-fA-FxX.:]+")


def connect_name(settings: Settings, host: str) -> str:
    """HostName with its tokens, else the host as given."""
    directive = settings.first.get("hostname")
    if directive is None:
        return host
    try:
        return expand_percent(directive.value, {"h": host}, HOSTNAME)
    except ExpansionError as error:
        raise directive.place.error(f"HostName: {error}") from None


def canonical(name: str) -> str:
    """Addresses in their one spelling (``127.1`` is ``127.0.0.1``), names in lower case. No look-ups."""
    if _NUMERIC.fullmatch(name):
        import socket

        try:
            return socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, name))
        except OSError:
            pass
        try:
            return socket.inet_ntoa(socket.inet_aton(name))
        except OSError:
            pass
    return name.lower()


def token_values(
    local: Local, *, original: str, hostname: str, port: int, user: str, alias: str, jump: str
) -> dict[str, str]:
    """The values of all tokens for one host. ``%C`` covers the jump host, as later OpenSSH has it."""
    import hashlib  # loads libcrypto: most configurations have no token

    digest = hashlib.sha1(f"{local.hostname}{hostname}{port}{user}{jump}".encode("utf-8", "surrogateescape"))
    return {
        **local_tokens(local),
        "C": digest.hexdigest(),
        "h": hostname,
        "j": jump,
        "k": alias,
        "n": original,
        "p": str(port),
        "r": user,
    }


def local_tokens(local: Local) -> dict[str, str]:
    """The tokens that are the same for every host."""
    return {
        "d": local.home,
        "i": str(local.uid),
        "L": local.hostname.partition(".")[0],
        "l": local.hostname,
        "u": local.user,
    }
