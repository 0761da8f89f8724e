"""The hosts of a small company: names, groups and what is special about each. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from enum import Enum

# the first dozen, in the order in which smaller fleets get them
DOZEN = ("web1", "web2", "app1", "db1", "lb1", "cache1", "web3", "app2", "web4", "app3", "db2", "mail1")
SHARES = {"web": 4, "app": 3, "db": 2, "cache": 1, "lb": 1, "mail": 1}
SERVICES = {
    "web": "nginx",
    "app": "gunicorn",
    "db": "postgresql",
    "cache": "redis",
    "lb": "haproxy",
    "mail": "postfix",
}
STAGING = {"web4", "app3", "db2"}
MAX_HOSTS = 200


class Quirk(Enum):
    NONE = "none"
    SLOW = "slow"
    FAILING = "failing"
    UNREACHABLE = "unreachable"


QUIRKS = {"app3": Quirk.SLOW, "db2": Quirk.FAILING, "mail1": Quirk.UNREACHABLE}


@dataclass(frozen=True)
class Host:
    """One host. ``groups``: its role and its stage; ``facts`` are shell variables its scripts answer from."""

    name: str
    groups: tuple[str, str]
    quirk: Quirk
    facts: dict[str, str] = field(default_factory=dict)


def company(hosts: int, *, seed: int | None = None, quirks: bool = True) -> list[Host]:
    """``hosts`` hosts (1 to 200). The same ``seed`` gives the same facts.

    Of the dozen, app3 is slow, db2 fails every command and mail1 is unreachable, unless ``quirks`` is
    false. Beyond the dozen the same roles go on in the same proportions (web5 …).
    Raises ValueError outside 1 to 200.
    """
    if not 1 <= hosts <= MAX_HOSTS:
        raise ValueError(f"a fleet has 1 to {MAX_HOSTS} hosts, not {hosts}")
    chance = random.Random(seed)
    return [_host(name, chance, quirks) for name in sorted(_names(hosts), key=_as_people_sort)]


def _names(hosts: int) -> list[str]:
    names = list(DOZEN[:hosts])
    last = dict(SHARES)
    while len(names) < hosts:
        for role, share in SHARES.items():
            names += [f"{role}{last[role] + n}" for n in range(1, share + 1)]
            last[role] += share
    return names[:hosts]


def _host(name: str, chance: random.Random, quirks: bool) -> Host:
    role = name.rstrip("0123456789")
    stage = "staging" if name in STAGING else "prod"
    return Host(
        name, (role, stage), QUIRKS.get(name, Quirk.NONE) if quirks else Quirk.NONE, _facts(role, chance)
    )


def _facts(role: str, chance: random.Random) -> dict[str, str]:
    load = chance.uniform(0.05, 1.6)
    disk = chance.choice((40, 80, 160))
    used = chance.randint(11, 91)
    return {
        "service": SERVICES[role],
        "days": str(chance.randint(2, 400)),
        "clock": f"{chance.randint(0, 23)}:{chance.randint(0, 59):02}",
        "load": ", ".join(f"{load * chance.uniform(0.7, 1.3):.2f}" for _ in range(3)),
        "cpus": str(chance.choice((2, 4, 8))),
        "disk_size": f"{disk}G",
        "disk_used": f"{disk * used // 100}G",
        "disk_free": f"{disk - disk * used // 100}G",
        "disk_percent": f"{used}%",
        "kernel": f"6.1.0-{chance.choice((37, 38, 38, 38, 40))}-amd64",
    }


def _as_people_sort(name: str) -> tuple[int, int]:
    role = name.rstrip("0123456789")
    return list(SHARES).index(role), int(name[len(role) :])
