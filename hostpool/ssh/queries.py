"""Which shell a session asks what changes nothing: one that stays, or one that waits for what follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostpool.messages import Become
from hostpool.ssh.channel import Channel
from hostpool.ssh.held import FirstQuery, Following, HeldShell
from hostpool.ssh.kept import KeptShell, Query
from hostpool.ssh.telling import Telling
from hostpool.stop import Stop
from hostpool.tasks.base import Effect, Run
from hostpool.tasks.become import Dialogue, NeedsTerminal
from hostpool.tasks.session import Consumer, Exit
from hostpool.tasks.shell import SHELL, encode, program_of

if TYPE_CHECKING:
    from hostpool.ssh.session import SSHSession


class Queries:
    """``may_hold``: whether a shell may wait for the change that follows; else shells stay."""

    def __init__(self, session: SSHSession) -> None:
        self.may_hold = True
        self._session = session
        self._held: HeldShell | None = None

    def run(self, request: Run, become: Become | None, consumer: Consumer, stop: Stop) -> Exit | None:
        """None: it is to have a channel of its own. Raises what a session's ``run`` does."""
        if (following := self._following(request, become, consumer, stop)) is not None:
            return following.run()
        if not self._fits(request, become):
            return None
        program = self._program(request)
        asked = self._asked_of_kept if self._session.channels.ahead else self._asked_first
        try:
            return asked(request, program, become, consumer, stop)
        except NeedsTerminal:
            self._session.terminal_to_become = True
            return None

    def dismiss(self) -> None:
        """The shell that waits, if there is one, waits no longer."""
        held, self._held = self._held, None
        if held is not None:
            held.dismiss()

    def _fits(self, request: Run, become: Become | None) -> bool:
        session = self._session
        holds = bool(request.more) and self.may_hold and "OpenSSH" in session.transport.remote_version
        if not (session.channels.ahead or holds) or session.target.shell != "sh":
            return False
        if become is not None and (become.user != "root" or session.dialogue(become).terminal):
            return False
        plain = request.program is not None and not (request.raw or request.tty or request.stdin)
        return plain and request.effect is Effect.QUERY

    def _program(self, request: Run) -> str:
        try:
            return program_of(request)
        except ValueError as error:
            raise self._session.unfit(str(error), "bad_command") from error

    def _asked_of_kept(
        self, request: Run, program: str, become: Become | None, consumer: Consumer, stop: Stop
    ) -> Exit | None:
        """None: the shell was taken from us before it said anything, so nothing is known."""
        shell = self._kept(become, stop)
        if request.perl and shell.teller.able:
            telling = Telling(self._session, shell, shell.question(program, request.perl), consumer, stop)
            end = _heard(telling)
            if not telling.in_vain or stop.reason is not None:
                return end
            shell = self._kept(become, stop)
        return _heard(Query(self._session, shell, shell.words(program), consumer, stop))

    def _kept(self, become: Become | None, stop: Stop) -> KeptShell:
        channels = self._session.channels
        shell = channels.shells.get(become)
        if shell is None or not shell.alive:
            perl = shell is None or shell.teller.able
            shell = KeptShell(*self._begin(become, stop), perl=perl)
            channels.shells[become] = shell  # not before: beginning it may have taken all others away
        return shell

    def _asked_first(
        self, request: Run, program: str, become: Become | None, consumer: Consumer, stop: Stop
    ) -> Exit | None:
        shell = HeldShell(*self._begin(become, stop), request.more)
        asking = FirstQuery(self._session, shell, shell.words(program), consumer, stop)
        end = _heard(asking)
        self._held = asking.waiting()
        return end

    def _following(
        self, request: Run, become: Become | None, consumer: Consumer, stop: Stop
    ) -> Following | None:
        """For a shell that waits; whatever else is asked for, it waits no longer."""
        held, self._held = self._held, None
        if held is None:
            return None
        plain = request.program is not None and not (request.raw or request.tty)
        if plain and held.waits and held.become == become:
            try:
                return Following(self._session, held, request, consumer, stop)
            except ValueError as error:
                raise self._session.unfit(str(error), "bad_command") from error
        held.dismiss()
        return None

    def _begin(self, become: Become | None, stop: Stop) -> tuple[Channel, Dialogue | None]:
        session = self._session
        dialogue = None if become is None else session.dialogue(become)
        channel = session.channels.open(stop)
        with session.transport.wire.corked():
            session.prepare(channel)
            channel.request("exec", encode(SHELL) if dialogue is None else dialogue.shell().command)
            session.channels.open_ahead()
        session.transport.wire.hurry()
        return channel, dialogue


def _heard(asking: Query) -> Exit | None:
    end = asking.run()
    if end.exit_code is None and end.signal is None and end.stopped is None:
        return end if asking.delivered and not asking.gone else None
    return end
