"""How a host is reached: inventory, settings and ssh_config become one frozen Target."""

from hostpool.targets.resolver import Resolver

__all__ = ["Resolver"]
