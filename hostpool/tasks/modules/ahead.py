"""The items of a loop, one after the other, on a host that is asked about many of them at once.

What a module asks first changes nothing, and mostly nothing is left to do. So items are begun ahead of
their turn, up to where they ask the host, and their questions go together. Each sees what those before it
left: when the turn of one comes that changes the host, all that was begun after it is forgotten, and begun
anew after the change. That costs questions asked in vain; so after a change the next item is asked about
alone, and twice as many each time that nothing changed. What asks at length (a package manager) begins so.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from typing import Any

from hostpool.errors import HostError
from hostpool.tasks.base import Effect, Request, Run
from hostpool.tasks.modules.base import Result, Steps
from hostpool.tasks.modules.together import Answer, asked, fitting, is_plain

MOST = 64
"""Items that are under way at the same time."""

IN_TURN = frozenset(
    ("uri", "get_url", "git", "wait_for", "wait_for_connection", "reboot", "pause", "async_status")
)
"""Modules whose questions wait, or reach further than the host: each is asked in its turn, once."""

QUICK = frozenset(("file", "stat", "lineinfile", "blockinfile", "replace", "ini_file"))
"""Modules whose first question costs a host a millisecond: it may be asked in vain."""


class _Item:
    """A module under way. ``request``: what it waits for, None when it has ended."""

    def __init__(self, start: Callable[[], Steps]) -> None:
        self.request: Request[Any] | None = None
        self._steps = start()
        self._result: Result = {}
        self._error: Exception | None = None
        self._go(lambda: next(self._steps))

    def send(self, reply: Any) -> None:
        self._go(lambda: self._steps.send(reply))

    def fail(self, error: HostError) -> None:
        self._go(lambda: self._steps.throw(error))

    def take(self, answer: Answer) -> None:
        assert is_plain(self.request)
        try:
            reply = answer.to(self.request)
        except HostError as error:
            self.fail(error)
        else:
            self.send(reply)

    def result(self) -> Result:
        """Raises what it raised: not before its turn, for nothing may ever come to that."""
        if self._error is not None:
            raise self._error
        return self._result

    def forget(self) -> None:
        self._steps.close()

    def _go(self, step: Callable[[], Request[Any]]) -> None:
        self.request = None
        try:
            self.request = step()
        except StopIteration as end:
            self._result = end.value
        except Exception as error:
            self._error = error


def in_turn(
    starts: Sequence[Callable[[], Steps]], first: int = 1
) -> Generator[Request[Any], Any, list[Result]]:
    """The results of the modules, as if each were begun when the one before has ended. ``first``: how many
    are begun together at first."""
    results: list[Result] = []
    begun: deque[_Item] = deque()
    number, most = first, MOST
    while len(results) < len(starts):
        if not begun:
            begun.extend(map(_Item, starts[len(results) : len(results) + number]))
            number = min(2 * number, most)
        item = begun[0]
        if item.request is None:
            results.append(item.result())
            begun.popleft()
        elif is_plain(item.request):
            if not (yield from _ask(begun, most)):
                most = number = 1
        else:
            if not (isinstance(item.request, Run) and item.request.effect is Effect.QUERY):
                number = 1
                _forget(begun)
            try:
                reply = yield item.request
            except HostError as error:
                item.fail(error)
            else:
                item.send(reply)
    return results


def _ask(begun: deque[_Item], most: int) -> Generator[Request[Any], Any, bool]:
    """Asks for the first item and for those after it, up to one that waits for something else. Whether all
    of them were answered."""
    waiting: list[_Item] = []
    requests: list[Run] = []
    for item in begun:
        if is_plain(item.request) and len(waiting) < most:
            waiting.append(item)
            requests.append(item.request)
        elif item.request is not None:
            break
    requests = fitting(requests)
    try:
        answers = yield from asked(requests)
    except HostError as error:
        _forget(begun)
        waiting[0].fail(error)
        return True
    for item, answer in zip(waiting, answers, strict=False):
        item.take(answer)
        if item.request is not None and not is_plain(item.request):
            break  # most likely a change: whoever comes after it will be asked anew
    return len(answers) == len(requests)


def _forget(begun: deque[_Item]) -> None:
    """All but the first."""
    while len(begun) > 1:
        begun.pop().forget()
