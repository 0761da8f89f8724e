"""Where one host stands in a play: blocks entered and left, failures caught, includes put in place.

Every task has a key; keys are ordered as the tasks stand, so hosts go in step by doing the least one
that any of them is at. An included task's key begins with its include's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import NamedTuple

from hostpool.playbook.model import Block, Node, Task

Key = tuple[int, ...]


class Phase(IntEnum):
    BLOCK = 0
    RESCUE = 1
    ALWAYS = 2


class Caught(IntEnum):
    """What a failure led to."""

    NOTHING = 0
    RESCUED = 1
    CLEANING = 2


class Position(NamedTuple):
    key: Key
    task: Task


class Stand(NamedTuple):
    """``trail``: the includes around the task, and the task; ``handlers``: those that were at hand."""

    key: Key
    trail: tuple[Task, ...]
    handlers: tuple[int, ...]


class _Frame:
    __slots__ = ("block", "by", "failed", "handlers", "index", "key", "keys", "nodes", "phase")

    def __init__(
        self,
        key: Key,
        nodes: Sequence[Node],
        block: Block | None = None,
        keys: Sequence[int] | None = None,
        by: Task | None = None,
        handlers: bool = False,
    ) -> None:
        self.key = key
        self.nodes = nodes
        self.keys = keys
        self.block = block
        self.by = by
        self.handlers = handlers
        self.phase = Phase.BLOCK
        self.index = 0
        self.failed = False

    @property
    def here(self) -> Key:
        number = self.index if self.keys is None else self.keys[self.index]
        phase = (int(self.phase),) if self.block is not None else ()
        return (*self.key, *phase, number)

    def turn(self, phase: Phase, nodes: Sequence[Node]) -> None:
        self.phase, self.nodes, self.index = phase, nodes, 0


Numbered = Sequence[tuple[int, Node]]
Section = Callable[[], Numbered]


class Cursor:
    """``sections`` are asked for their numbered nodes when the host comes to them."""

    def __init__(self, sections: Sequence[Section], handlers: frozenset[int] = frozenset()) -> None:
        self._sections = sections
        self._handlers = handlers
        self._next = 0
        self._frames: list[_Frame] = []
        self.dead = False

    def peek(self) -> Position | None:
        """The next task, None at the end."""
        while True:
            if not self._frames and not self._enter_section():
                return None
            frame = self._frames[-1]
            if frame.index < len(frame.nodes):
                node = frame.nodes[frame.index]
                if isinstance(node, Task):
                    return Position(frame.here, node)
                self._frames.append(_Frame(frame.here, node.block, node))
            else:
                self._leave(frame)

    def _enter_section(self) -> bool:
        while self._next < len(self._sections):
            number, self._next = self._next, self._next + 1
            if self.dead and number not in self._handlers:
                continue
            numbered = self._sections[number]()
            if numbered:
                nodes, keys = [node for _, node in numbered], [n for n, _ in numbered]
                self._frames.append(_Frame((number,), nodes, keys=keys, handlers=number in self._handlers))
                return True
        return False

    def _leave(self, frame: _Frame) -> None:
        block = frame.block
        if block is not None and frame.phase is not Phase.ALWAYS and block.always:
            frame.turn(Phase.ALWAYS, block.always)
            return
        self._frames.pop()
        if frame.failed:
            self._unwind()
        elif self._frames and block is not None:
            self._frames[-1].index += 1

    def done(self) -> None:
        """The task at hand ended well (or its failure is ignored)."""
        if self._frames:  # not after ``end``
            self._frames[-1].index += 1

    def fail(self) -> Caught:
        """The task at hand failed: on to what catches it; NOTHING: the host is out."""
        return self._unwind()

    def _unwind(self) -> Caught:
        while self._frames:
            frame = self._frames[-1]
            block = frame.block
            if block is not None and frame.phase is Phase.BLOCK and block.rescue:
                frame.turn(Phase.RESCUE, block.rescue)
                return Caught.RESCUED
            if block is not None and frame.phase is not Phase.ALWAYS and block.always:
                frame.failed = True
                frame.turn(Phase.ALWAYS, block.always)
                return Caught.CLEANING
            self._frames.pop()
        self.dead = True
        return Caught.NOTHING

    def insert(self, parts: Sequence[tuple[int, Sequence[Node]]]) -> None:
        """Nodes that come right after the task at hand, before what followed it, each part with a
        number that orders it among the others. Call ``done`` first."""
        key, by = self._before()
        for number, nodes in reversed(parts):
            self._frames.append(_Frame((*key, number), nodes, by=by))

    def insert_numbered(self, numbered: Numbered) -> None:
        """As ``insert``, for handlers: each has its own number."""
        key, by = self._before()
        nodes, keys = [node for _, node in numbered], [n for n, _ in numbered]
        self._frames.append(_Frame(key, nodes, keys=keys, by=by, handlers=True))

    def _before(self) -> tuple[Key, Task]:
        """The task that was done last, with its key."""
        frame = self._frames[-1]
        frame.index -= 1
        key, task = frame.here, frame.nodes[frame.index]
        frame.index += 1
        assert isinstance(task, Task)
        return key, task

    def stand(self) -> Stand:
        """From where the host could go on later. A ``rescue`` is not gone into again without its block:
        that is where it begins then."""
        place = self.peek()
        trail: list[Task] = []
        left: list[int] = []
        for frame in self._frames:
            if frame.by is not None and frame.by not in trail:
                trail.append(frame.by)
            if frame.block is not None and frame.phase is Phase.RESCUE:
                return Stand(frame.key, (*trail, *_first(frame.block)), tuple(left))
            if frame.handlers and frame.keys is not None:
                left += frame.keys[frame.index :]
        return Stand(place.key if place else (), (*trail, *([place.task] if place else [])), tuple(left))

    @property
    def rescuable(self) -> bool:
        """Whether a failure now would be caught by a ``rescue``, sooner or later."""
        return any(
            frame.block is not None and frame.phase is Phase.BLOCK and frame.block.rescue
            for frame in self._frames
        )

    def end(self) -> None:
        """The host's play is over for it, without a failure."""
        self._frames.clear()
        self._next = len(self._sections)


def _first(node: Node) -> list[Task]:
    if isinstance(node, Task):
        return [node]
    return next((found for each in node.block if (found := _first(each))), [])
