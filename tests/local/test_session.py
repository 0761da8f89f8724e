"""The conformance suite on child processes of our own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hostpool.local import LocalSession
from hostpool.messages import Target
from hostpool.tasks.session import Session
from tests.ssh.conformance import SessionConformance
from tests.ssh.leftovers import nothing_left


class TestLocalSession(SessionConformance):
    @pytest.fixture
    def session(self) -> Iterator[Session]:
        with nothing_left():
            made = LocalSession(Target(name="localhost", connection="local"))
            yield made
            made.close()
