"""Logging in: which methods, which keys, in which order, and what to say when it does not work.

As OpenSSH's client does it, with two differences: no more keys are offered than sshd takes by
default, and nobody is asked for the passphrase of a key that the host would not take.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hostpool.errors import Unreachable
from hostpool.messages import Target
from hostpool.ssh.attempt import Attempt
from hostpool.ssh.identities import Identities
from hostpool.ssh.keys import Identity, KeyFileError, Locked, algorithm_for
from hostpool.ssh.mapping import place, unreachable
from hostpool.ssh.transport import Transport
from hostpool.ssh.userauth import Answer, Prompt, UserAuth

if TYPE_CHECKING:
    from hostpool.ssh.context import SSHContext

MAX_TRIES = 6  # sshd's MaxAuthTries: at the sixth refusal it hangs up


def authenticate(context: SSHContext, transport: Transport, target: Target, attempt: Attempt) -> None:
    """Returns once logged in. Raises Unreachable, or EOFError when the connection ended."""
    attempt.stage = "auth"
    _Login(context, transport, target, attempt).run()


class _Login:
    def __init__(self, context: SSHContext, transport: Transport, target: Target, attempt: Attempt) -> None:
        self.context = context
        self.target = target
        self.attempt = attempt
        self.client = UserAuth(transport, target.user)
        self.refusals = 0
        self.refused: list[str] = []
        self.notes: list[str] = []
        self.locked: list[str] = []
        self.methods: tuple[str, ...] | None = None
        self.used: set[str] = set()
        self.identities = Identities(context, target, self.notes)
        self._keys: Iterator[Identity] | None = None

    def run(self) -> None:
        if "publickey" not in self.target.preferred_auth or not self.identities.any():
            if self._take(self.client.none()):
                return
            self.refusals = 0  # sshd does not count this one
        while True:
            method = self._next_method()
            if method is None:
                raise self._failure()
            if getattr(self, "_" + method.replace("-", "_"))():
                return

    def _next_method(self) -> str | None:
        for method in self.target.preferred_auth:
            allowed = self.methods is None or method in self.methods
            known = method in ("publickey", "password", "keyboard-interactive")
            if allowed and known and method not in self.used:
                return method
        return None

    def _take(self, answer: Answer) -> bool:
        """Notes an answer; whether we are in. Partial success opens the remaining methods anew."""
        if answer.success:
            return True
        if answer.methods:
            self.methods = answer.methods
        if answer.partial:
            self.used.clear()
            self.refusals = 0
        elif not answer.usable:
            self.refusals += 1
        return False

    # -- methods: each returns whether we are in, and adds itself to `used` when it has nothing left

    def _publickey(self) -> bool:
        if self._keys is None:
            self._keys = iter(self.identities)
        limit = MAX_TRIES - (1 if self.target.password is not None else 0)
        for identity in self._keys:
            if self.refusals >= limit:
                raise self._too_many()
            answer = self._offer(identity)
            if answer is None:
                continue
            if self._take(answer):
                return True
            if answer.partial or (self.methods is not None and "publickey" not in self.methods):
                return False
            self.refused.append(identity.label)
        self.used.add("publickey")
        return False

    def _offer(self, identity: Identity) -> Answer | None:
        """None if the key could not be used at all."""
        algorithm = algorithm_for(
            identity.type, self.client.server_signatures(), self.target.pubkey_algorithms
        )
        if algorithm is None:
            self.notes.append(f"{identity.label}: no signature algorithm in common")
            return None
        if identity.costly:
            answer = self.client.query_key(algorithm, identity.blob)
            if not answer.usable:
                return answer
        try:
            return self.client.key(
                algorithm, identity.blob, lambda data: self._sign(identity, data, algorithm)
            )
        except Locked as error:
            self.locked.append(identity.label)
            self.notes.append(f"{identity.label}: {error}")
        except KeyFileError as error:
            self.notes.append(f"{identity.label}: {error}")
        return None

    def _sign(self, identity: Identity, data: bytes, algorithm: str) -> bytes:
        if not identity.costly:
            return identity.sign(data, algorithm)
        with self.attempt.paused():
            return identity.sign(data, algorithm)

    def _password(self) -> bool:
        self.used.add("password")
        if self.target.password is None:
            return False
        answer = self.client.password(self.target.password.reveal())
        if answer.expired:
            raise self._refuse("the password has expired and must be changed there first")
        if self._take(answer):
            return True
        if not answer.partial:
            self.refused.append("the password")
        return False

    def _keyboard_interactive(self) -> bool:
        self.used.add("keyboard-interactive")
        password_left = self.target.password is not None
        gave_up = False
        asked = False

        def respond(title: str, instructions: str, prompts: tuple[Prompt, ...]) -> list[str] | None:
            nonlocal password_left, gave_up, asked
            asked = asked or bool(prompts)
            if password_left and len(prompts) == 1 and not prompts[0].echo and self.target.password:
                password_left = False
                return [self.target.password.reveal()]
            answers = []
            for prompt in prompts:
                words = "\n".join(part for part in (title, instructions, prompt.text) if part)
                with self.attempt.paused():
                    secret = self.context.ask(
                        "prompt", self.target.name, place(self.target), words, prompt.echo
                    )
                if secret is None:
                    gave_up = True
                    return None
                answers.append(secret.reveal())
            return answers

        answer = self.client.interactive(respond)
        if gave_up:
            self.notes.append("it asks a question (a one-time code?) and nobody is there to answer")
            return False
        if self._take(answer):
            return True
        if asked and not answer.partial:
            self.refused.append("the answers to its questions")
            if self.target.password is not None and not password_left:
                self.used.add("password")  # the same password would count as one more refusal
        return False

    # -- what to say

    def _failure(self) -> Unreachable:
        if self.locked:
            names = ", ".join(self.locked)
            return unreachable(
                self.target,
                "key_locked",
                f"{names} is encrypted and nobody is there to give its passphrase",
                "add it to the agent (ssh-add), or run at a terminal",
            )
        if not self.refused and not self.notes and self.identities.empty:
            missing = self.identities.missing
            what = f": no {', no '.join(missing)}" if 0 < len(missing) < 3 else ""
            return self._refuse(f"we have no key and no password to show{what}")
        return self._refuse("; ".join([*self._refusals(), *self.notes]))

    def _refusals(self) -> list[str]:
        return [f"refused: {', '.join(self.refused)}"] if self.refused else []

    def _refuse(self, why: str) -> Unreachable:
        takes = f" (it takes {', '.join(self.methods)})" if self.methods else ""
        return unreachable(
            self.target,
            "auth_failed",
            f"{place(self.target)} refused {self.target.user}: {why}{takes}",
            self._hint(),
        )

    def _hint(self) -> str:
        if self.methods is not None and "publickey" not in self.methods:
            return "it wants no key: -k asks for a password"
        return "user (-u), key (--private-key, ssh-add), or the host's authorized_keys and its log"

    def _too_many(self) -> Unreachable:
        return unreachable(
            self.target,
            "auth_too_many",
            f"{place(self.target)} refused {len(self.refused)} keys of {self.target.user}; "
            "more would make it hang up",
            "name the right key (--private-key, IdentityFile with IdentitiesOnly yes)",
        )
