"""What a playbook asks of the person at the terminal: ``vars_prompt`` before, ``pause`` while it runs."""

from __future__ import annotations

import os
import select
import termios
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from hostpool.errors import PlaybookError
from hostpool.secrets import MIN_LENGTH
from hostpool.views.neutralise import one_line

if TYPE_CHECKING:
    from hostpool.playbook.model import Playbook, Prompt
    from hostpool.playrunner import Asking

_TICK = 0.2


def there_is_a_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def ask_for_variables(book: Playbook, extra: Mapping[str, Any], *, person: bool) -> list[str]:
    """Fills in what plays ask for; returns the answers that are not to be shown. ``person``: whether
    somebody is there. Raises PlaybookError for what has neither an answer nor a default, and for a
    pause that nobody would end."""
    from hostpool.playbook.prompts import waiting

    hidden: list[str] = []
    for play in book.plays:
        for task in waiting(play):
            if not person:
                raise _nobody(
                    task.place, "a pause without seconds waits for a key", "give it seconds: or minutes:"
                )
        answers = {}
        for prompt in play.prompts:
            if prompt.name in extra:
                continue
            value = _value(prompt, person)
            if prompt.private and len(str(value)) >= MIN_LENGTH:
                hidden.append(str(value))
            answers[prompt.name] = _encrypted(prompt, value)
        play.vars = {**play.vars, **answers}
    return hidden


def _nobody(place: Any, message: str, hint: str) -> PlaybookError:
    return PlaybookError(
        f"{message}, and nobody is at a terminal",
        hint=hint, file=place.file, line=place.line, column=place.column, source=place.text,
    )  # fmt: skip


def _value(prompt: Prompt, person: bool) -> Any:
    if not person:
        if prompt.default is None:
            raise _nobody(
                prompt.place,
                f"the play asks for {prompt.name}",
                f"-e {prompt.name}=VALUE or -e @FILE gives it",
            )
        return prompt.default
    shown = "" if prompt.default is None else f" [{one_line(str(prompt.default))}]"
    question = f"{one_line(prompt.text)}{shown}: "
    while True:
        typed = _typed(question, prompt.private)
        if not prompt.confirm or _typed(f"confirm {question}", prompt.private) == typed:
            return typed or ("" if prompt.default is None else prompt.default)


def _typed(question: str, private: bool) -> str:
    if private:
        import getpass

        return getpass.getpass(question)
    with open("/dev/tty", "r+b", buffering=0) as terminal:
        terminal.write(question.encode())
        return terminal.readline().decode("utf-8", "surrogateescape").rstrip("\r\n")


def _encrypted(prompt: Prompt, value: Any) -> Any:
    if prompt.encrypt is None:
        return value
    from hostpool.templating.filters_passwords import password_hash

    return password_hash(value, prompt.encrypt, prompt.salt, prompt.salt_size)


def pausing(paused: Callable[[], AbstractContextManager[None]]) -> Asking:
    """How ``pause`` asks, with what is drawn on the screen out of the way meanwhile."""

    def ask(prompt: str, echo: bool, stopped: Callable[[], bool]) -> str | None:
        with paused(), open("/dev/tty", "r+b", buffering=0) as terminal:
            terminal.write("".join(f"{one_line(line)}\r\n" for line in prompt.splitlines()).encode() + b": ")
            with _silent(terminal.fileno(), echo):
                while not stopped():
                    if select.select([terminal], [], [], _TICK)[0]:
                        line = terminal.readline()
                        return line.decode("utf-8", "surrogateescape").rstrip("\r\n") if line else None
        return None

    return ask


@contextmanager
def _silent(terminal: int, echo: bool) -> Iterator[None]:
    before = termios.tcgetattr(terminal)
    if not echo:
        changed = [*before]
        changed[3] &= ~termios.ECHO
        termios.tcsetattr(terminal, termios.TCSADRAIN, changed)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
