"""What ssh_config may ask for and hostpool does not do: a sentence each, only where it changes something."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from .algorithms import AlgorithmList
from .settings import Settings


class Limit(msgspec.Struct, frozen=True):
    asked: Callable[[Any], bool]
    effect: str
    system_too: bool = True
    """False: distributions set it for everyone, so only the user's own setting is worth a word."""


def _true(value: Any) -> bool:
    return value is True


def _something(value: Any) -> bool:
    return bool(value) and str(value).lower() not in ("none", "no", "false", "internal")


LIMITS = {
    "gssapiauthentication": Limit(
        _true, "Kerberos is not tried; keys, certificates, the agent and passwords are", system_too=False
    ),
    "gssapikeyexchange": Limit(_something, "the key exchange runs without Kerberos", system_too=False),
    "hostbasedauthentication": Limit(_true, "host-based login is not tried"),
    "pkcs11provider": Limit(_something, "keys on the token are used only through an agent that holds them"),
    "securitykeyprovider": Limit(_something, "security keys are used only through an agent that holds them"),
    "verifyhostkeydns": Limit(
        lambda value: value != "no", "fingerprints in DNS are not asked for: the key must be in known_hosts"
    ),
    "knownhostscommand": Limit(
        _something, "the command is not run: host keys come from the known_hosts files"
    ),
    "proxyusefdpass": Limit(
        _true, "a socket passed by the ProxyCommand is not taken: the connection will fail"
    ),
    "checkhostip": Limit(_true, "only the key known for the name is checked, not that of the address"),
    "requiredrsasize": Limit(lambda size: size > 1024, "the size of RSA keys is not checked"),
    "requesttty": Limit(lambda value: value in ("yes", "force"), "a terminal is asked for by --tty alone"),
    "casignaturealgorithms": Limit(
        _something, "certificates signed with ed25519, ECDSA or RSA with SHA-2 are accepted, others never"
    ),
    "bindinterface": Limit(_something, "the interface is not chosen; BindAddress is honoured"),
    "remotecommand": Limit(_something, "it is not run: the task's command is"),
    "permitlocalcommand": Limit(_true, "LocalCommand is not run"),
    "remoteforward": Limit(_something, "the forwarding is not opened"),
    "tunnel": Limit(_something, "no tunnel device is opened"),
}


def notes_on(settings: Settings) -> tuple[str, ...]:
    """One line per limit that the settings run into: keyword, value, place, effect."""
    return tuple(
        f"{directive.keyword.name} {_shown(directive.value)} ({directive.place}): {limit.effect}"
        for key, limit in LIMITS.items()
        if (directive := settings.first.get(key)) is not None
        and limit.asked(directive.value)
        and (limit.system_too or directive.place.user)
    )


def _shown(value: Any) -> str:
    if isinstance(value, AlgorithmList):
        return ",".join(value.words())
    return "yes" if value is True else str(value)
