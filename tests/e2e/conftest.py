"""The command line as a process of its own, against real servers."""

from tests.cli.conftest import environment, hostpool, workdir

__all__ = ["environment", "hostpool", "workdir"]
