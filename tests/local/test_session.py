"""The conformance suite on child processes of our own."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator

import pytest

from hostpool.local import LocalSession
from hostpool.messages import Target
from hostpool.tasks.session import Session
from tests.ssh.conformance import SessionConformance
from tests.ssh.helpers import command, run
from tests.ssh.leftovers import nothing_left


class TestLocalSession(SessionConformance):
    @pytest.fixture
    def session(self) -> Iterator[Session]:
        with nothing_left():
            made = LocalSession(Target(name="localhost", connection="local"))
            yield made
            made.close()

    @pytest.mark.parametrize("said", [None, "/bin/false"])
    def test_the_shell_is_that_of_the_user(
        self, session: Session, monkeypatch: pytest.MonkeyPatch, said: str | None
    ) -> None:
        """As on a host: cron says /bin/sh for everybody, and a service has no SHELL at all."""
        monkeypatch.delenv("SHELL", raising=False)
        if said:
            monkeypatch.setenv("SHELL", said)
        end, output = run(session, command('echo "$SHELL"', env=(("X", "1"),)))
        assert end.exit_code == 0
        assert output.stdout.decode().strip() == pwd.getpwuid(os.getuid()).pw_shell
