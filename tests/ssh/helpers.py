"""Small things the tests of sessions need."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from hostpool.errors import Unreachable
from hostpool.events import Stream
from hostpool.messages import Target
from hostpool.secrets import Secret
from hostpool.ssh import SSHContext
from hostpool.stop import Stop
from hostpool.tasks.base import Effect, Run
from hostpool.tasks.session import Exit, Session
from tests.farm import Sshd
from tests.patience import AMPLE, promptly


class Output:
    """A consumer that keeps everything."""

    def __init__(self) -> None:
        self._parts: dict[Stream, list[bytes]] = {"stdout": [], "stderr": []}
        self.came = threading.Event()

    def feed(self, stream: Stream, data: bytes) -> None:
        self._parts[stream].append(data)
        self.came.set()

    @property
    def stdout(self) -> bytes:
        return b"".join(self._parts["stdout"])

    @property
    def stderr(self) -> bytes:
        return b"".join(self._parts["stderr"])


class Counting(Output):
    """A consumer that only counts."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def feed(self, stream: Stream, data: bytes) -> None:
        self.total += len(data)
        self.came.set()


class Desk:
    """The person a worker asks: ``answers`` by subject or prompt; notes what was asked and told."""

    def __init__(self) -> None:
        self.answers: dict[str, str] = {}
        self.asked: list[tuple[str, str, str, str, bool]] = []
        self.told: list[tuple[str, tuple[str, ...], bytes, str, bool]] = []

    def ask(self, kind: str, host: str, subject: str, prompt: str, echo: bool) -> Secret | None:
        self.asked.append((kind, host, subject, prompt, echo))
        for key, value in self.answers.items():
            if key in subject or key in prompt:
                return Secret(value)
        return None

    def new_host_key(self, host: str, names: tuple[str, ...], blob: bytes, file: str, hashed: bool) -> None:
        self.told.append((host, names, blob, file, hashed))


def target_for(sshd: Sshd, **changes: Any) -> Target:
    made = Target(
        name="alpha",
        address=sshd.address,
        port=sshd.port,
        user=sshd.user,
        identity_files=(str(sshd.client_key),),
        identity_agent="none",
        known_hosts=(str(sshd.known_hosts),),
        connect_timeout=10.0,
    )
    return msgspec.structs.replace(made, **changes)


def command(text: str, **fields: Any) -> Run:
    return Run(effect=Effect.CHANGE, command=text, **fields)


def program(text: str, *args: str, **fields: Any) -> Run:
    return Run(effect=Effect.CHANGE, program=text, args=args, **fields)


def run(session: Session, request: Run, stop: Stop | None = None) -> tuple[Exit, Output]:
    output = Output()
    return session.run(request, output, stop or Stop()), output


@contextlib.contextmanager
def connected(context: SSHContext, target: Target) -> Iterator[Session]:
    session = context.connect(target, Stop())
    try:
        yield session
    finally:
        session.close()


def refusal(context: SSHContext, target: Target, within: float | None = None) -> Unreachable:
    """The error of an attempt that must fail, in its time: the connect time, or sooner."""
    limit = target.connect_timeout if within is None else within
    with promptly(limit + AMPLE), pytest.raises(Unreachable) as caught:
        context.connect(target, Stop()).close()
    assert caught.value.host == target.name
    assert caught.value.message
    return caught.value


def stop_after(seconds: float, grace: float = 1.0) -> Stop:
    stop = Stop()
    timer = threading.Timer(seconds, lambda: stop.request("timeout", grace))
    timer.daemon = True
    timer.start()
    return stop


def stop_when(event: threading.Event, grace: float = 1.0) -> Stop:
    """Stops a moment after ``event``."""
    stop = Stop()

    def wait() -> None:
        event.wait(60)
        stop.request("timeout", grace)

    threading.Thread(target=wait, daemon=True).start()
    return stop
