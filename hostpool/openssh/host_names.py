"""How known_hosts names a host."""

from __future__ import annotations

DEFAULT_PORT = 22


def host_name(host: str, port: int = DEFAULT_PORT) -> str:
    """``host``, or ``[host]:port`` for a port that is not 22; in lower case."""
    host = host.lower()
    return host if port == DEFAULT_PORT else f"[{host}]:{port}"


def names_for(host: str, port: int = DEFAULT_PORT, alias: str | None = None) -> tuple[str, ...]:
    """The names under which the key of a target is looked up and written, best first.

    HostKeyAlias replaces both host and port (ssh_config(5)). With another port than 22 only the
    bracketed name counts: the key of ``host`` may belong to another server.
    """
    return (alias.lower(),) if alias else (host_name(host, port),)
