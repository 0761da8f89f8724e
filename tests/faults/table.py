"""The fault matrix: what befalls a host, and what is said about it. docs/faults.md is made from it.

In ``message`` HOST:PORT stands for the place that was connected to and … for anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hostpool.exit_codes import exit_code
from hostpool.results import STATUSES, Status

CONNECT_TIMEOUT = 3.0
TASK_TIMEOUT = 3.0
Limit = Literal["connect", "task", "alive"]
ALIVE = 2.0
"""ServerAliveInterval × ServerAliveCountMax of the host that is swallowed."""


@dataclass(frozen=True)
class Fault:
    """``key`` names its host in stage.py. ``limit``: what bounds its time; without one it is noticed at
    once. ``note``: what else is said or done."""

    key: str
    what: str
    status: Status
    kind: str | None = None
    message: str = ""
    hint: str = ""
    limit: Limit | None = None
    note: str = ""
    root: bool = False

    @property
    def exit_code(self) -> int:
        """Of a run in which this is all that happens."""
        counts = dict.fromkeys(STATUSES, 0)
        counts[self.status] = 1
        return exit_code(counts)

    @property
    def seconds(self) -> float:
        limits: dict[Limit | None, float] = {
            None: 2.0, "connect": CONNECT_TIMEOUT, "task": TASK_TIMEOUT, "alive": ALIVE,
        }  # fmt: skip
        return limits[self.limit]


_DOWN = "sshd is not running there, or listens on another port (--port, ansible_port)"
_DROPPED = "a firewall drops the packets, the host is down, or the address is wrong"
_MUTE = "the port is open but nobody answers: an overloaded sshd, or it is not SSH"
_OTHER = "the port is another service's"
_SHED = "sshd sheds connections above its MaxStartups: a smaller --fanout, or raise MaxStartups there"
_REFUSED = "user (-u), key (--private-key, ssh-add), or the host's authorized_keys and its log"
_LOG = "its log says why (journalctl -u ssh)"
_UNKNOWN = "whether it still runs there is not known"
_LONGER = "raise --task-timeout if it may take longer"

FAULTS = (
    Fault("refused", "connection refused", "unreachable", "refused",
          "connection refused by HOST:PORT", _DOWN),
    Fault("no_route", "no route, or no such address of ours", "unreachable", "no_route",
          "cannot use the local address for HOST:PORT", "see BindAddress"),
    Fault("black_hole", "black hole: packets are dropped", "unreachable", "connect_timeout",
          "no answer from HOST:PORT within 3 s", _DROPPED, "connect"),
    Fault("dns", "a name that does not resolve", "unreachable", "dns",
          "cannot resolve …: no such name", "spelling, the domain, or ansible_host"),
    Fault("banner_never", "the banner never comes", "unreachable", "banner",
          "no SSH banner from HOST:PORT within 3 s", _MUTE, "connect"),
    Fault("banner_dripped", "the banner drips, byte by byte", "unreachable", "banner",
          "no SSH banner from HOST:PORT within 3 s", _MUTE, "connect"),
    Fault("banner_garbage", "another service answers", "unreachable", "banner",
          "HOST:PORT is not an SSH server: it said …", _OTHER),
    Fault("banner_endless", "data without end in place of a banner", "unreachable", "banner",
          "HOST:PORT: 64 KiB came in and no SSH banner among them", _OTHER),
    Fault("closed_at_once", "closed before the banner", "unreachable", "closed_early",
          "HOST:PORT closed the connection before its SSH banner", f"{_SHED}; or hosts.deny, fail2ban",
          "connect", "tried again until the connect time is over"),
    Fault("kex_silent", "silence after KEXINIT", "unreachable", "handshake",
          "HOST:PORT fell silent in the key exchange (within 3 s)", "an overloaded host?", "connect"),
    Fault("kex_closed", "closed in the key exchange", "unreachable", "disconnected",
          "HOST:PORT closed the connection during the key exchange", _LOG),
    Fault("no_common_algorithm", "no algorithm in common", "unreachable", "no_common_algorithm",
          "HOST:PORT and we have no cipher in common: it offers aes128-cbc",
          "an old host: it offers only what is considered broken; --ssh-option Ciphers=+aes128-cbc lets it "
          "in for hosts that cannot be updated"),
    Fault("limited", "our own setting allows nothing the host offers", "unreachable", "no_common_algorithm",
          "HOST:PORT and we have no host key algorithm in common: it offers ssh-ed25519, and "
          "HostKeyAlgorithms ecdsa-sha2-nistp256 (ansible_ssh_common_args or its like) allows none of that",
          "add ssh-ed25519 to that HostKeyAlgorithms, or take the setting away"),
    Fault("key_unknown", "the host key is not known", "unreachable", "host_key_unknown",
          "the host key of HOST:PORT is not known: ssh-ed25519 SHA256:…",
          "compare the fingerprint with the host's own, then `hostpool keys accept HOST`, or --host-keys "
          "accept-new to take what is new"),
    Fault("key_changed", "the host key is another one", "unreachable", "host_key_changed",
          "the host key of HOST:PORT has CHANGED: it is ssh-ed25519 SHA256:…, but FILE:LINE has "
          "ssh-ed25519 SHA256:…",
          "somebody may be in between. If the host was really set up anew, remove that line "
          "(ssh-keygen -R …)"),
    Fault("key_revoked", "the host key is revoked", "unreachable", "host_key_revoked",
          "the host key of HOST:PORT is revoked (FILE:LINE): ssh-ed25519 SHA256:…",
          "whoever holds it may be an attacker; the host needs a new key"),
    Fault("auth_silent", "silence in the login", "unreachable", "auth_timeout",
          "HOST:PORT did not decide on the login within 3 s",
          "slow PAM, LDAP or DNS on the host; --connect-timeout gives it more time", "connect"),
    Fault("auth_closed", "closed in the login", "unreachable", "disconnected",
          "HOST:PORT closed the connection during the login", _LOG, "connect"),
    Fault("login_refused", "the login is refused", "unreachable", "auth_failed",
          "HOST:PORT refused USER: refused: … (it takes publickey)", _REFUSED),
    Fault("account_denied", "the account may not log in (DenyUsers)", "unreachable", "auth_failed",
          "HOST:PORT refused USER: refused: … (it takes publickey)", _REFUSED,
          note="sshd tells a stranger no more than this; its log says why"),
    Fault("account_locked", "the account is locked", "unreachable", "auth_failed",
          "HOST:PORT refused USER: refused: … (it takes publickey)", _REFUSED,
          note="the same", root=True),
    Fault("shell_missing", "the login shell is missing", "unreachable", "auth_failed",
          "HOST:PORT refused USER: refused: … (it takes publickey)", _REFUSED,
          note="the same", root=True),
    Fault("max_auth_tries", "MaxAuthTries is used up", "unreachable", "auth_too_many",
          "HOST:PORT: too many refused keys or passwords for USER",
          "name the right key (--private-key, IdentityFile with IdentitiesOnly yes)"),
    Fault("agent_dead", "the agent is gone", "unreachable", "auth_failed",
          "HOST:PORT refused USER: refused: …; no agent at …: No such file or directory (it takes publickey)",
          _REFUSED, note="a key file still does"),
    Fault("agent_hung", "the agent hangs", "unreachable", "auth_failed",
          "HOST:PORT refused USER: refused: …; the agent at … did not answer within 2 s (it takes publickey)",
          _REFUSED, "connect", "it costs its 2 s once a worker; a key file still does"),
    Fault("max_startups", "MaxStartups bites for a while", "ok",
          limit="connect", note="tried again for up to 75 s, then `unreachable`, `throttled`"),
    Fault("max_sessions", "MaxSessions is used up", "unreachable", "session_refused",
          "HOST:PORT opens no session: open failed",
          "MaxSessions of its sshd is used up, or the account may only forward"),
    Fault("login_prints", "a shell that prints on login", "ok",
          note="its words come first, as under ssh; our own programs begin after a mark"),
    Fault("forced_command", "a forced command", "failed", "exit_status",
          "the command exited with status 3", "--ok-codes 0,3 counts this status as success",
          note="it runs once, whatever was asked for, and its status is the host's"),
    Fault("exit_status", "the command fails", "failed", "exit_status",
          "the command exited with status 7", "--ok-codes 0,7 counts this status as success"),
    Fault("not_found", "the command is not there", "failed", "exit_status",
          "the command exited with status 127",
          "command not found on the host: spelling, or PATH of a non-interactive login"),
    Fault("signal", "a signal kills the command", "failed", "signal",
          "the command was killed by signal KILL",
          "KILL out of nowhere is often the host's out-of-memory killer: see dmesg there"),
    Fault("too_long", "the command runs too long", "timeout", "task_timeout",
          "the task did not end within its time limit and was stopped", _LONGER, "task"),
    Fault("endless_output", "output without end", "timeout", "task_timeout",
          "the task did not end within its time limit and was stopped", _LONGER, "task",
          "memory stays flat: beginning and end are kept (--max-output)"),
    Fault("child_left", "a child in the background holds the output", "ok",
          note="a warning says so; it is left running"),
    Fault("stdin_closed", "the command reads its standard input", "ok", note="it is empty, so it ends"),
    Fault("sshd_killed", "sshd is killed while the command runs", "lost", "connection_lost",
          "connection to HOST:PORT lost while the command ran: the host closed it", _UNKNOWN),
    Fault("reset", "TCP reset while the command runs", "lost", "connection_lost",
          "connection to HOST:PORT lost while the command ran: …", _UNKNOWN),
    Fault("swallowed", "black hole while the command runs", "lost", "connection_lost",
          "connection to HOST:PORT lost while the command ran: no sign of life for 2 s", _UNKNOWN, "alive",
          "noticed after ServerAliveInterval × ServerAliveCountMax"),
)  # fmt: skip

ELSEWHERE = (
    Fault("worker_killed", "a worker process is killed while the command runs", "lost", "worker_died",
          "the worker process died while this host's task was running",
          "the task may still run on the host, or have ended: look there before running it again",
          note="only what that worker was running; what had not begun runs elsewhere"),
)  # fmt: skip
"""Those that take more than a host that is in a bad way."""
