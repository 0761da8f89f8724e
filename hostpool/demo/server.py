"""The fleet's process: one selector for all listening sockets, one thread for each connection.

``python -m hostpool.demo.server ORDER`` (JSON: hosts, seed, quirks, marker). Its first line on stdout
is JSON too: directory, inventory and hosts, or error. It ends on SIGTERM, SIGINT, SIGHUP or the end of
stdin, and then kills what its hosts started and removes its directory.
"""

from __future__ import annotations

import json
import os
import resource
import selectors
import shutil
import signal
import socket
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hostpool.demo import layout, leftovers
from hostpool.demo.company import Host, Quirk, company
from hostpool.demo.running import Running

if TYPE_CHECKING:
    from hostpool.demo.connection import Port

STDIN = 0


class Server:
    """All hosts of a fleet: built in two steps, so that its sockets listen before paramiko is there."""

    def __init__(self, directory: Path, *, hosts: int, seed: int | None, quirks: bool, marker: str) -> None:
        self.directory = directory
        self.hosts = company(hosts, seed=seed, quirks=quirks)
        self._client = layout.Key.make()
        self._keys = {host.name: layout.Key.make() for host in self.hosts}
        self._sockets = {host.name: _socket(host) for host in self.hosts}
        user = layout.user_name()
        layout.write_scripts(directory)
        self._accounts = {
            host.name: layout.make_account(directory, host, user, marker) for host in self.hosts
        }
        ports = {name: own.getsockname()[1] for name, own in self._sockets.items()}
        known = [layout.known_hosts_line(port, self._keys[name]) for name, port in ports.items()]
        layout.write_private(directory / "client_key", self._client.private)
        (directory / "known_hosts").write_text("".join(known))
        self.inventory = directory / "inventory.yml"
        self.inventory.write_text(layout.inventory_text(directory, self.hosts, ports, user))

    def ready(self) -> dict[str, str]:
        names = " ".join(host.name for host in self.hosts)
        return {"directory": str(self.directory), "inventory": str(self.inventory), "hosts": names}

    def serve(self, wakeup: socket.socket) -> None:
        """Accept until a signal or the end of stdin."""
        sys.modules["invoke"] = None  # type: ignore[assignment]  # paramiko would import it for nothing
        from hostpool.demo.connection import Port

        running = Running()
        with selectors.DefaultSelector() as selector:
            selector.register(STDIN, selectors.EVENT_READ)
            selector.register(wakeup, selectors.EVENT_READ)
            for host in self.hosts:
                if host.quirk is not Quirk.UNREACHABLE:
                    account, key = self._accounts[host.name], self._keys[host.name]
                    port = Port(account, key, self._client.public, running)
                    selector.register(self._sockets[host.name], selectors.EVENT_READ, port)
            while _step(selector):
                pass
        for own in self._sockets.values():
            own.close()
        running.end()


def _step(selector: selectors.BaseSelector) -> bool:
    """Accept what waits; False once it is time to end."""
    for key, _ in selector.select():
        if key.data is None:
            if key.fileobj != STDIN or not os.read(STDIN, 4096):
                return False
        else:
            assert isinstance(key.fileobj, socket.socket)
            _accept(key.fileobj, key.data)
    return True


def _accept(listening: socket.socket, port: Port) -> None:
    try:
        connection, _ = listening.accept()
    except OSError:  # the client has gone already, or no descriptors are left for now
        return
    try:
        port.serve(connection)
    except (OSError, RuntimeError):  # it has gone since; no thread could be started
        connection.close()


def _socket(host: Host) -> socket.socket:
    """A port of 127.0.0.1. An unreachable host's is taken, so nobody else gets it, and refuses."""
    own = socket.socket()
    own.bind((layout.ADDRESS, 0))
    own.setblocking(False)
    if host.quirk is not Quirk.UNREACHABLE:
        own.listen(256)
    return own


def _catch_signals() -> socket.socket:
    """A socket that becomes readable when we are asked to end."""
    ours, theirs = socket.socketpair()
    for each in (ours, theirs):
        each.setblocking(False)
    signal.set_wakeup_fd(theirs.detach())
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    return ours


def _raise_descriptor_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _say(line: dict[str, str]) -> None:
    os.write(1, json.dumps(line).encode() + b"\n")


def _run(order: dict[str, Any]) -> None:
    wakeup = _catch_signals()
    _raise_descriptor_limit()
    directory = Path(tempfile.mkdtemp(prefix="hostpool-demo-"))
    try:
        server = Server(directory, **order)
        _say(server.ready())
        server.serve(wakeup)
    finally:
        leftovers.kill_marked(order["marker"])
        shutil.rmtree(directory, ignore_errors=True)


def main() -> None:
    try:
        _run(json.loads(sys.argv[1]))
    except Exception as error:
        # before `ready` the parent reads this; afterwards nobody reads and it is lost with the pipe
        try:
            _say({"error": f"{type(error).__name__}: {error}"})
        except OSError:
            pass
        os._exit(1)
    os._exit(0)  # connections have threads that need not end in order


if __name__ == "__main__":
    main()
