"""The run of playbooks as a state machine: results in, jobs and events out. No I/O, no threads, no clock.

Call ``start``, carry out what ``take`` gives (events for the sinks, jobs for the pool), hand every job's
result to ``result``, until ``done``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hostpool.batches import split
from hostpool.errors import UsageError
from hostpool.playbook.actions import Surroundings
from hostpool.playbook.calls import BadTask, message_of
from hostpool.playbook.files import variables_of
from hostpool.playbook.keeping import Keeping
from hostpool.playbook.load import Loader
from hostpool.playbook.model import Play, Playbook
from hostpool.playbook.outs import HostState, Job, Options, Out, PlayBegan, Said
from hostpool.playbook.playrun import PlayRun
from hostpool.playbook.recap import Recap
from hostpool.playbook.running import Submit
from hostpool.playbook.sparing import Sparing
from hostpool.playbook.variables import Variables
from hostpool.playbook.world import World
from hostpool.results import HostResult
from hostpool.templating.scope import Scope
from hostpool.templating.template import RenderError, resolve


class Machine:
    def __init__(self, book: Playbook, loader: Loader, world: World, options: Options) -> None:
        self.recap = Recap()
        self.states: dict[str, HostState] = {}
        self.stopped_early = False
        self.stats: dict[str, dict[str, Any]] = {}
        self.options = options
        self.loader = loader
        self.world = world
        self.around = Surroundings(loader.files, options.verbosity)
        self.variables = Variables(world, options.extra, _magic(options, world))
        self.sparing = Sparing(book.plays, loader, world, options)
        self.variables.play_magic = {**self.variables._magic}
        self.keeping = Keeping(self)
        self._plays = deque(enumerate(book.plays))
        self.index = 0
        """The number of the play at hand."""
        self._play: Play | None = None
        self._batches: deque[Sequence[str]] = deque()
        self._waiting_hosts: list[str] = []
        self.cut = False
        """Whether it was stopped before its end."""
        self._run: PlayRun | None = None
        self._out: deque[Out] = deque()
        self._title = ""
        self._jobs = 0
        self._waiting: dict[int, PlayRun] = {}
        self._stopping = False
        self.done = False

    def start(self) -> None:
        self.keeping.restore()
        self._go_on()

    def take(self) -> list[Out]:
        """What is to be done now, in order; each once."""
        taken = list(self._out)
        self._out.clear()
        return taken

    def result(self, number: int, reply: HostResult) -> None:
        run = self._waiting.pop(number)
        run.result(number, reply)
        self._go_on()

    def stop(self) -> None:
        """No more jobs; the results of those under way still count."""
        self._stopping = True
        self._go_on()

    # -- for PlayRun -------------------------------------------------------------------------------------

    def say(self, event: Out) -> None:
        self._out.append(event)

    def submit(self, run: PlayRun, submit: Submit) -> int:
        self._jobs += 1
        self._waiting[self._jobs] = run
        self._out.append(Job(self._jobs, submit))
        return self._jobs

    def state(self, host: str) -> HostState:
        return self.states.setdefault(host, HostState())

    def known_hosts(self) -> list[str]:
        return list(dict.fromkeys([*self.states, *self.variables.registered]))

    def unbegun(self) -> list[str]:
        """Hosts of the play at hand whose turn had not come when the run was cut."""
        return [*self._waiting_hosts, *(host for batch in self._batches for host in batch)]

    @property
    def stopping(self) -> bool:
        return self._stopping

    # -- plays -------------------------------------------------------------------------------------------

    def _go_on(self) -> None:
        while not self.done:
            if self._run is not None:
                if not self._run.advance():
                    return
                self._end_batch(self._run)
            if self._stopping:
                self.cut = True
                self.done = not self._waiting
                return
            if not self._next_batch():
                self.done = True

    def _end_batch(self, run: PlayRun) -> None:
        self._run = None
        run.settle()
        if run.broken:
            self.stopped_early = True
            self.cut = True
            self._waiting_hosts = self.unbegun()
            self._batches.clear()
            self._plays.clear()
        elif run.whole_batch_failed or run.play_ended:
            self._batches.clear()

    def _next_batch(self) -> bool:
        while not self._batches:
            if not self._plays:
                return False
            self.index, play = self._plays.popleft()
            self._begin(play)
        batch = [host for host in self._batches.popleft() if self._alive(host)]
        if batch and self._play is not None:
            self._run = PlayRun(self, self._play, batch, self._title)
        return True

    def _alive(self, host: str) -> bool:
        state = self.states.get(host)
        return state is None or not (state.failed or state.unreachable)

    def _begin(self, play: Play) -> None:
        self._play = play
        try:
            hosts = self.hosts_of(play)
            self._title = self.name_of(play)
            everybody = [host for host in hosts if self._alive(host) and self.keeping.due(host)]
            if not everybody:
                if not hosts:
                    self.say(Said(f"play {self._title!r}: no host matched", None))
                return
            batches = [list(each) for each in split(everybody, self._serial(play))]
        except (UsageError, BadTask) as error:
            self.say(Said(f"play {self.name_of(play)!r} cannot run: {message_of(error)}"))
            self.stopped_early = True
            self._plays.clear()
            return
        self.variables.begin(
            play,
            lambda host: self._vars_files(play, host),
            {"ansible_play_name": self._title, "ansible_play_hosts_all": everybody},
        )
        self.say(PlayBegan(self._title, tuple(everybody)))
        self._batches.extend(batches)

    def hosts_of(self, play: Play) -> list[str]:
        """The play's hosts, limited, in its order. Raises RenderError, PatternError."""
        self.variables.play_layers = (play.vars,) if play.vars else ()
        self.variables.play = play
        scope = Scope(self.variables._magic, self.variables.extra, play.vars)
        pattern = resolve(play.hosts, scope)
        if isinstance(pattern, list | tuple):
            pattern = [str(each) for each in pattern]
        elif not isinstance(pattern, str):
            pattern = str(pattern)
        if not pattern:
            return []
        found = self.world.select(pattern, self.options.limit, list(self.options.exclude) or None)
        if self.options.only is not None:
            found = [host for host in found if host in self.options.only]
            return _ordered(found, play.order)
        if not found and self.options.limit is None and pattern in ("localhost", "127.0.0.1"):
            found = [pattern]
        return _ordered(found, play.order)

    def name_of(self, play: Play) -> str:
        name = play.name if play.name is not None else play.hosts
        try:
            value = resolve(name, Scope(self.variables._magic, self.variables.extra, play.vars))
        except RenderError:
            value = getattr(name, "text", name)
        return ",".join(map(str, value)) if isinstance(value, list) else str(value)

    def _serial(self, play: Play) -> tuple[str, ...]:
        value = resolve(play.serial, Scope(self.variables._magic, self.variables.extra, play.vars))
        if value in (None, 0, "0", "", []):
            return ()
        return tuple(str(each) for each in (value if isinstance(value, list) else [value]))

    def _vars_files(self, play: Play, host: str) -> dict[str, Any]:
        """The host's variables of files. Raises RenderError, Wanted, BadTask."""
        found: dict[str, Any] = {}
        for value, place in play.vars_files:
            names = resolve(value, self.variables.of_host(host))
            candidates = names if isinstance(names, list) else [names]
            paths = [Path(play.directory, str(name)) for name in candidates]
            path = next((path for path in paths if path.is_file()), None)
            if path is None:
                raise BadTask(
                    f"{place.file}:{place.line}: vars_files: there is no {', '.join(map(str, candidates))}"
                )
            document = self.loader.files.read(path, place)
            if document is not None:
                found.update(variables_of(document))
        return found


def _ordered(hosts: list[str], order: str | None) -> list[str]:
    if order == "reverse_inventory":
        return hosts[::-1]
    if order in ("sorted", "reverse_sorted"):
        return sorted(hosts, reverse=order == "reverse_sorted")
    if order == "shuffle":
        import random

        return random.SystemRandom().sample(hosts, len(hosts))
    return hosts


def _magic(options: Options, world: World) -> dict[str, Any]:
    choice = options.choice
    return {
        "ansible_check_mode": options.defaults.check,
        "ansible_diff_mode": options.defaults.diff,
        "ansible_run_tags": sorted(choice.tags),
        "ansible_skip_tags": sorted(choice.skip),
        "ansible_forks": options.fanout,
        "ansible_limit": options.limit,
        "ansible_verbosity": options.verbosity,
        "ansible_version": {"full": "2.19.0", "major": 2, "minor": 19, "revision": 0, "string": "2.19.0"},
        "ansible_inventory_sources": [],
        "_hostpool_select": lambda terms: [h for term in terms for h in world.select(str(term))],
    }
