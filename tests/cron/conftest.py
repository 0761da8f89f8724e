"""Cron mode on hosts that are processes of this machine."""

from __future__ import annotations

from tests.cli.conftest import call, environment, hostpool, workdir
from tests.history.conftest import file, fleet, state

__all__ = ["call", "environment", "file", "fleet", "hostpool", "state", "workdir"]
