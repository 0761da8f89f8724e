"""Ending a command on a host for good, and knowing whether that worked.

Closing a channel leaves the command running. sshd carries out a ``signal`` request (RFC 4254 §6.9) on
the command's process group, unless the login is root's or the command is forced. For root a second
channel does it: its shell looks for the other children of its own parent, which is the sshd process of
this connection, so the command itself needs no wrapper.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hostpool.alarms import Alarm
from hostpool.errors import Cancelled, HostError, TaskFailed
from hostpool.ssh.channel import RAW, Channel
from hostpool.ssh.stdin import Stdin
from hostpool.stop import Stop
from hostpool.tasks.become import Dialogue
from hostpool.tasks.ending import ending
from hostpool.tasks.shell import invocation

if TYPE_CHECKING:
    from hostpool.ssh.session import SSHSession

CONFIRM = 2.0  # seconds after KILL for the host to say that it is over
LOGIN = 3.0  # seconds more where that takes another sudo first: PAM, on a host that may be busy
EPILOGUE = 0.5  # seconds for the command's own exit status after the helper saw it gone


class Killer:
    """``step`` is called whenever something happened; it never blocks for long.

    ``due``: the moment of the monotonic clock at which it wants to be called again. ``began``: a stop
    was carried out; ``confirmed``: the host says that nothing of the command is left.
    """

    def __init__(self, session: SSHSession, channel: Channel, stop: Stop, dialogue: Dialogue | None) -> None:
        self.due: float | None = None
        self.began = False
        self.confirmed = False
        self._session = session
        self._channel = channel
        self._stop = stop
        self._dialogue = dialogue
        self._helper: _Helper | None = None
        self._last_word = False
        self._replies_before = 0
        self._give_up = 0.0
        self._alarm: Alarm | None = None

    def step(self) -> bool:
        """Whether it is over: gone, or given up. Always False while no stop is requested."""
        if self._stop.reason is None:
            return False
        now = time.monotonic()
        if not self.began:
            self._begin(now)
        if self._channel.dead:
            return True
        if self._helper is None and self._refused():
            self._use_helper(now)
        if self._helper is not None:
            return self._helped(self._helper, now)
        if self._channel.exited:
            return self._leader_gone(now)
        if self.due is not None and now >= self.due:
            return self._escalate(now)
        return False

    def close(self) -> None:
        if self._helper is not None:
            self._helper.close()
        if self._alarm is not None:
            self._alarm.cancel()

    # -- by the signal request

    def _begin(self, now: float) -> None:
        self.began = True
        self.due = now + self._stop.grace
        self._give_up = self.due + self._session.confirm
        if self._dialogue is not None:
            self._give_up += LOGIN
        self._alarm = self._session.end_by(self._give_up + 2.0)  # whatever we may be stuck in
        self._replies_before = self._channel.asked
        if self._dialogue is None:
            self._signal("TERM")
        elif self._dialogue.open:  # sshd may not signal another user's processes
            self._use_helper(now)
        else:  # closing the channel ends sudo at its prompt
            raise Cancelled("stopped before the command was sent", host=self._session.target.name)

    def _signal(self, name: str) -> None:
        self._channel.request("signal", name.encode())

    def _refused(self) -> bool:
        replies = list(self._channel.replies)[self._replies_before :]
        return bool(replies) and not replies[0] and not self._channel.exited

    def _escalate(self, now: float) -> bool:
        if self._last_word:
            return True
        self._signal("KILL")
        self._last_word = True
        self.due = now + self._session.confirm
        return False

    def _leader_gone(self, now: float) -> bool:
        """The shell is gone, and its children are if they let go of its output. sshd sends no signal
        to a group without its leader, so a child that stays on can only be reported."""
        self.confirmed = self._channel.eof
        self.due = self._give_up
        return self.confirmed or now >= self._give_up

    # -- through a second channel

    def _use_helper(self, now: float) -> None:
        self._last_word = True
        self.due = now
        if self._session.may_use_shell:
            try:
                self._helper = _Helper(self._session, self._channel, self._stop.grace, self._dialogue)
            except HostError:  # MaxSessions 1: nothing more can be done on this connection
                return
            self.due = self._give_up

    def _helped(self, helper: _Helper, now: float) -> bool:
        verdict = helper.step()
        if verdict is None:
            return now >= self._give_up
        if verdict and not self.confirmed:
            self.confirmed = True
            self.due = now + EPILOGUE
        return not verdict or self._channel.eof or (self.due is not None and now >= self.due)


class _Helper:
    """The program above, at work on a channel of its own, as the user the command runs as."""

    def __init__(self, session: SSHSession, beside: Channel, grace: float, as_in: Dialogue | None) -> None:
        request = ending(None if as_in is None else as_in.pid, grace)
        self._dialogue = None if as_in is None else session.dialogue(as_in.become)
        self._channel = session.channels.open(None, wakes=beside)
        call = (
            invocation(request, shell=True) if self._dialogue is None else self._dialogue.invocation(request)
        )
        if self._dialogue is not None and self._dialogue.terminal:
            self._channel.request("pty-req", b"dumb", 80, 24, 0, 0, RAW)
        self._stdin = Stdin(call.head, b"")
        self._channel.request("exec", call.command)

    def step(self) -> bool | None:
        """True: nothing is left; False: something is, or it could not be found out; None: not yet."""
        for stream, data in self._channel.wait(0):
            if self._dialogue is not None:
                self._dialogue.take(stream, data)
        try:
            self._talk()
        except TaskFailed:
            return False
        if self._channel.status is not None:
            return self._channel.status == 0
        return False if self._channel.closed or self._channel.dead else None

    def _talk(self) -> None:
        if self._dialogue is None or self._dialogue.open:
            self._stdin.pump(self._channel)
        elif (answer := self._dialogue.reply()) is not None:
            self._channel.send(answer)

    def close(self) -> None:
        self._channel.close()
