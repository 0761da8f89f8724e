"""From a host's name to a Target: inventory variables, settings and ssh_config put together.

Connection settings rank: ``-e`` > inventory > flags > environment > configuration file (these three
are merged in Settings already) > ssh_config > default.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hostpool.errors import ConfigError, HostpoolError, InventoryError, Problems, SSHConfigError
from hostpool.messages import Become, HostKeyPolicy, Target
from hostpool.settings import CONNECT_TIMEOUT, Settings
from hostpool.targets.variables import ConnectionVars, read_connection_vars

if TYPE_CHECKING:
    from hostpool.inventory import Inventory
    from hostpool.openssh.algorithms import AlgorithmList
    from hostpool.openssh.host_config import HostConfig
    from hostpool.openssh.ssh_config import SSHConfig

ALIVE_INTERVAL = 15.0
_POLICIES: dict[str, HostKeyPolicy] = {
    "yes": "strict",
    "ask": "strict",
    "accept-new": "accept-new",
    "no": "off",
}


class Resolver:
    """Looks hosts up and remembers what it found. Used by one thread at a time.

    ``inventory`` None: hosts are SSH destinations, as ssh takes them.
    """

    def __init__(self, inventory: Inventory | str | Sequence[str] | None, settings: Settings) -> None:
        self.inventory = _loaded(inventory)
        self._settings = settings
        self._environ = dict(os.environ)
        self._configs: dict[tuple[str, ...], SSHConfig] = {}
        self._files: SSHConfig | None = None
        self._targets: dict[str, Target] = {}
        self._keys_seen: set[str] = set()
        self._hops: dict[HostConfig, Target] = {}
        self._notes: dict[str, None] = {}
        self._revoked: set[str] = set()

    @property
    def notes(self) -> tuple[str, ...]:
        """What ssh_config asks for and is not done, of all hosts resolved so far, each once."""
        return tuple(self._notes)

    def select(self, pattern: str) -> list[str]:
        """The hosts that match, in inventory order. Raises PatternError, for a name nobody knows too."""
        if self.inventory is None:
            from hostpool.inventory import bare_destinations

            return list(bare_destinations(pattern).hosts)
        found = self.inventory.match(pattern)
        if found.unknown:
            raise Problems.of(list(found.unknown))
        return list(found.hosts)

    def check(self, host: str) -> None:
        """Raises InventoryError for a host the inventory does not have."""
        if self.inventory is not None and not self.inventory.has(host):
            raise InventoryError(
                f"the inventory has no host {host!r}",
                hint="a job is for one host by its inventory name; map() takes patterns",
            )

    def variables(self, host: str) -> Mapping[str, Any]:
        """All variables of the host, ``-e`` included."""
        if self.inventory is None:
            from hostpool.inventory import bare_destinations

            destinations = bare_destinations(host)
            found = destinations.vars_of(next(iter(destinations.hosts)))
        else:
            found = self.inventory.vars_of(host)
        extra = self._settings.extra_vars
        return {**found, **extra} if extra else found

    def resolve(self, host: str) -> Target:
        """How to reach the host. Raises UsageError (a bad variable, ssh_config, template)."""
        target = self._targets.get(host)
        if target is None:
            target = self._targets[host] = self._resolve(host)
        return target

    def resolve_all(self, hosts: Iterable[str]) -> None:
        """Resolves every host now. Raises all that is wrong at once (UsageError or Problems)."""
        errors: list[tuple[str, HostpoolError]] = []
        for host in hosts:
            try:
                self.resolve(host)
            except HostpoolError as error:
                errors += [(host, e) for e in (error.errors if isinstance(error, Problems) else (error,))]
        if errors:
            raise Problems.of(_folded(errors))

    def gate(self, target: Target) -> str | None:
        """The credential that must be tried on one host first, None if there is none."""
        parts = [
            f"{kind}\0{secret.reveal()}"
            for kind, secret in (
                (f"login {target.user}", target.password),
                ("become", target.become.password if target.become is not None else None),
            )
            if secret is not None and target.connection == "ssh"
        ]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest() if parts else None

    def _resolve(self, host: str) -> Target:
        given = read_connection_vars(host, self.variables(host), self._settings.extra_vars)
        become = self._become(given)
        if given.connection == "local":
            return Target(name=host, connection="local", address="localhost", become=become)
        settings = self._settings
        config = self._config(given)
        found = config.resolve(
            given.host or host, user=given.user or settings.user, port=given.port or settings.port
        )
        if found.refused is not None:
            raise SSHConfigError(f"{host}: ssh_config refuses the connection: {found.refused}", host=host)
        from hostpool.openssh.route import route

        jumps = tuple(self._hop(hop) for hop in route(config, found))
        target = self._target(host, found)
        return _with(
            target,
            identity_files=self._identities(given, found),
            password=given.password or settings.password,
            shell=given.shell,
            become=become,
            jumps=jumps,
            host_keys=self._host_keys(given, found),
            connect_timeout=given.connect_timeout or target.connect_timeout,
            algorithms_set=tuple(
                (keyword, _origin(keyword, place, given)) for keyword, place in target.algorithms_set
            ),
        )

    def _hop(self, found: HostConfig) -> Target:
        hop = self._hops.get(found)
        if hop is None:
            hop = self._hops[found] = self._target(found.original, found)
        return hop

    def _target(self, name: str, found: HostConfig) -> Target:
        """What ssh_config alone says (all there is for a jump host)."""
        from hostpool.openssh.known_hosts import names_for

        settings = self._settings
        self._notes.update(dict.fromkeys(found.notes))
        self._check_revoked(found.revoked_host_keys)
        timeout = settings.connect_timeout or found.connect_timeout or CONNECT_TIMEOUT
        return Target(
            name=name,
            address=found.hostname,
            port=found.port,
            user=found.user,
            identity_files=found.identity_files,
            certificate_files=found.certificate_files,
            identities_only=found.identities_only,
            identity_agent=found.identity_agent,
            preferred_auth=_methods(found),
            password_prompts=found.password_prompts,
            known_as=tuple(names_for(found.hostname, found.port, found.host_key_alias)),
            known_hosts=(*found.user_known_hosts_files, *found.global_known_hosts_files),
            host_keys=self._policy(found),
            hash_known_hosts=found.hash_known_hosts,
            revoked_host_keys=found.revoked_host_keys,
            proxy_command=found.proxy_command,
            connect_timeout=float(timeout),
            connection_attempts=found.connection_attempts,
            alive_interval=float(found.server_alive_interval or ALIVE_INTERVAL),
            alive_count=found.server_alive_count_max,
            address_family=found.address_family,  # type: ignore[arg-type]  # the reader allows no other
            bind_address=found.bind_address,
            compression=found.compression,
            forward_agent=settings.forward_agent
            if settings.forward_agent is not None
            else found.forward_agent,
            set_env=self._environment(found),
            ciphers=_marked(found.ciphers),
            kex=_marked(found.kex_algorithms),
            macs=_marked(found.macs),
            host_key_algorithms=_marked(found.host_key_algorithms),
            pubkey_algorithms=_marked(found.pubkey_accepted_algorithms),
            algorithms_set=found.algorithms_set,
        )

    def _config(self, given: ConnectionVars) -> SSHConfig:
        """ssh_config with the options of this host: the first of all settings counts."""
        from hostpool.openssh.arguments import parse_ssh_args
        from hostpool.openssh.ssh_config import SSHConfig

        options: list[str] = []
        for text in given.ssh_args:
            options += parse_ssh_args(text)
        if self._settings.jump is not None:
            options.append(f"ProxyJump={self._settings.jump}")
        options += self._settings.ssh_options
        key = tuple(options)
        config = self._configs.get(key)
        if config is None:
            if self._files is None:
                self._files = SSHConfig.load(self._settings.ssh_config, options=key)
                config = self._files
            else:
                config = self._files.with_options(key)
            self._configs[key] = config
        return config

    def _identities(self, given: ConnectionVars, found: HostConfig) -> tuple[str, ...]:
        """As with ``ssh -i``: named keys come before those of ssh_config, default ones fall away."""
        named = (given.private_key_file,) if given.private_key_file else self._settings.private_key_files
        if not named:
            return found.identity_files
        files = [str(Path(name).expanduser()) for name in named]
        for file in files:
            self._check_key(file)
        return (*files, *(found.identity_files if found.identity_files_explicit else ()))

    def _check_key(self, file: str) -> None:
        """A key that was named and is not there is a typo on every host at once. Its public half is
        enough: the agent may hold the rest."""
        if file in self._keys_seen:
            return
        if not (Path(file).exists() or Path(f"{file}.pub").exists()):
            raise ConfigError(
                f"there is no private key file {file}",
                hint="--private-key, ansible_ssh_private_key_file: a path on this machine",
            )
        self._keys_seen.add(file)

    def _host_keys(self, given: ConnectionVars, found: HostConfig) -> HostKeyPolicy:
        return "off" if given.host_key_checking is False else self._policy(found)

    def _policy(self, found: HostConfig) -> HostKeyPolicy:
        if found.no_host_authentication_for_localhost and _is_this_machine(found):
            return "off"
        return self._settings.host_keys or _POLICIES.get(found.strict_host_key_checking, "strict")

    def _check_revoked(self, file: str | None) -> None:
        """A list that cannot be read must let no key pass: better said before the first host is touched."""
        if file is None or file in self._revoked:
            return
        from hostpool.openssh.known_hosts import KnownHosts

        KnownHosts.load((), revoked=file)
        self._revoked.add(file)

    def _become(self, given: ConnectionVars) -> Become | None:
        settings = self._settings
        if not (settings.become if given.become is None else given.become):
            return None
        return Become(
            user=given.become_user or settings.become_user or "root",
            method=given.become_method or settings.become_method or "sudo",  # type: ignore[arg-type]  # checked where it was read
            password=given.become_password or settings.become_password,
            flags=given.become_flags or "",
        )

    def _environment(self, found: HostConfig) -> tuple[tuple[str, str], ...]:
        if not found.send_env:
            return found.set_env
        sent = [
            (name, value)
            for name, value in self._environ.items()
            if any(fnmatchcase(name, pattern) for pattern in found.send_env)
        ]
        return (*sent, *found.set_env)


def _folded(errors: list[tuple[str, HostpoolError]]) -> list[HostpoolError]:
    """What is wrong in the same way on many hosts (a group's variable) is one error that names them."""
    from hostpool.inventory import fold

    same: dict[str, tuple[list[str], HostpoolError]] = {}
    for host, error in errors:
        what = error.message.removeprefix(f"{host}: ")
        same.setdefault(what, ([], error))[0].append(host)
    for what, (hosts, error) in same.items():
        if error.message != what and len(hosts) > 1:
            error.message = f"{fold(hosts)}: {what}"
    return [error for _, error in same.values()]


def _loaded(inventory: Inventory | str | Sequence[str] | None) -> Inventory | None:
    if inventory is None:
        return None
    from hostpool.inventory import Inventory, load

    if isinstance(inventory, Inventory):
        return inventory
    return load([inventory] if isinstance(inventory, str) else list(inventory))


def _methods(found: HostConfig) -> tuple[str, ...]:
    allowed = {
        "publickey": found.pubkey_authentication,
        "keyboard-interactive": found.kbd_interactive_authentication,
        "password": found.password_authentication,
    }
    wanted = found.preferred_authentications or tuple(allowed)
    return tuple(method for method in wanted if allowed.get(method))


def _is_this_machine(found: HostConfig) -> bool:
    """As ssh asks for NoHostAuthenticationForLocalhost: connected to directly, and under no alias."""
    if found.host_key_alias is not None or found.proxy_command is not None or found.proxy_jump:
        return False
    if found.hostname == "localhost":
        return True
    try:
        from ipaddress import ip_address  # a millisecond, for hosts with a name of their own only

        return ip_address(found.hostname).is_loopback
    except ValueError:
        return False


def _marked(algorithms: AlgorithmList | None) -> tuple[str, ...]:
    """A list with ssh_config's mark in front of its first name (``+``, ``-``, ``^``, or none)."""
    if algorithms is None:
        return ()
    mark = algorithms.operator.strip("=")
    return (mark + algorithms.patterns[0], *algorithms.patterns[1:])


def _origin(keyword: str, place: str, given: ConnectionVars) -> str:
    """What a user calls the place where an algorithm list is set."""
    from hostpool.openssh.directive import COMMAND_LINE

    if place != COMMAND_LINE:
        return place
    in_inventory = any(keyword.lower() in text.lower() for text in given.ssh_args)
    return "ansible_ssh_common_args or its like" if in_inventory else "--ssh-option"


def _with(target: Target, **changes: Any) -> Target:
    import msgspec

    return msgspec.structs.replace(target, **changes)
