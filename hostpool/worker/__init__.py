"""The child process: receives jobs, drives tasks over sessions, sends events and results up.

``serve`` is what the pool names ("hostpool.worker:serve"); nothing else is for the outside.
"""

from __future__ import annotations

from hostpool.pool.frames import Connection


def serve(connection: Connection) -> None:
    """Serves the pool at the other end until it says Quit or is gone."""
    from hostpool.worker.service import Service

    Service(connection).run()


__all__ = ["serve"]
