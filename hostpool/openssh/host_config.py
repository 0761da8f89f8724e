"""How one host is reached according to ssh_config: typed, expanded, complete with defaults."""

from __future__ import annotations

import msgspec

from .algorithms import AlgorithmList
from .jump import Hop

DEFAULT_IDENTITIES = ("id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk")
"""Names in ``~/.ssh`` that are tried without an IdentityFile, in OpenSSH's order."""


class HostConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Paths are absolute unless the file says otherwise; times are seconds; no algorithms: the defaults."""

    original: str
    """The host as it was asked for."""
    hostname: str
    """What to connect to (HostName, else the host), in lower case."""
    user: str
    user_explicit: bool = False
    port: int = 22
    port_explicit: bool = False

    identity_files: tuple[str, ...] = ()
    identity_files_explicit: bool = False
    """False: they are the default names, whose absence is no error."""
    certificate_files: tuple[str, ...] = ()
    identities_only: bool = False
    identity_agent: str | None = None
    """Path of the agent's socket, None for no agent."""
    forward_agent: bool = False
    forward_agent_socket: str | None = None
    """The agent to forward where it is not ``identity_agent``."""
    preferred_authentications: tuple[str, ...] = ()
    pubkey_authentication: bool = True
    password_authentication: bool = True
    kbd_interactive_authentication: bool = True
    password_prompts: int = 3
    batch_mode: bool = False

    proxy_jump: tuple[Hop, ...] | None = None
    proxy_command: str | None = None
    """Ready for ``sh -c``: its tokens are expanded."""

    user_known_hosts_files: tuple[str, ...] = ()
    global_known_hosts_files: tuple[str, ...] = ()
    revoked_host_keys: str | None = None
    host_key_alias: str | None = None
    strict_host_key_checking: str = "ask"
    """``yes``, ``ask``, ``accept-new`` or ``no``."""
    check_host_ip: bool = False
    hash_known_hosts: bool = False
    no_host_authentication_for_localhost: bool = False

    connect_timeout: int | None = None
    connection_attempts: int = 1
    server_alive_interval: int = 0
    server_alive_count_max: int = 3
    tcp_keep_alive: bool = True
    address_family: str = "any"
    """``any``, ``inet`` or ``inet6``."""
    bind_address: str | None = None
    compression: bool = False

    ciphers: AlgorithmList | None = None
    kex_algorithms: AlgorithmList | None = None
    macs: AlgorithmList | None = None
    host_key_algorithms: AlgorithmList | None = None
    pubkey_accepted_algorithms: AlgorithmList | None = None
    ca_signature_algorithms: AlgorithmList | None = None
    algorithms_set: tuple[tuple[str, str], ...] = ()
    """Which of these lists are set, by keyword, and where: a line of a file or the command line."""
    required_rsa_size: int = 1024

    send_env: tuple[str, ...] = ()
    """Names and patterns."""
    set_env: tuple[tuple[str, str], ...] = ()
    request_tty: str = "auto"
    """``yes``, ``no``, ``force`` or ``auto``."""
    remote_command: str | None = None
    refused: str | None = None
    """RefuseConnection: the reason why no connection is to be made."""

    notes: tuple[str, ...] = ()
    """What the configuration asks for and hostpool does not do, and what that changes."""
