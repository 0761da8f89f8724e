"""The filters playbooks use beside Jinja2's own, by Ansible's names and meaning.

Those that need YAML or the control node's files are added by the room above.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hostpool.templating.filters_data import DATA
from hostpool.templating.filters_files import FILES
from hostpool.templating.filters_text import TEXT
from hostpool.templating.filters_values import VALUES

FILTERS: dict[str, Callable[..., Any]] = {**DATA, **FILES, **TEXT, **VALUES}

NOT_SUPPORTED = {
    "ipaddr": "no filter for IP addresses is there; compute it in the inventory",
    "ipv4": "no filter for IP addresses is there; compute it in the inventory",
    "ipv6": "no filter for IP addresses is there; compute it in the inventory",
    "ipwrap": "no filter for IP addresses is there; compute it in the inventory",
    "json_query": "write it with selectattr, map and dict2items",
    "password_hash": "hash the password before, and keep the hash in a vault",
    "vault": "encrypt with ansible-vault",
    "unvault": "vault values are read as they are",
}
"""Known elsewhere, not here: name → what to do instead."""
