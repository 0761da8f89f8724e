"""From a name to a connected socket, every address of it, within one deadline."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import threading
import time
from typing import Any

from hostpool.messages import AddressFamily, Target
from hostpool.ssh.attempt import Attempt

_FAMILIES: dict[AddressFamily, socket.AddressFamily] = {
    "any": socket.AF_UNSPEC,
    "inet": socket.AF_INET,
    "inet6": socket.AF_INET6,
}
_SLICE = 0.5  # seconds; a stop wakes the wait at once on Linux, elsewhere it is noticed after this

SockAddr = tuple[Any, ...]


class DialError(Exception):
    """No address answered. ``tries``: (address, error) of each one; empty: there was none to try."""

    def __init__(self, tries: list[tuple[str, OSError]]) -> None:
        super().__init__(tries)
        self.tries = tries


def dial(target: Target, attempt: Attempt) -> socket.socket:
    """A connected socket with its options set. Raises DialError, or socket.gaierror for the name."""
    attempt.stage = "dns"
    addresses = resolve(target.address, target.port, _FAMILIES[target.address_family], attempt)
    attempt.stage = "tcp"
    tries: list[tuple[str, OSError]] = []
    for number, (family, sockaddr) in enumerate(addresses):
        share = attempt.remaining() / (len(addresses) - number)
        try:
            sock = _connect(family, sockaddr, target.bind_address, time.monotonic() + share, attempt)
        except OSError as error:
            tries.append((label(sockaddr), error))
            continue
        _tune(sock, target)
        return sock
    raise DialError(tries)


def label(sockaddr: SockAddr) -> str:
    host, port = sockaddr[0], sockaddr[1]
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"


def resolve(
    address: str, port: int, family: socket.AddressFamily, attempt: Attempt
) -> list[tuple[socket.AddressFamily, SockAddr]]:
    """getaddrinfo(3) has no time limit of its own, so a name is looked up in a thread of its own,
    which a hung resolver keeps until it answers. Numeric addresses need none.

    Raises socket.gaierror; TimeoutError when the attempt ended first.
    """
    with contextlib.suppress(socket.gaierror, UnicodeError):
        return _lookup(address, port, family, socket.AI_NUMERICHOST)
    answer: list[list[tuple[socket.AddressFamily, SockAddr]] | OSError] = []
    done = threading.Event()

    def look_up() -> None:
        try:
            answer.append(_lookup(address, port, family, 0))
        except OSError as error:
            answer.append(error)
        except UnicodeError:  # a label of more than 63 characters, an empty one
            answer.append(socket.gaierror(socket.EAI_NONAME, "not a host name"))
        done.set()

    threading.Thread(target=look_up, name=f"hostpool-dns-{address}", daemon=True).start()
    attempt.guard(done.set)
    done.wait(attempt.remaining())
    if not answer:
        raise TimeoutError
    if isinstance(answer[0], OSError):
        raise answer[0]
    return answer[0]


def _lookup(
    address: str, port: int, family: socket.AddressFamily, flags: int
) -> list[tuple[socket.AddressFamily, SockAddr]]:
    # A text goes through a codec for names in other letters, two modules and 1.5 ms.
    name = address.encode() if address.isascii() else address
    found = socket.getaddrinfo(name, port, family, socket.SOCK_STREAM, 0, flags)
    return list(dict.fromkeys((family, sockaddr) for family, _, _, _, sockaddr in found))


def _connect(
    family: socket.AddressFamily, sockaddr: SockAddr, bind: str | None, deadline: float, attempt: Attempt
) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if bind is not None:
            sock.bind(socket.getaddrinfo(bind, 0, family, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)[0][4])
        sock.setblocking(False)
        attempt.guard(lambda: _wake(sock))
        code = sock.connect_ex(sockaddr)
        if code not in (0, errno.EINPROGRESS, errno.EINTR):
            raise OSError(code, os.strerror(code))
        if code:
            _await_connection(sock, deadline, attempt)
        return sock
    except BaseException:
        sock.close()
        raise


def _await_connection(sock: socket.socket, deadline: float, attempt: Attempt) -> None:
    poll = select.poll()
    poll.register(sock, select.POLLOUT)
    while True:
        left = min(deadline - time.monotonic(), attempt.remaining())
        if left <= 0:
            raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
        if poll.poll(min(left, _SLICE) * 1000) and not attempt.end:
            break
    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))


def _wake(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _tune(sock: socket.socket, target: Target) -> None:
    """No Nagle (authentication took 49 ms instead of 7); the kernel notices dead peers as well."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    patience = target.alive_interval * target.alive_count
    if patience > 0 and hasattr(socket, "TCP_USER_TIMEOUT"):
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(patience * 1000))
