"""Questions that only a person can answer: asked once, one after the other, in the parent."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from hostpool.errors import HostpoolError
from hostpool.messages import Question
from hostpool.secrets import Secret

Asker = Callable[[Question], Secret | None]
"""Shows the question and returns what was typed, None if nobody can be or wants to be asked."""

TRIES = 3


class Asking:
    """Answers arrive through a callback, on a thread of our own. A passphrase is asked once per key:
    what workers get is the decrypted key."""

    def __init__(self) -> None:
        self.asker: Asker | None = None
        self._questions: queue.SimpleQueue[tuple[Question, Callable[[Secret | None], None]]] = (
            queue.SimpleQueue()
        )
        self._keys: dict[str, Secret | None] = {}
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def ask(self, question: Question, answer: Callable[[Secret | None], None]) -> None:
        if self.asker is None:
            answer(None)
            return
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="hostpool-questions", daemon=True)
                self._thread.start()
        self._questions.put((question, answer))

    def _run(self) -> None:
        while True:
            question, answer = self._questions.get()
            if question.kind == "passphrase":
                if question.subject not in self._keys:
                    self._keys[question.subject] = self._unlock(question)
                answer(self._keys[question.subject])
            else:
                answer(self._put(question))

    def _put(self, question: Question) -> Secret | None:
        asker = self.asker
        try:
            return asker(question) if asker is not None else None
        except (EOFError, KeyboardInterrupt, OSError):
            return None

    def _unlock(self, question: Question) -> Secret | None:
        from pathlib import Path

        from hostpool.openssh.keys import decrypt_key

        for _ in range(TRIES):
            passphrase = self._put(question)
            if passphrase is None:
                return None
            try:
                return Secret(decrypt_key(Path(question.subject).read_bytes(), passphrase.reveal()).decode())
            except (HostpoolError, OSError):
                continue
        return None
