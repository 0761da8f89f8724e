"""What the tests of sessions share: a context like a worker's, targets, and a guard on leftovers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hostpool.alarms import Alarms
from hostpool.messages import Target
from hostpool.ssh import SSHContext, SSHSession
from tests.farm import Sshd
from tests.patience import AMPLE
from tests.ssh.helpers import Desk, connected, target_for
from tests.ssh.leftovers import nothing_left


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    with nothing_left():
        yield


@pytest.fixture
def alarms() -> Iterator[Alarms]:
    clock = Alarms()
    yield clock
    clock.close()


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def context(alarms: Alarms, desk: Desk) -> Iterator[SSHContext]:
    made = SSHContext(alarms, ask=desk.ask, new_host_key=desk.new_host_key, confirm=AMPLE)
    yield made
    made.close()


@pytest.fixture
def session(context: SSHContext, sshd: Sshd) -> Iterator[SSHSession]:
    """One that is kept for further tasks."""
    with connected(context, target_for(sshd)) as made:
        assert isinstance(made, SSHSession)
        made.expect_more()
        yield made


@pytest.fixture
def target(sshd: Sshd) -> Target:
    return target_for(sshd)
