"""``ipaddr`` and its kin: questions about addresses and networks, as ansible.utils asks them.

Every one answers False for what is no address, or is not what was asked for; a list is filtered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

    Network = IPv4Network | IPv6Network
    Address = IPv4Address | IPv6Address


class _Value(msgspec.Struct, frozen=True):
    """``192.0.2.5/24``: the address, its network, and whether a prefix was given at all."""

    ip: Any
    net: Any
    bare: bool

    @property
    def size(self) -> int:
        return int(self.net.num_addresses)

    @property
    def with_prefix(self) -> str:
        return f"{self.ip}/{self.net.prefixlen}"

    @property
    def is_host(self) -> bool:
        """A single address, or one inside of its network."""
        return self.size <= 2 or self.ip != self.net.network_address


def _read(value: Any) -> _Value | None:
    if isinstance(value, bool) or value in (None, ""):
        return None
    import ipaddress  # a millisecond that few plays need

    try:
        if isinstance(value, int):
            address = ipaddress.ip_address(value)
            return _Value(address, ipaddress.ip_network(address), True)
        text = str(value).strip()
        interface = ipaddress.ip_interface(text)
    except ValueError:
        return None
    return _Value(interface.ip, interface.network, "/" not in text)


def _usable(v: _Value) -> tuple[Address, Address]:
    first, last = v.net.network_address, v.net.broadcast_address
    return (first, last) if v.size <= 2 else (first + 1, last - 1)


def _unless_single(v: _Value, found: Any) -> Any:
    return str(found) if v.size > 1 else False


_QUESTIONS: dict[str, Callable[[_Value], Any]] = {
    "": lambda v: str(v.ip) if v.bare else v.with_prefix,
    "address": lambda v: v.is_host and str(v.ip),
    "network": lambda v: _unless_single(v, v.net.network_address),
    "network_id": lambda v: str(v.net.network_address),
    "netmask": lambda v: str(v.net.netmask),
    "hostmask": lambda v: str(v.net.hostmask),
    "broadcast": lambda v: v.size > 2 and str(v.net.broadcast_address),
    "prefix": lambda v: v.net.prefixlen,
    "subnet": lambda v: str(v.net),
    "net": lambda v: v.size > 1 and v.ip == v.net.network_address and str(v.net),
    "network/prefix": lambda v: _unless_single(v, v.net),
    "network_netmask": lambda v: _unless_single(v, f"{v.net.network_address} {v.net.netmask}"),
    "host": lambda v: v.is_host and v.with_prefix,
    "ip_netmask": lambda v: _unless_single(v, f"{v.ip} {v.net.netmask}"),
    "size": lambda v: v.size,
    "size_usable": lambda v: v.size if v.size <= 2 else v.size - 2,
    "first_usable": lambda v: _unless_single(v, _usable(v)[0]),
    "last_usable": lambda v: _unless_single(v, _usable(v)[1]),
    "range_usable": lambda v: _unless_single(v, "-".join(map(str, _usable(v)))),
    "next_usable": lambda v: v.ip + 1 <= _usable(v)[1] and str(v.ip + 1),
    "previous_usable": lambda v: v.ip - 1 >= _usable(v)[0] and str(v.ip - 1),
    "revdns": lambda v: f"{v.ip.reverse_pointer}.",
    "int": lambda v: int(v.ip),
    "version": lambda v: v.ip.version,
    "type": lambda v: "address" if v.is_host else "network",
    "bool": lambda v: True,
    "wrap": lambda v: f"[{v.ip}]" if v.ip.version == 6 else str(v.ip),
}
_SAME = {
    "ip": "address", "gateway": "host", "gw": "host", "host/prefix": "host", "hostnet": "host",
    "router": "host", "address/prefix": "host", "ip/prefix": "host", "ip_prefix": "host", "cidr": "subnet",
    "wildcard": "hostmask", "network_prefix": "network/prefix",
}  # fmt: skip
_KINDS: dict[str, Callable[[Any], bool]] = {
    "public": lambda ip: ip.is_global and not ip.is_multicast,
    "private": lambda ip: ip.is_private,
    "loopback": lambda ip: ip.is_loopback,
    "lo": lambda ip: ip.is_loopback,
    "link-local": lambda ip: ip.is_link_local,
    "multicast": lambda ip: ip.is_multicast,
    "unicast": lambda ip: not ip.is_multicast,
    "ipv4": lambda ip: ip.version == 4,
    "ipv6": lambda ip: ip.version == 6,
}


def ipaddr(value: Any, query: Any = "", version: Any = False, alias: str = "ipaddr") -> Any:
    """Raises ValueError for a question nobody knows."""
    if isinstance(value, list | tuple):
        found = (ipaddr(each, query, version) for each in value)
        return [each for each in found if each not in (False, None)]
    v = _read(value)
    if v is None or (version and v.ip.version != int(version)):
        return False
    if isinstance(query, int) or str(query).lstrip("-").isdigit():
        return _nth(v, int(query))
    name = _SAME.get(str(query), str(query))
    if name in _QUESTIONS:
        return _QUESTIONS[name](v)
    if name in _KINDS:
        return _KINDS[name](v.ip) and _QUESTIONS[""](v)
    within = _read(query)
    if within is None:
        raise ValueError(f"ipaddr: no such query {query!r}")
    same = within.ip.version == v.ip.version
    return same and v.net.subnet_of(within.net) and _QUESTIONS[""](v)


def _nth(v: _Value, number: int) -> Any:
    try:
        return f"{v.net[number]}/{v.net.prefixlen}" if v.size > 1 else str(v.net[number])
    except IndexError:
        return False


def ipwrap(value: Any, query: Any = "") -> Any:
    """Brackets around IPv6 addresses; anything else stays as it is."""
    if isinstance(value, list | tuple):
        return [ipwrap(each, query) for each in value]
    v = _read(value)
    if v is None or v.ip.version != 6:
        return value
    return f"[{v.ip}]" if v.bare else f"[{v.ip}]/{v.net.prefixlen}"


def ipsubnet(value: Any, query: Any = "", index: Any = None) -> Any:
    """The network; with a prefix how many of that size it holds; with an index which of them."""
    v = _read(value)
    if v is None:
        return False
    if query == "":
        return str(v.net)
    size = int(query)
    if size < v.net.prefixlen:
        return str(v.net.supernet(new_prefix=size))
    count = 1 << (size - v.net.prefixlen)
    if index is None:
        return str(count)
    number = int(index) % count if -count <= int(index) < count else None
    if number is None:
        return False
    step = 1 << (v.net.max_prefixlen - size)
    return f"{v.net.network_address + number * step}/{size}"


def nthhost(value: Any, query: Any = "") -> Any:
    v = _read(value)
    try:
        return False if v is None else str(v.net[int(query)])
    except (IndexError, ValueError):
        return False


def ipmath(value: Any, amount: int) -> str:
    from ipaddress import ip_address

    return str(ip_address(str(value)) + int(amount))


def _inside(value: Any, test: Any) -> bool:
    outer, inner = _read(value), _read(test)
    if outer is None or inner is None or outer.ip.version != inner.ip.version:
        return False
    return bool(inner.net.subnet_of(outer.net))


def _usable_in(value: Any, test: Any) -> bool:
    outer, inner = _read(value), _read(test)
    if outer is None or inner is None or outer.ip.version != inner.ip.version:
        return False
    first, last = _usable(outer)
    return bool(first <= inner.ip <= last)


def cidr_merge(value: Any, action: str = "merge") -> Any:
    from ipaddress import collapse_addresses

    nets = [v.net for v in map(_read, value) if v is not None]
    merged: list[Any] = []
    for version in (4, 6):
        merged += collapse_addresses(net for net in nets if net.version == version)
    if action == "merge":
        return [str(net) for net in merged]
    return str(merged[0]) if len(merged) == 1 else False


NETWORK: dict[str, Callable[..., Any]] = {
    "ipaddr": ipaddr,
    "ipv4": lambda value, query="": ipaddr(value, query, 4),
    "ipv6": lambda value, query="": ipaddr(value, query, 6),
    "ipwrap": ipwrap, "ipsubnet": ipsubnet, "nthhost": nthhost, "ipmath": ipmath,
    "network_in_network": _inside, "network_in_usable": _usable_in, "cidr_merge": cidr_merge,
}  # fmt: skip
