"""What a worker cannot know or do itself: it asks the parent, and waits for the answer."""

from __future__ import annotations

import itertools
import threading
from typing import Literal

from hostpool.messages import Answer, NewHostKey, Question
from hostpool.secrets import Secret
from hostpool.worker.outbox import Outbox


class Questions:
    """Thread-safe. ``ask`` blocks until the parent has answered; the person may take their time."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._numbers = itertools.count(1)
        self._changed = threading.Condition()
        self._waiting: set[int] = set()
        self._answers: dict[int, Secret | None] = {}

    def ask(
        self,
        kind: Literal["passphrase", "prompt"],
        host: str,
        subject: str,
        prompt: str = "",
        echo: bool = False,
    ) -> Secret | None:
        """The answer, or None: nobody is there to be asked."""
        number = next(self._numbers)
        with self._changed:
            self._waiting.add(number)
        self._outbox.put(
            Question(question_id=number, kind=kind, host=host, subject=subject, prompt=prompt, echo=echo)
        )
        with self._changed:
            while number in self._waiting:
                self._changed.wait()
            return self._answers.pop(number)

    def answered(self, answer: Answer) -> None:
        with self._changed:
            if answer.question_id in self._waiting:
                self._waiting.discard(answer.question_id)
                self._answers[answer.question_id] = answer.value
                self._changed.notify_all()

    def new_host_key(self, host: str, names: tuple[str, ...], blob: bytes, file: str, hashed: bool) -> None:
        """The parent appends it to the file: workers never write known_hosts."""
        self._outbox.put(NewHostKey(host=host, names=names, blob=blob, file=file, hashed=hashed))
