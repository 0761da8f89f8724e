"""How a worker takes leave of the hosts it still has sessions with."""

from __future__ import annotations

from hostpool import Command, HostPool, Settings
from hostpool.messages import Target
from hostpool.worker.sessions import Sessions
from tests.farm import Sshd, wait_until

HOSTS = 12


class Open:
    """A session of which only the end matters."""

    alive = True
    closed = False

    def close(self) -> None:
        self.closed = True


def test_sessions_that_end_with_the_process_are_left_to_it() -> None:
    targets = (
        Target(name="plain"),
        Target(name="jumped", jumps=(Target(name="bastion"),)),
        Target(name="proxied", proxy_command="nc h 22"),
    )
    sessions, opened = Sessions(cap=9), [Open() for _ in targets]
    for target, session in zip(targets, opened, strict=True):
        sessions.give_back(target, session, keep=True)  # type: ignore[arg-type]  # as much of one as is asked for
    sessions.close()
    assert [session.closed for session in opened] == [False, True, True]


def test_servers_see_connections_closed_and_none_reset() -> None:
    sshd = Sshd(log_level="VERBOSE")
    try:
        inventory = ",".join(f"h{number}" for number in range(HOSTS)) + ","
        settings = Settings(
            extra_vars={
                "ansible_host": sshd.address,
                "ansible_port": sshd.port,
                "ansible_user": sshd.user,
                "ansible_ssh_private_key_file": str(sshd.client_key),
            },
            host_keys="off",
        )
        with HostPool(inventory, workers=2, settings=settings) as pool:
            for _ in range(3):
                assert {result.status for result in pool.map("all", Command("echo well"))} == {"ok"}
        wait_until(lambda: sshd.log().count("Connection closed by") >= HOSTS, what="the sessions are gone")
        assert "reset" not in sshd.log() and "error" not in sshd.log().lower()
    finally:
        sshd.stop()
