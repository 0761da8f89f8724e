"""How to connect and how much at once: what flags, environment and configuration file say.

A field that is None was not said anywhere; then the inventory, ssh_config or a default decides
(rank: ``-e`` > inventory > flags > environment > configuration file > ssh_config > default).
The command line merges its three sources into one Settings; library users fill in what they need.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from hostpool.secrets import Secret

HostKeyPolicy = Literal["strict", "accept-new", "off"]

CONNECT_TIMEOUT = 10.0
FANOUT = 64
MAX_OUTPUT = 1024 * 1024
RETRIES = 2
KILL_GRACE = 5.0


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Times are in seconds, sizes in bytes; None means "not said"."""

    user: str | None = None
    port: int | None = None
    private_key_files: tuple[str, ...] = ()
    password: Secret | None = None
    ssh_config: str | None = None
    ssh_options: tuple[str, ...] = ()
    jump: str | None = None
    forward_agent: bool | None = None
    host_keys: HostKeyPolicy | None = None
    connect_timeout: float | None = None
    task_timeout: float | None = None
    silence_timeout: float | None = None
    retries: int | None = None
    max_output: int = MAX_OUTPUT
    on_lost: Literal["leave", "kill"] = "leave"
    kill_grace: float = KILL_GRACE
    become: bool | None = None
    become_user: str | None = None
    become_method: str | None = None
    become_password: Secret | None = None
    extra_vars: dict[str, Any] = {}
    check: bool = False
    """Foretell instead of doing: nothing that changes a host is sent."""
    keep_sessions: bool = True
    """Whether a session stays open for the host's next task (ad-hoc runs close it at once)."""
