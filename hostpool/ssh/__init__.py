"""SSH sessions on paramiko: everything that is slow, hangs or lies in a network is met here.

Only workers import this room. It never prints, never reads ssh_config, never writes known_hosts.
"""

from __future__ import annotations

import sys

from hostpool.ssh.lean import import_paramiko

# paramiko imports invoke when it is installed, for one seldom used option: 60 ms of each worker's start.
sys.modules.setdefault("invoke", None)  # type: ignore[arg-type]  # None is how an import is refused

import_paramiko()

from hostpool.ssh.context import SSHContext  # noqa: E402  # after invoke is out of the way
from hostpool.ssh.session import SSHSession  # noqa: E402

__all__ = ["SSHContext", "SSHSession"]
