"""``ssh -G`` as the measure: what it says about a host, and what our answer looks like in its words."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path

import pytest

from hostpool.openssh.algorithms import AlgorithmList
from hostpool.openssh.host_config import HostConfig

needs_ssh = pytest.mark.skipif(not Path("/usr/bin/ssh").exists(), reason="no OpenSSH client here")

ALGORITHMS = {
    "ciphers": "cipher",
    "kexalgorithms": "kex",
    "macs": "mac",
    "hostkeyalgorithms": "HostKeyAlgorithms",
    "pubkeyacceptedalgorithms": "PubkeyAcceptedAlgorithms",
}
Answer = dict[str, list[str]]


class Refused(Exception):
    """ssh does not take the configuration."""


def ssh_g(file: Path | str, host: str, *arguments: str) -> Answer:
    done = subprocess.run(
        ["ssh", "-G", "-F", str(file), *arguments, "--", host],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
        env={**os.environ, "SSH_AUTH_SOCK": ""},
    )
    if done.returncode:
        raise Refused(done.stderr)
    answer: Answer = {}
    for line in done.stdout.split("\n")[:-1]:
        name, _, value = line.partition(" ")
        answer.setdefault(name, []).append(value)
    return answer


@cache
def defaults() -> Answer:
    return ssh_g("none", "localhost")


@cache
def supported(kind: str) -> tuple[str, ...]:
    return tuple(
        subprocess.run(["ssh", "-Q", kind], capture_output=True, text=True, check=True).stdout.split()
    )


def in_words_of_ssh(config: HostConfig) -> Answer:
    """Every keyword that HostConfig knows, as ``ssh -G`` prints it."""
    answer: Answer = {
        "user": [config.user],
        "hostname": [config.hostname],
        "port": [str(config.port)],
        "identitiesonly": _flag(config.identities_only),
        "certificatefile": list(config.certificate_files),
        "userknownhostsfile": [" ".join(config.user_known_hosts_files) or "none"],
        "globalknownhostsfile": [" ".join(config.global_known_hosts_files) or "none"],
        "hostkeyalias": _optional(config.host_key_alias),
        "stricthostkeychecking": [{"yes": "true", "no": "false"}.get(_strict(config), _strict(config))],
        "connecttimeout": ["none" if config.connect_timeout is None else str(config.connect_timeout)],
        "connectionattempts": [str(config.connection_attempts)],
        "serveraliveinterval": [str(config.server_alive_interval)],
        "serveralivecountmax": [str(config.server_alive_count_max)],
        "addressfamily": [config.address_family],
        "bindaddress": _optional(config.bind_address),
        "compression": _flag(config.compression),
        "sendenv": list(config.send_env),
        "setenv": [f"{name}={value}" for name, value in config.set_env],
        "preferredauthentications": _optional(",".join(config.preferred_authentications) or None),
        "numberofpasswordprompts": [str(config.password_prompts)],
        "forwardagent": _flag(config.forward_agent),
        "hashknownhosts": _flag(config.hash_known_hosts),
        "checkhostip": _flag(config.check_host_ip),
        "tcpkeepalive": _flag(config.tcp_keep_alive),
        "passwordauthentication": _flag(config.password_authentication),
        "kbdinteractiveauthentication": _flag(config.kbd_interactive_authentication),
        "pubkeyauthentication": ["true" if config.pubkey_authentication else "false"],
        "requesttty": [{"yes": "true", "no": "false"}.get(config.request_tty, config.request_tty)],
        "remotecommand": _optional(config.remote_command),
        "proxycommand": _optional(config.proxy_command),
        "proxyjump": _optional(",".join(map(str, config.proxy_jump or ())) or None),
    }
    if config.identity_files_explicit:
        answer["identityfile"] = list(config.identity_files) or ["none"]
    lists = (
        config.ciphers,
        config.kex_algorithms,
        config.macs,
        config.host_key_algorithms,
        config.pubkey_accepted_algorithms,
    )
    for (key, kind), algorithms in zip(ALGORITHMS.items(), lists, strict=True):
        answer[key] = [_algorithms(key, kind, algorithms)]
    return answer


def of_interest(theirs: Answer, ours: Answer) -> tuple[Answer, Answer]:
    """Both answers cut to the keywords of ours; a repeated SendEnv (second pass) counts once."""
    theirs = {key: list(dict.fromkeys(theirs.get(key, []))) for key in ours}
    if theirs["pubkeyauthentication"][0] not in ("true", "false"):
        theirs["pubkeyauthentication"] = ["true"]
    if theirs["forwardagent"][0] not in ("yes", "no"):
        theirs["forwardagent"] = ["yes"]
    if theirs["requesttty"][0] in ("yes", "no"):
        theirs["requesttty"] = [{"yes": "true", "no": "false"}[theirs["requesttty"][0]]]
    return theirs, ours


def _algorithms(key: str, kind: str, algorithms: AlgorithmList | None) -> str:
    default = defaults()[key][0]
    if algorithms is None:
        return default
    return ",".join(algorithms.apply(default.split(","), supported(kind)))


def _flag(value: bool) -> list[str]:
    return ["yes" if value else "no"]


def _optional(value: str | None) -> list[str]:
    return [] if value is None else [value]


def _strict(config: HostConfig) -> str:
    return config.strict_host_key_checking
