"""What of a result nobody can see is not asked for.

Some parameters only add to a result (``Param.shows``), and cost a program on every host. They are switched
off where a task does not say them, its result is registered, and all that is read of that name in the
whole run are parts which these parameters do not make. A result that nobody reads is there to be recorded,
so it is whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from hostpool.playbook.model import Play, Task
from hostpool.playbook.outs import Options
from hostpool.playbook.readings import WORDS, Path, reached, readings
from hostpool.playbook.texts import Unknown, texts
from hostpool.playbook.world import World
from hostpool.tasks.modules.job import Call
from hostpool.templating.template import RenderError, Template

if TYPE_CHECKING:
    from hostpool.playbook.load import Loader


class Sparing:
    def __init__(self, plays: Sequence[Play], loader: Loader, world: World, options: Options) -> None:
        self._plays = tuple(plays)
        self._loader = loader
        self._world = world
        self._options = options
        self._possible = not options.whole_results and options.left is None
        """What an earlier run left may hold anything."""
        self._texts: list[Template] | None = None
        self._known: dict[tuple[str, str], frozenset[str]] = {}

    def spared(self, task: Task, call: Call) -> Call:
        """The call without what nobody sees."""
        spec = self._loader.specs.get(call.module)
        if not self._possible or spec is None or not task.register or task.loop or task.limit is not None:
            return call
        if not any(param.shows for param in spec.params.values()):
            return call
        key = (call.module, task.register)
        if key not in self._known:
            parts = {name: param.shows for name, param in spec.params.items() if param.shows}
            self._known[key] = self._unseen(task.register, parts)
        said = {spec.canonical(name) for name in call.args}
        unseen = self._known[key] - said
        return replace(call, args={**call.args, **dict.fromkeys(unseen, False)}) if unseen else call

    def _unseen(self, name: str, parts: dict[str, tuple[Path, ...]]) -> frozenset[str]:
        """The parameters none of whose parts is read; none of them where that cannot be known."""
        # A task's own conditions see the parts of its result also without the registered name.
        own = {part[0]: part[:1] for shows in parts.values() for part in shows}
        try:
            read = self._read({**own, name: ()})
        except (Unknown, RenderError):
            return frozenset()
        if not read:
            return frozenset()
        return frozenset(key for key, shows in parts.items() if not any(reached(p, read) for p in shows))

    def _read(self, roots: dict[str, Path]) -> set[Path]:
        """Raises Unknown, RenderError."""
        if self._texts is None:
            self._texts = texts(self._loader, self._plays, self._world, self._options.extra)
        # To parse all texts would take longer than what is spared.
        hint = re.compile("|".join(rf"\b{re.escape(word)}\b" for word in (*roots, *WORDS)))
        found: set[Path] = set()
        for template in self._texts:
            if hint.search(template.text):
                found |= readings(template.parse(), roots)
        return found
