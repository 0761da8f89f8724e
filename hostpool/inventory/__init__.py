"""Inventories: which hosts there are, in which groups, with which variables, and how patterns select them.

Reads what Ansible reads, names ranges as clush does, and never opens a connection. ``load`` makes an
``Inventory`` of sources, ``default_source`` finds one, ``bare_destinations`` does without, ``check`` lists
all that is wrong. Errors are InventoryError and PatternError, several at once are Problems.
"""

from hostpool.inventory.destinations import Destination, bare_destinations, parse_destination
from hostpool.inventory.inventory import Inventory
from hostpool.inventory.model import LOCALHOST, WARNING, Group, Host, Unsafe
from hostpool.inventory.patterns import Selection
from hostpool.inventory.ranges import expand, fold
from hostpool.inventory.sources import check, default_source, load

__all__ = [
    "LOCALHOST",
    "WARNING",
    "Destination",
    "Group",
    "Host",
    "Inventory",
    "Selection",
    "Unsafe",
    "bare_destinations",
    "check",
    "default_source",
    "expand",
    "fold",
    "load",
    "parse_destination",
]
