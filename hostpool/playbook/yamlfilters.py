"""Filters that read and write YAML."""

from __future__ import annotations

from typing import Any

import yaml

from hostpool.templating.environment import register


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Ansible's to_nice_yaml indents lists below their key."""
        return super().increase_indent(flow, False)


def _plain(value: Any) -> Any:
    if hasattr(value, "items"):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, str) and type(value) is not str:
        return str(value)
    return value


def to_yaml(value: Any, default_flow_style: bool | None = None, **options: Any) -> str:
    options.setdefault("allow_unicode", True)
    return str(yaml.dump(_plain(value), Dumper=_Dumper, default_flow_style=default_flow_style, **options))


def to_nice_yaml(value: Any, indent: int = 4, **options: Any) -> str:
    return to_yaml(value, default_flow_style=False, indent=indent, **options)


def from_yaml(value: Any) -> Any:
    return yaml.safe_load(value) if isinstance(value, str) else value


def from_yaml_all(value: Any) -> Any:
    return list(yaml.safe_load_all(value)) if isinstance(value, str) else value


register(
    "filters", to_yaml=to_yaml, to_nice_yaml=to_nice_yaml, from_yaml=from_yaml, from_yaml_all=from_yaml_all
)
