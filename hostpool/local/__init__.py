"""Sessions on this very machine, without SSH (``ansible_connection=local``)."""

from hostpool.local.session import LocalSession

__all__ = ["LocalSession"]
