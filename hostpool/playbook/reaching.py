"""Which host does a task, and how it is reached."""

from __future__ import annotations

from typing import Any

from hostpool.playbook.calls import BadTask
from hostpool.playbook.model import Keywords
from hostpool.playbook.variables import Variables
from hostpool.playbook.world import CONNECTION
from hostpool.templating.scope import Scope
from hostpool.templating.template import MADE, resolve

_NAMES = frozenset(CONNECTION)


def route(host: str, words: Keywords, variables: Variables, scope: Scope) -> str:
    """The pool's name of the host that does a task of ``host``, by delegation and connection keywords."""
    here = host
    target = None if words.delegate_to is None else resolve(words.delegate_to, scope)
    if target:
        host = str(target)
        if not variables.world.has(host):
            raise BadTask(f"delegate_to: the inventory has no host {host!r}")
    own: dict[str, Any] = {}
    if host == here:
        own = _connection_variables(host, variables, scope)
    for name, keyword in (
        ("ansible_connection", words.connection),
        ("ansible_user", words.remote_user),
        ("ansible_port", words.port),
    ):
        if keyword is None:
            continue
        value = resolve(keyword, scope)
        # A keyword ranks below the variable, wherever that comes from.
        if value not in (None, "") and name not in variables.inventory_of(host) and name not in own:
            if name == "ansible_connection" and str(value) in ("ssh", "smart", "paramiko"):
                continue
            own[name] = value
    return variables.world.route(host, own)


def _connection_variables(host: str, variables: Variables, scope: Scope) -> dict[str, Any]:
    """Those that a play, a task or a fact sets otherwise than the inventory."""
    inventory = variables.inventory_of(host)
    # Seldom does anything but the inventory name one. What the inventory holds as a template is rendered
    # here too, since it may fail, or want facts.
    named = scope.having(_NAMES, inventory)
    named.update([n for n in inventory.keys() & _NAMES if isinstance(inventory[n], MADE)])
    found: dict[str, Any] = {}
    if not named:
        return found
    for name in CONNECTION:
        if name not in named or name in variables.extra:
            continue
        value = scope.get(name)
        if value is not None:
            plain = inventory.get(name)
            if plain is None or (resolve(plain, scope) != value):
                found[name] = value
    return found
