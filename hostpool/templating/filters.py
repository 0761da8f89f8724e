"""The filters playbooks use beside Jinja2's own, by Ansible's names and meaning.

Those that need YAML or the control node's files are added by the room above.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hostpool.templating.filters_collections import COLLECTIONS
from hostpool.templating.filters_data import DATA
from hostpool.templating.filters_files import FILES
from hostpool.templating.filters_network import NETWORK
from hostpool.templating.filters_passwords import PASSWORDS
from hostpool.templating.filters_text import TEXT
from hostpool.templating.filters_values import VALUES

FILTERS: dict[str, Callable[..., Any]] = {**DATA, **FILES, **NETWORK, **PASSWORDS, **TEXT, **VALUES}
"""By their short names."""

OF_COLLECTIONS: dict[str, Callable[..., Any]] = {**NETWORK, **COLLECTIONS}
"""Also by their full names; and by the short ones, which older playbooks use, where no filter has it."""
QUALIFIED = ("community.general.", "ansible.utils.", "ansible.netcommon.", "ansible.posix.")

NOT_SUPPORTED = {
    "vault": "encrypt with ansible-vault",
    "unvault": "vault values are read as they are",
}
"""Known elsewhere, not here: name → what to do instead."""
