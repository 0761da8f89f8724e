"""The chain of hosts to a target, as OpenSSH builds it out of ProxyJump."""

from __future__ import annotations

import msgspec

from hostpool.errors import SSHConfigError

from .host_config import HostConfig
from .ssh_config import SSHConfig

MAX_HOPS = 16


def route(config: SSHConfig, target: HostConfig) -> tuple[HostConfig, ...]:
    """The jump hosts before ``target``, in the order they are passed; empty for a direct connection.

    Only the first one may have a ``proxy_command`` of its own; ``proxy_jump`` of all is None.
    ``-o`` options do not apply to jump hosts, and a jump host's own ProxyJump counts only for the
    first of a list. Raises SSHConfigError for a loop.
    """
    config = config.without_options()
    chain: list[HostConfig] = []
    hops = target.proxy_jump
    while hops:
        last, before = hops[-1], hops[:-1]
        found = config.resolve(last.host, user=last.user, port=last.port)
        hops = before or found.proxy_jump
        command = None if before or hops else found.proxy_command
        chain.append(msgspec.structs.replace(found, proxy_jump=None, proxy_command=command))
        if len(chain) > MAX_HOPS:
            raise SSHConfigError(
                f"the jump hosts to {target.original} lead in a circle",
                hint=f"{last.host} is reached through itself: give it ProxyJump none",
                host=target.original,
            )
    return tuple(reversed(chain))
