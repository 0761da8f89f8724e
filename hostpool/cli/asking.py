"""Questions of hosts and keys that only the person at the terminal can answer."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from hostpool.messages import Question
from hostpool.secrets import Secret
from hostpool.views.neutralise import one_line

if TYPE_CHECKING:
    from hostpool.pool.asking import Asker


def asking(paused: Callable[[], AbstractContextManager[None]]) -> Asker:
    """`ask`, with what is drawn on the screen out of the way meanwhile (a view's ``paused``)."""

    def ask_alone(question: Question) -> Secret | None:
        with paused():
            return ask(question)

    return ask_alone


def ask(question: Question) -> Secret | None:
    """Asks on the terminal itself; None without one. A host's words are shown as such, harmless."""
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return None
    try:
        return _ask(terminal, question)
    finally:
        os.close(terminal)


def _ask(terminal: int, question: Question) -> Secret | None:
    import getpass

    if question.kind == "passphrase":
        return Secret(getpass.getpass(f"Passphrase for the key {one_line(question.subject)}: "))
    prompt = f"{one_line(question.host)} asks: {one_line(question.prompt)} "
    if not question.echo:
        return Secret(getpass.getpass(prompt))
    os.write(terminal, prompt.encode())
    with open(os.dup(terminal), encoding="utf-8", errors="surrogateescape") as stream:
        line = stream.readline()
    return Secret(line.rstrip("\n")) if line else None
