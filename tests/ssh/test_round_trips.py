"""On a slow link round trips are the cost: how many a command needs, counted on the way."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from hostpool.messages import Target
from hostpool.ssh import SSHContext, SSHSession
from hostpool.stop import Stop
from hostpool.tasks.base import Effect, Run
from hostpool.tasks.perl import Call, Sub
from tests.farm import Sshd
from tests.farm.trips import Trips
from tests.ssh.helpers import Output, target_for

TRUE = Run(command="echo well", effect=Effect.CHANGE)
PROGRAM = Run(program='echo "$1"', args=("well",), effect=Effect.QUERY)


def through(relay: Trips, target: Target) -> Target:
    return msgspec.structs.replace(target, address="127.0.0.1", port=relay.port, host_keys="off")


def least(session: SSHSession, relay: Trips, request: Run = TRUE) -> int:
    """The fewest round trips that a command took."""
    found = []
    for _ in range(6):
        before, output = relay.trips, Output()
        assert session.run(request, output, Stop()).exit_code == 0
        assert output.stdout == b"well\n"
        found.append(relay.trips - before)
    return min(found)


def test_a_command_on_an_open_session_waits_once_besides_itself(
    sshd: Sshd, context: SSHContext, target: Target
) -> None:
    with Trips(sshd.address, sshd.port) as relay:
        session = context.connect(through(relay, target), Stop())
        assert least(session, relay) == 2
        session.close()


def test_a_session_that_is_kept_waits_for_nothing_but_the_command(
    sshd: Sshd, context: SSHContext, target: Target
) -> None:
    with Trips(sshd.address, sshd.port) as relay:
        session = context.connect(through(relay, target), Stop())
        session.expect_more()
        assert least(session, relay) == 1
        session.close()


def test_what_travels_over_standard_input_waits_for_room_as_well(
    sshd: Sshd, context: SSHContext, target: Target
) -> None:
    """OpenSSH's server gives none before it has started a command."""
    change = msgspec.structs.replace(PROGRAM, effect=Effect.CHANGE)
    with Trips(sshd.address, sshd.port) as relay:
        session = context.connect(through(relay, target), Stop())
        assert least(session, relay, PROGRAM) == 3
        session.expect_more()
        assert least(session, relay, change) == 2
        session.close()


def test_a_query_over_the_shell_that_stays_waits_for_nothing_but_itself(
    sshd: Sshd, context: SSHContext, target: Target
) -> None:
    with Trips(sshd.address, sshd.port) as relay:
        session = context.connect(through(relay, target), Stop())
        session.expect_more()
        assert least(session, relay, PROGRAM) == 1
        session.close()


@pytest.mark.parametrize("perl", [True, False])
def test_what_perl_could_say_waits_once_with_perl_or_without(
    context: SSHContext, tmp_path: Path, perl: bool
) -> None:
    (tmp_path / "sh").symlink_to("/bin/sh")
    say = Sub("say", 'sub hp_say { out("$_[0]\\n") }')
    question = msgspec.structs.replace(PROGRAM, perl=(Call(say, PROGRAM.args),))
    with (
        Sshd(environment={} if perl else {"PATH": str(tmp_path)}) as server,
        Trips(server.address, server.port) as relay,
    ):
        session = context.connect(through(relay, target_for(server)), Stop())
        session.expect_more()
        first = relay.trips
        assert session.run(question, Output(), Stop()).exit_code == 0
        assert relay.trips - first <= 3, "a channel, room to write, the answer"
        assert least(session, relay, question) == 1
        session.close()


def test_a_change_after_its_query_waits_for_nothing_but_itself(
    sshd: Sshd, context: SSHContext, target: Target
) -> None:
    """The shell is there, and so is the room for standard input."""
    asking = msgspec.structs.replace(PROGRAM, more="cat")
    change = msgspec.structs.replace(PROGRAM, effect=Effect.CHANGE)
    with Trips(sshd.address, sshd.port) as relay:
        session = context.connect(through(relay, target), Stop())
        found = []
        for _ in range(6):
            assert session.run(asking, Output(), Stop()).exit_code == 0
            before = relay.trips
            assert session.run(change, Output(), Stop()).exit_code == 0
            found.append(relay.trips - before)
        assert min(found) == 1
        session.close()


@pytest.mark.parametrize("more", [False, True])
def test_a_host_with_one_session_at_a_time_takes_one_command_after_the_other(
    context: SSHContext, more: bool
) -> None:
    with Sshd(max_sessions=1) as narrow:
        session = context.connect(target_for(narrow), Stop())
        if more:
            session.expect_more()
        for request in (TRUE, PROGRAM, PROGRAM, TRUE) * 5:
            assert session.run(request, Output(), Stop()).exit_code == 0
        session.close()


def test_a_channel_that_the_host_closed_meanwhile_is_not_used(
    sshd: Sshd, context: SSHContext, target: Target
) -> None:
    session = context.connect(target, Stop())
    session.expect_more()
    output = Output()
    session.run(TRUE, output, Stop())
    assert session.channels._spare is not None
    while not session.channels._spare.opened:
        session.channels._spare.wait(1.0)
    session.channels._spare.closed = True  # ChannelTimeout of newer servers
    assert session.run(TRUE, output, Stop()).exit_code == 0
    assert output.stdout == b"well\nwell\n"
    session.close()
