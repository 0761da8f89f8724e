"""From what was set to a HostConfig: defaults, tokens, environment, paths."""

from __future__ import annotations

import re
from typing import Any

from .directive import Place
from .host_config import DEFAULT_IDENTITIES, HostConfig
from .jump import Hop
from .keywords import Kind
from .limits import notes_on
from .local import Local
from .settings import Settings
from .target_names import canonical, connect_name, token_values
from .tokens import (
    EVERYWHERE,
    PROXY,
    ExpansionError,
    expand_environment,
    expand_percent,
    expand_tilde,
)

_SYSTEM_KNOWN_HOSTS = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
_ENVIRONMENT_NAME = r"\$[A-Za-z_][A-Za-z0-9_]*"


class Finisher:
    """Makes the HostConfig of one host from its settings. Raises SSHConfigError with the line's place."""

    def __init__(self, settings: Settings, local: Local, original: str) -> None:
        self.settings = settings
        self.local = local
        self.original = original
        self.hostname = canonical(connect_name(settings, original))
        self.port: int = settings.value("port", 22)
        self.alias: str | None = _lower(settings.value("hostkeyalias"))
        self.user: str = settings.value("user", local.user)
        self.jumps: tuple[Hop, ...] | None = settings.value("proxyjump")
        self._tokens: dict[str, str] = {}

    @property
    def tokens(self) -> dict[str, str]:
        self._tokens = self._tokens or token_values(
            self.local,
            original=self.original,
            hostname=self.hostname,
            port=self.port,
            user=self.user,
            alias=self.alias or self.original,
            jump=self.jumps[-1].host if self.jumps else "",
        )
        return self._tokens

    def config(self) -> HostConfig:
        value = self.settings.value
        first = self.settings.first
        return HostConfig(
            original=self.original,
            hostname=self.hostname,
            user=self.user,
            user_explicit="user" in first,
            port=self.port,
            port_explicit="port" in first,
            identity_files=self._identity_files(),
            identity_files_explicit="identityfile" in self.settings.paths,
            certificate_files=self._paths("certificatefile"),
            identities_only=value("identitiesonly", False),
            identity_agent=self._agent("identityagent", self.local.env.get("SSH_AUTH_SOCK")),
            forward_agent=str(value("forwardagent", "no")).lower() not in ("no", "false"),
            forward_agent_socket=self._forwarded_agent(),
            preferred_authentications=_split(value("preferredauthentications")),
            pubkey_authentication=value("pubkeyauthentication", "yes") != "no",
            password_authentication=value("passwordauthentication", True),
            kbd_interactive_authentication=value("kbdinteractiveauthentication", True),
            password_prompts=value("numberofpasswordprompts", 3),
            batch_mode=value("batchmode", False),
            proxy_jump=self._proxy_jump(),
            proxy_command=self._command("proxycommand", PROXY),
            user_known_hosts_files=self._user_known_hosts(),
            global_known_hosts_files=self._global_known_hosts(),
            revoked_host_keys=self._single_path("revokedhostkeys"),
            host_key_alias=self.alias,
            strict_host_key_checking=value("stricthostkeychecking", "ask"),
            check_host_ip=value("checkhostip", False),
            hash_known_hosts=value("hashknownhosts", False),
            no_host_authentication_for_localhost=value("nohostauthenticationforlocalhost", False),
            connect_timeout=value("connecttimeout"),
            connection_attempts=value("connectionattempts", 1),
            server_alive_interval=value("serveraliveinterval", 0) or 0,
            server_alive_count_max=value("serveralivecountmax", 3),
            tcp_keep_alive=value("tcpkeepalive", True),
            address_family=value("addressfamily", "any"),
            bind_address=value("bindaddress"),
            compression=value("compression", "no") == "yes",
            ciphers=value("ciphers"),
            kex_algorithms=value("kexalgorithms"),
            macs=value("macs"),
            host_key_algorithms=value("hostkeyalgorithms"),
            pubkey_accepted_algorithms=value("pubkeyacceptedalgorithms"),
            ca_signature_algorithms=value("casignaturealgorithms"),
            algorithms_set=self._algorithms_set(),
            required_rsa_size=value("requiredrsasize", 1024),
            send_env=tuple(self.settings.send_env),
            set_env=self._set_env(),
            request_tty=value("requesttty", "auto"),
            remote_command=self._command("remotecommand", EVERYWHERE),
            refused=value("refuseconnection"),
            notes=notes_on(self.settings),
        )

    def _expand(self, text: str, place: Place, keyword: str) -> str:
        try:
            path = expand_environment(expand_tilde(text, self.local.home), self.local.env)
            return expand_percent(path, self.tokens, EVERYWHERE) if "%" in path else path
        except ExpansionError as error:
            raise place.error(f"{keyword}: {error}") from None

    def _paths(self, key: str) -> tuple[str, ...]:
        items = self.settings.paths.get(key, {}).items()
        return tuple(self._expand(path, place, key) for path, place in items if path.lower() != "none")

    def _identity_files(self) -> tuple[str, ...]:
        if "identityfile" in self.settings.paths:
            return self._paths("identityfile")
        return tuple(f"{self.local.ssh_directory}/{name}" for name in DEFAULT_IDENTITIES)

    def _single_path(self, key: str) -> str | None:
        path = self.settings.value(key)
        if path is None or path.lower() == "none":
            return None
        return self._expand(path, self.settings.place(key), key)

    def _agent(self, key: str, default: str | None) -> str | None:
        path = self.settings.value(key)
        if path is None or path == "SSH_AUTH_SOCK":
            return default
        if path == "none":
            return None
        if re.fullmatch(_ENVIRONMENT_NAME, path):
            return self.local.env.get(path[1:])
        return self._expand(path, self.settings.place(key), key)

    def _forwarded_agent(self) -> str | None:
        if str(self.settings.value("forwardagent", "no")).lower() in ("yes", "no", "true", "false"):
            return None
        return self._agent("forwardagent", None)

    def _user_known_hosts(self) -> tuple[str, ...]:
        files = self.settings.value("userknownhostsfile")
        if files is None:
            directory = self.local.ssh_directory
            return (f"{directory}/known_hosts", f"{directory}/known_hosts2")
        place = self.settings.place("userknownhostsfile")
        return tuple(self._expand(f, place, "UserKnownHostsFile") for f in files if f.lower() != "none")

    def _global_known_hosts(self) -> tuple[str, ...]:
        files = self.settings.value("globalknownhostsfile", _SYSTEM_KNOWN_HOSTS)
        return tuple(expand_tilde(f, self.local.home) for f in files if f.lower() != "none")

    def _command(self, key: str, allowed: str) -> str | None:
        command = self.settings.value(key)
        if command is None or command.lower() == "none":
            return None
        try:
            return expand_percent(command, self.tokens, allowed) if "%" in command else command
        except ExpansionError as error:
            raise self.settings.place(key).error(
                f"{self.settings.first[key].keyword.name}: {error}"
            ) from None

    def _proxy_jump(self) -> tuple[Hop, ...] | None:
        if not self.jumps:
            return None
        try:
            return tuple(
                Hop(
                    expand_percent(hop.host, self.tokens, PROXY),
                    expand_percent(hop.user, self.tokens, PROXY) if hop.user else None,
                    hop.port,
                )
                for hop in self.jumps
            )
        except ExpansionError as error:
            raise self.settings.place("proxyjump").error(f"ProxyJump: {error}") from None

    def _algorithms_set(self) -> tuple[tuple[str, str], ...]:
        return tuple(
            (directive.keyword.name, str(directive.place))
            for directive in self.settings.first.values()
            if directive.keyword.kind is Kind.ALGORITHMS
        )

    def _set_env(self) -> tuple[tuple[str, str], ...]:
        variables: dict[str, str] = {}
        for word in self.settings.value("setenv", ()):
            name, _, text = word.partition("=")
            variables.setdefault(name, text)
        return tuple(variables.items())


def _lower(text: str | None) -> str | None:
    return None if text is None else text.lower()


def _split(text: Any) -> tuple[str, ...]:
    return tuple(filter(None, text.split(","))) if text else ()
