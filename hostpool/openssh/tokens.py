"""``%`` tokens, ``${ENVIRONMENT}`` and ``~`` of ssh_config(5)."""

from __future__ import annotations

import re
from collections.abc import Mapping

_PERCENT = r"(?s)%(.?)"
_DOLLAR = r"\$\{([^}]*)(\}?)"

HOSTNAME = "h"
PROXY = "hnpr"
EVERYWHERE = "CdhijkLlnpru"
"""For CertificateFile, IdentityAgent, IdentityFile, UserKnownHostsFile, RemoteCommand, Match exec, …"""


class ExpansionError(ValueError):
    """A token or variable that cannot be expanded; the text says which."""


def expand_percent(text: str, values: Mapping[str, str], allowed: str = EVERYWHERE) -> str:
    """Replaces ``%x`` for every letter in ``allowed``, and ``%%``. Raises ExpansionError."""
    if "%" not in text:
        return text

    def value(found: re.Match[str]) -> str:
        letter = found[1]
        if letter == "%":
            return "%"
        if not letter or letter not in allowed:
            raise ExpansionError(f"{found[0]} is not a token that this keyword accepts")
        return values[letter]

    return re.sub(_PERCENT, value, text)


def expand_environment(text: str, env: Mapping[str, str]) -> str:
    """Replaces ``${NAME}``. Raises ExpansionError for a variable that is not set."""
    if "${" not in text:
        return text

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if not found[2] or not name:
            raise ExpansionError(f"{found[0]} is not a variable: ${{NAME}} is the form")
        if name not in env:
            raise ExpansionError(f"the environment variable {name} is not set")
        return env[name]

    return re.sub(_DOLLAR, value, text)


def expand_tilde(path: str, home: str) -> str:
    """Replaces a leading ``~`` or ``~user``. Raises ExpansionError for an unknown user."""
    if not path.startswith("~"):
        return path
    user, slash, rest = path[1:].partition("/")
    if user:
        import pwd

        try:
            home = pwd.getpwnam(user).pw_dir
        except KeyError:
            raise ExpansionError(f"~{user}: no such user") from None
    return home.rstrip("/") + "/" + rest.lstrip("/") if slash else home
