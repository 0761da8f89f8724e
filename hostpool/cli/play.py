"""``hostpool play PLAYBOOK...``"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hostpool.cli.playoptions import PlayOptions
from hostpool.cli.spec import Spec
from hostpool.errors import ConfigError, HostpoolError, PatternError, UsageError

if TYPE_CHECKING:
    from hostpool.inventory import Inventory
    from hostpool.playbook.load import Loader
    from hostpool.playbook.machine import Machine
    from hostpool.playbook.model import Playbook
    from hostpool.playbook.resume import Left
    from hostpool.runner import Sink
    from hostpool.secrets import Secret
    from hostpool.settings import Settings

_HELP = """Run YAML playbooks, in Ansible's words, on hosts that need nothing but sshd and sh.

All files are read and checked before the first host is touched; what is not supported is listed
with its place.

\b
  hostpool play site.yml -l web -C -D
  hostpool play patch.yml -t packages -e version=1.2
  hostpool play site.yml --syntax-check -o json
"""


def run(options: PlayOptions, words: list[str]) -> int:
    if not words:
        raise UsageError("no playbook is named", hint="`hostpool play site.yml`")
    from hostpool.playbook.lean import import_yaml
    from hostpool.templating.lean import import_jinja2

    import_jinja2()
    import_yaml()
    from hostpool.cli import extra_vars
    from hostpool.playbook.load import Loader
    from hostpool.tasks.modules.registry import specs

    extra = extra_vars.parse(options.extra_vars)
    loader = Loader(specs(), passwords=_vault_passwords(options), extra=extra)
    book = loader.look([Path(word) for word in words])
    if options.syntax_check:
        from hostpool.cli.playlists import syntax

        _tell_undefined(options, loader, book, extra)
        return syntax(options, loader, book)
    loader.collector.raise_any()
    if options.list_tasks or options.list_tags or options.list_hosts:
        from hostpool.cli.playlists import listing

        listing(options, _machine(options, loader, book, _inventory(options), _settings(options)), book)
        return 0
    from hostpool.pool.early import prepare_alike

    prepare_alike("hostpool.tasks")
    return _run(options, loader, book, words)


def _tell_undefined(options: PlayOptions, loader: Loader, book: Playbook, extra: Mapping[str, Any]) -> None:
    """Variables that nothing defines; an inventory must be known for that."""
    from hostpool.cli.inventories import sources
    from hostpool.playbook import undefined
    from hostpool.playbook.world import World

    if not sources(options) or not book.files:
        return
    directory = str(Path(os.path.abspath(book.files[0])).parent)  # noqa: PTH100 -- links stay
    try:
        world = World(_inventory(options), directory, loader.files.reveal)
        outside = undefined.names_of(world, world.hosts)
    except HostpoolError:
        return  # what is wrong with the inventory is not this check's business
    undefined.tell(loader, book.plays, {*outside, *extra}, frozenset(loader.files.asked_for))


def _vault_passwords(options: PlayOptions) -> list[Secret]:
    from hostpool.cli import passwords
    from hostpool.secrets import Secret

    found = []
    if options.ask_vault_pass:
        typed = passwords.asked("Vault password: ", "--ask-vault-pass")
        if not typed:
            raise ConfigError("--ask-vault-pass: nothing was typed")
        found.append(Secret(typed))
    for file in options.vault_password_file:
        try:
            text = Path(file).expanduser().read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"the vault password file cannot be read: {error}", file=file) from error
        found.append(Secret(text))
    return found


def _inventory(options: PlayOptions) -> Inventory:
    """Without any source there is still this machine."""
    from hostpool.cli.inventories import loaded, sources
    from hostpool.inventory import load

    if not sources(options):
        return load(["localhost,"])
    return loaded(options)


def _settings(options: PlayOptions) -> Settings:
    from hostpool.cli.settings import settings

    return settings(options)


def _machine(
    options: PlayOptions, loader: Loader, book: Playbook, inventory: Inventory, connection: Settings
) -> Machine:
    from hostpool.playbook import resume
    from hostpool.playbook.calls import Defaults
    from hostpool.playbook.machine import Machine
    from hostpool.playbook.outs import Options
    from hostpool.playbook.tags import Choice, applied
    from hostpool.playbook.world import World
    from hostpool.settings import FANOUT

    left = _taken_up(options, book)
    choice = Choice(frozenset(options.tags or ("all",)), frozenset(options.skip_tags or ()))
    plays, found = applied(book.plays, choice, options.start_at_task)
    if not found:
        raise UsageError(
            f"no task is called {options.start_at_task!r}", hint="`hostpool play --list-tasks` lists them"
        )
    book.plays = plays
    directory = str(Path(os.path.abspath(book.files[0])).parent) if book.files else "."  # noqa: PTH100 -- links stay
    world = World(inventory, directory, loader.files.reveal)
    defaults = Defaults(
        check=options.check,
        diff=options.diff,
        become=options.become,
        become_user=options.become_user,
        become_method=options.become_method,
        become_password=connection.become_password,
    )
    return Machine(
        book,
        loader,
        world,
        Options(
            limit=options.limit,
            exclude=options.exclude,
            extra=connection.extra_vars,
            defaults=defaults,
            choice=choice,
            force_handlers=options.force_handlers,
            fanout=options.fanout or FANOUT,
            verbosity=options.verbose,
            only=None if options.replay is None else frozenset(options.replay.hosts),
            left=left,
            exact=left is None or not resume.changed(left),
            whole_results=options.verbose > 0 or options.output in ("json", "jsonl"),
        ),
    )


def selected(machine: Machine, book: Playbook) -> list[str]:
    """The hosts of all plays. Raises PatternError when there is none in any of them."""
    found: dict[str, None] = {}
    for play in book.plays:
        found.update(dict.fromkeys(machine.hosts_of(play)))
    found.update(dict.fromkeys(sorted(machine.options.only or ())))
    if not found:
        limited = f" limited to {machine.options.limit!r}" if machine.options.limit else ""
        raise PatternError(
            f"no host matches any play{limited}", hint="`hostpool inventory graph` shows groups and hosts"
        )
    return list(found)


def _secrets(hosts: Sequence[str], machine: Machine, connection: Settings, loader: Loader) -> list[str]:
    """Every password this run knows: they are masked wherever a person or a file gets text."""
    from hostpool.cli.job import _SECRET_VARIABLES

    found = {s.reveal() for s in (connection.password, connection.become_password) if s is not None}
    found.update(loader.files.secrets)
    for variables in (connection.extra_vars, *map(machine.world.vars_of, hosts)):
        found.update(str(variables[name]) for name in _SECRET_VARIABLES if variables.get(name) is not None)
    return sorted(found)


def _taken_up(options: PlayOptions, book: Playbook) -> Left | None:
    """What the run that is done again left. Raises UsageError when the playbook is not what it was."""
    from hostpool.playbook import resume

    replay = options.replay
    if replay is None:
        return None
    if replay.left is None:
        if replay.fingerprint not in (None, resume.fingerprint(book.files)) and not replay.changed_ok:
            raise _changed(replay.run, "the playbook")
        return None
    left = resume.decoded(replay.left)
    changed = resume.changed(left)
    if changed and not replay.changed_ok:
        raise _changed(replay.run, ", ".join(changed[:5]))
    return left


def _changed(run: int, what: str) -> UsageError:
    return UsageError(f"{what} changed since run {run}", hint="--changed-ok takes it as it is now")


def _keeping(sink: Sink, options: PlayOptions) -> Callable[[Machine], None]:
    """Hands what a run leaves to the history."""
    from hostpool.cli.secrecy import mask_text
    from hostpool.history import Recorder
    from hostpool.playbook.resume import encoded

    def keep(machine: Machine) -> None:
        if isinstance(sink, Recorder):
            sink.keep(encoded(machine.keeping.left(mask_text, output=options.history_output)))

    return keep


def _run(options: PlayOptions, loader: Loader, book: Playbook, words: Sequence[str]) -> int:
    import msgspec

    from hostpool.cli import audit, prompts, recording, secrecy
    from hostpool.cli.asking import asking
    from hostpool.cli.job import code_of
    from hostpool.cli.settings import view
    from hostpool.cli.signals import Signals
    from hostpool.cli.sinks import Shared
    from hostpool.playbook.resume import fingerprint
    from hostpool.playrunner import PlayRunner
    from hostpool.pool import HostPool
    from hostpool.settings import FANOUT
    from hostpool.views import make_view, needs_output

    connection = _settings(options)
    machine = _machine(options, loader, book, _inventory(options), connection)
    hosts = selected(machine, book)
    person = options.watch is None and prompts.there_is_a_terminal()
    typed = prompts.ask_for_variables(book, connection.extra_vars, person=person)
    name = " ".join(words)
    secrecy.known_secrets[:] = [*_secrets(hosts, machine, connection, loader), *typed]
    watch = options.watch
    kind, view_options = (view if watch is None else watch.view)(options, secrecy.known_secrets)
    screen = make_view(kind, view_options)
    shared = Shared(screen)
    pooled = msgspec.structs.replace(connection, check=False, become=None, keep_sessions=True)
    with HostPool(
        machine.world,
        workers=options.workers,
        min_workers=1,  # it starts while the hosts are looked up and the history is opened
        fanout=options.fanout or FANOUT,
        settings=pooled,
    ) as pool:
        pool.asker = asking(screen.paused) if watch is None else None
        pool.prepare([host for host in hosts if machine.world.has(host)])
        sinks, number = recording.beside(
            options, hosts, f"play {name}", view_options, shared, fingerprint=fingerprint(book.files)
        )
        runner = PlayRunner(
            pool,
            sinks,
            machine,
            ask=prompts.pausing(screen.paused) if person else None,
            deadline=options.deadline,
            changed_exit_code=options.changed_exit_code,
            all_output=needs_output(kind, view_options) or options.outdir is not None,
            argv=secrecy.masked(["hostpool", *sys.argv[1:]]),
            run_id=number,
            keep=_keeping(sinks[0], options),
        )
        if options.syslog:
            audit.write(
                runner.run_id,
                f"play {name}",
                len(hosts),
                become=(options.become_user or "root") if options.become else None,
                check=options.check,
            )
        with Signals(runner, shared):
            report = runner.run(hosts, f"play {name}")
    if watch is not None:
        watch.ended(report, f"play {name}", recorded=number is not None)
    return code_of(report)


SPEC = Spec("play", PlayOptions, ("PLAYBOOK...",), run, _HELP, free=True)
