"""Ansible's recap: how many tasks of each host ended how."""

from __future__ import annotations

from collections import Counter

import msgspec

COLUMNS = ("ok", "changed", "unreachable", "failed", "skipped", "rescued", "ignored")


class Recap(msgspec.Struct):
    hosts: dict[str, Counter[str]] = {}

    def add(self, host: str, *columns: str) -> None:
        counts = self.hosts.setdefault(host, Counter())
        for column in columns:
            counts[column] += 1

    def of(self, host: str) -> dict[str, int]:
        counts = self.hosts.get(host, Counter())
        return {column: counts[column] for column in COLUMNS}

    def all(self) -> dict[str, dict[str, int]]:
        return {host: self.of(host) for host in self.hosts}
