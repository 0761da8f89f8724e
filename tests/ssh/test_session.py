"""The conformance suite over a real sshd."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from hostpool.messages import Target
from hostpool.ssh import SSHContext
from hostpool.tasks.session import Session
from tests.conftest import NEEDS_ROOT
from tests.ssh.conformance import SessionConformance
from tests.ssh.helpers import connected


class TestSSHSession(SessionConformance):
    @pytest.fixture
    def terminal(self) -> None:
        """An sshd that is not root cannot give a terminal to the user who logs in."""
        if os.geteuid() != 0:
            pytest.skip(NEEDS_ROOT)

    @pytest.fixture
    def session(self, context: SSHContext, target: Target) -> Iterator[Session]:
        with connected(context, target) as made:
            yield made
