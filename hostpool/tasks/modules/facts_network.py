"""Facts about interfaces, addresses and the default route, from what ip(8) prints."""

from __future__ import annotations

import ipaddress
import re
from itertools import pairwise
from typing import Any

Facts = dict[str, Any]
Sections = dict[str, str]


def lines_of(sections: Sections, name: str) -> list[str]:
    return sections.get(name, "").splitlines()


def network(sections: Sections) -> Facts:
    interfaces: dict[str, Facts] = {}
    for line in lines_of(sections, "links"):
        found = re.match(r"\d+: ([^:@\s]+)(?:@\S+)?: (?:<([^>]*)>)?.*?mtu (\d+)(.*)", line)
        if found is None:
            continue
        address = re.search(r"link/(\w+) ([0-9a-f:]+)", found[4])
        interfaces[found[1]] = {
            "device": found[1], "mtu": int(found[3]), "active": "UP" in (found[2] or ""),
            "type": "loopback" if found[1] == "lo" else "ether",
            **({"macaddress": address[2]} if address and found[1] != "lo" else {}),
        }  # fmt: skip
    v4: list[str] = []
    v6: list[str] = []
    for line in lines_of(sections, "addresses"):
        found = re.match(r"\d+:\s+(\S+)\s+(inet6?) (\S+)(.*)", line)
        if found is None:
            continue
        entry = interfaces.setdefault(found[1], {"device": found[1]})
        address_range = ipaddress.ip_interface(found[3])
        scope = re.search(r"scope (\S+)", found[4])
        if found[2] == "inet":
            _add_v4(entry, address_range, found[4])
            if not address_range.ip.is_loopback:
                v4.append(str(address_range.ip))
        else:
            entry.setdefault("ipv6", []).append(
                {"address": str(address_range.ip), "prefix": str(address_range.network.prefixlen),
                 "scope": scope[1] if scope else "global"}
            )  # fmt: skip
            if not address_range.ip.is_loopback:
                v6.append(str(address_range.ip))
    facts: Facts = {re.sub(r"[^A-Za-z0-9_]", "_", name): entry for name, entry in interfaces.items()}
    facts.update(
        interfaces=list(interfaces), all_ipv4_addresses=v4, all_ipv6_addresses=v6,
        default_ipv4=_default(sections, interfaces, 4), default_ipv6=_default(sections, interfaces, 6),
    )  # fmt: skip
    return facts


def _add_v4(entry: Facts, found: Any, rest: str) -> None:
    broadcast = re.search(r"brd (\S+)", rest)
    record = {
        "address": str(found.ip),
        "netmask": str(found.netmask),
        "network": str(found.network.network_address),
        "prefix": str(found.network.prefixlen),
        "broadcast": broadcast[1] if broadcast else "",
    }
    if "ipv4" in entry:
        entry.setdefault("ipv4_secondaries", []).append(record)
    else:
        entry["ipv4"] = record


def _default(sections: Sections, interfaces: dict[str, Facts], version: int) -> Facts:
    for line in lines_of(sections, "routes"):
        words = line.split()
        if not words or (":" in words[0]) != (version == 6):
            continue
        pairs = dict(pairwise(words))
        if "dev" not in pairs or "src" not in pairs:
            continue
        entry = interfaces.get(pairs["dev"], {})
        known = entry.get("ipv4", {}) if version == 4 else next(iter(entry.get("ipv6", [])), {})
        return {
            **known, "interface": pairs["dev"], "address": pairs["src"], "gateway": pairs.get("via", ""),
            **{key: entry[key] for key in ("macaddress", "mtu", "type") if key in entry},
            **({"alias": pairs["dev"]} if version == 4 else {}),
        }  # fmt: skip
    return {}
