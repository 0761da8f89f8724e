"""Helpers for tests: a real OpenSSH server, hostile servers, throw-away users."""

from tests.farm.accounts import ThrowAwayUser
from tests.farm.booted import Booted
from tests.farm.hostile import Hostile, Refusing
from tests.farm.machine import Machine
from tests.farm.processes import alive, wait_until
from tests.farm.proxy import Proxy
from tests.farm.sshd import Sshd
from tests.farm.web import Web

__all__ = [
    "Booted",
    "Hostile",
    "Machine",
    "Proxy",
    "Refusing",
    "Sshd",
    "ThrowAwayUser",
    "Web",
    "alive",
    "wait_until",
]
