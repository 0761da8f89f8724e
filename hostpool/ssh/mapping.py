"""One table from what went wrong, and where, to what an operator is told.

Only here are errors of sockets and of paramiko turned into ours. ``retryable`` is true only for what
may heal by itself and has no side effect on the host: never for a refused login or a bad host key.
"""

from __future__ import annotations

import errno
import socket

from paramiko.ssh_exception import IncompatiblePeer

from hostpool.errors import Cancelled, HostError, Unreachable, excerpt
from hostpool.messages import Target
from hostpool.ssh.attempt import Attempt
from hostpool.ssh.dial import DialError
from hostpool.ssh.transport import Transport

TOO_MANY_FAILURES = 2  # SSH_DISCONNECT_PROTOCOL_ERROR, sshd's code for "Too many authentication failures"

_REFUSED = "sshd is not running there, or listens on another port (--port, ansible_port)"
_SILENT = "a firewall drops the packets, the host is down, or the address is wrong"
_NO_ROUTE = "no network leads there from here: VPN, routes, or the address"
_THROTTLED = "sshd sheds connections above its MaxStartups: a smaller --fanout, or raise MaxStartups there"

# What ssh(1) as a ProxyCommand says when its own server sheds the connection.
_SHED = ("MaxStartups", "kex_exchange_identification")

# errno: (kind, words before the address, hint, retryable)
_CONNECT: dict[int, tuple[str, str, str, bool]] = {
    errno.ECONNREFUSED: ("refused", "connection refused by", _REFUSED, True),
    errno.ECONNRESET: ("disconnected", "connection reset by", "a firewall or a full accept queue", True),
    errno.ETIMEDOUT: ("connect_timeout", "no answer from", _SILENT, True),
    errno.EHOSTUNREACH: ("no_route", "no route to", _NO_ROUTE, True),
    errno.EHOSTDOWN: ("no_route", "host is down:", _NO_ROUTE, True),
    errno.ENETUNREACH: ("no_route", "network unreachable:", _NO_ROUTE, True),
    errno.EADDRNOTAVAIL: ("no_route", "cannot use the local address for", "see BindAddress", False),
    errno.EACCES: ("no_route", "not permitted to connect to", "a local firewall rule forbids it", False),
    errno.EPERM: ("no_route", "not permitted to connect to", "a local firewall rule forbids it", False),
    errno.EMFILE: (
        "local_limit",
        "too many open files here, for",
        "raise ulimit -n, or lower --fanout",
        True,
    ),
    errno.ENFILE: ("local_limit", "too many open files here, for", "lower --fanout", True),
}


def place(target: Target) -> str:
    """Where a target is, as messages name it."""
    host = f"[{target.address}]" if ":" in target.address else target.address
    return f"{host}:{target.port}"


def unreachable(
    target: Target, kind: str, message: str, hint: str | None = None, *, retryable: bool = False
) -> Unreachable:
    return Unreachable(message, kind=kind, hint=hint, host=target.name, retryable=retryable)


def stopped(target: Target, attempt: Attempt) -> Cancelled:
    return Cancelled(f"stopped while connecting ({attempt.stage})", host=target.name, kind="cancelled")


def connect_failure(
    error: BaseException, target: Target, attempt: Attempt, transport: Transport | None
) -> HostError:
    """What became of an attempt that raised ``error``."""
    if isinstance(error, HostError):
        return error
    if attempt.end == "stopped":
        return stopped(target, attempt)
    if attempt.end == "expired" or (isinstance(error, DialError) and _took_all_time(error, attempt)):
        return _expired(target, attempt)
    if isinstance(error, socket.gaierror):
        return _name_failure(error, target)
    if isinstance(error, DialError):
        return _dial_failure(error, target)
    if transport is not None:
        return _broken(error, target, attempt, transport)
    if isinstance(error, OSError):
        return _os_error(error, target, place(target))
    return unreachable(target, "disconnected", f"{place(target)}: {_words(error)}")


def _took_all_time(error: DialError, attempt: Attempt) -> bool:
    """Dialing has a clock of its own, which may be ahead of the alarm's thread on a busy machine."""
    return bool(error.tries) and isinstance(error.tries[-1][1], TimeoutError) and not attempt.remaining()


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _expired(target: Target, attempt: Attempt) -> Unreachable:
    within = f"within {attempt.seconds:.3g} s"
    where = place(target)
    kind, message, hint = {
        "dns": ("dns", f"no answer about the name {target.address} {within}", "the resolver hangs"),
        "tcp": ("connect_timeout", f"no answer from {where} {within}", _SILENT),
        "proxy": ("connect_timeout", f"the ProxyCommand to {where} did not answer {within}", None),
        "jump": ("jump_failed", f"no connection to {where} through its jump host {within}", _SILENT),
        "banner": (
            "banner",
            f"no SSH banner from {where} {within}",
            "the port is open but nobody answers: an overloaded sshd, or it is not SSH",
        ),
        "kex": ("handshake", f"{where} fell silent in the key exchange ({within})", "an overloaded host?"),
        "auth": (
            "auth_timeout",
            f"{where} did not decide on the login {within}",
            "slow PAM, LDAP or DNS on the host; --connect-timeout gives it more time",
        ),
    }[attempt.stage]
    return unreachable(target, kind, message, hint, retryable=attempt.stage != "auth")


def _name_failure(error: socket.gaierror, target: Target) -> Unreachable:
    again = error.errno == socket.EAI_AGAIN
    what = "the resolver did not answer" if again else "no such name"
    hint = "a resolver or the network is down" if again else "spelling, the domain, or ansible_host"
    return unreachable(target, "dns", f"cannot resolve {target.address}: {what}", hint, retryable=again)


def _dial_failure(error: DialError, target: Target) -> Unreachable:
    if not error.tries:
        return unreachable(target, "dns", f"{target.address} has no address of the wanted family")
    first = _os_error(error.tries[-1][1], target, error.tries[-1][0])
    for address, each in error.tries[:-1]:
        first.message += f"; {_os_error(each, target, address).message}"
    first.args = (first.message,)
    return first


def _os_error(error: OSError, target: Target, where: str) -> Unreachable:
    row = _CONNECT.get(error.errno or 0)
    if row is None:
        return unreachable(target, "disconnected", f"{where}: {error.strerror or error}", retryable=True)
    kind, words, hint, retryable = row
    return unreachable(target, kind, f"{words} {where}", hint, retryable=retryable)


def _broken(error: BaseException, target: Target, attempt: Attempt, transport: Transport) -> Unreachable:
    """The connection ended, or the peer did not keep to the protocol."""
    reason = transport.failure() or error
    where = place(target)
    if transport.disconnect is not None:
        return _disconnected(transport.disconnect, target, attempt)
    if attempt.stage == "banner":
        return _no_banner(reason, target, transport)
    if isinstance(reason, IncompatiblePeer):
        return _no_common_algorithm(reason, target, transport)
    gone = isinstance(reason, EOFError | OSError)
    what = {"kex": "the key exchange", "auth": "the login"}.get(attempt.stage, "connecting")
    if gone:
        return unreachable(
            target,
            "disconnected",
            f"{where} closed the connection during {what}",
            "its log says why (journalctl -u ssh)",
            retryable=attempt.stage != "auth",
        )
    return unreachable(target, "handshake", f"{where}: {what} failed: {_words(reason)}")


def _no_banner(reason: BaseException, target: Target, transport: Transport) -> Unreachable:
    where = place(target)
    complaint = transport.wire.complaint()
    if complaint:
        return unreachable(
            target,
            "throttled" if any(words in complaint for words in _SHED) else "proxy_failed",
            f"the ProxyCommand to {where} failed: {complaint}",
            "run it by hand; % tokens are those of ssh_config(5)",
            retryable=True,
        )
    said = excerpt(" ".join(transport.preamble[-3:]))
    if "MaxStartups" in said or "Not allowed at this time" in said:
        return unreachable(target, "throttled", f"{where} turned us away: {said}", _THROTTLED, retryable=True)
    if said:
        return unreachable(
            target,
            "banner",
            f"{where} is not an SSH server: it said {said!r}",
            "the port is another service's",
        )
    if isinstance(reason, IncompatiblePeer):
        return unreachable(target, "banner", f"{where}: {reason}", "the port is another service's")
    if "no SSH banner" in str(reason):
        return unreachable(target, "banner", f"{where}: {reason}", "the port is another service's")
    return unreachable(
        target,
        "closed_early",
        f"{where} closed the connection before its SSH banner",
        f"{_THROTTLED}; or hosts.deny, fail2ban",
        retryable=True,
    )


def _no_common_algorithm(reason: BaseException, target: Target, transport: Transport) -> Unreachable:
    from hostpool.ssh.disagreement import disagreement  # half a millisecond, for what is rare

    message, hint = disagreement(str(reason), target, transport.offered, transport.supported())
    return unreachable(target, "no_common_algorithm", f"{place(target)} {message}", hint)


def _disconnected(said: tuple[int, str], target: Target, attempt: Attempt) -> Unreachable:
    code, text = said
    text = excerpt(text.strip())
    where = place(target)
    if "Too many authentication failures" in text:
        return unreachable(
            target,
            "auth_too_many",
            f"{where}: too many refused keys or passwords for {target.user}",
            "name the right key (--private-key, IdentityFile with IdentitiesOnly yes)",
        )
    return unreachable(
        target,
        "disconnected",
        f"{where} disconnected: {text or f'code {code}'}",
        "its log says why (journalctl -u ssh)",
        retryable=attempt.stage != "auth",
    )
