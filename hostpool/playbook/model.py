"""What a loaded playbook consists of. Read-only once loaded; values may be Template or Lazy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from hostpool.inventory.model import Place
from hostpool.templating.template import Template

Variables = Mapping[str, Any]


class Keywords(msgspec.Struct, frozen=True):
    """What plays, roles, blocks and tasks hand down; None means "not said here".

    ``when`` is outermost first, ``vars`` innermost first, ``environment`` outermost first.
    """

    when: tuple[Template, ...] = ()
    vars: tuple[Variables, ...] = ()
    environment: tuple[Any, ...] = ()
    tags: frozenset[str] = frozenset()
    become: Any = None
    become_user: Any = None
    become_method: Any = None
    become_flags: Any = None
    remote_user: Any = None
    connection: Any = None
    port: Any = None
    ignore_errors: Any = None
    ignore_unreachable: Any = None
    no_log: Any = None
    check_mode: Any = None
    diff: Any = None
    any_errors_fatal: Any = None
    throttle: Any = None
    timeout: Any = None
    run_once: Any = None
    delegate_to: Any = None
    delegate_facts: Any = None
    notify: tuple[Any, ...] = ()
    module_defaults: tuple[Variables, ...] = ()
    """Arguments by module, innermost first: the first that names a module counts for it."""
    params: tuple[Variables, ...] = ()
    """Variables of the includes around, innermost first: they rank above facts that were set."""

    def below(self, outer: Keywords) -> Keywords:
        """These keywords inside of something that says ``outer``."""
        changes: dict[str, Any] = {
            "when": (*outer.when, *self.when),
            "vars": (*self.vars, *outer.vars),
            "environment": (*outer.environment, *self.environment),
            "tags": outer.tags | self.tags,
            "params": (*self.params, *outer.params),
            "module_defaults": (*self.module_defaults, *outer.module_defaults),
            "notify": tuple(dict.fromkeys((*outer.notify, *self.notify))),
        }
        for name in self.__struct_fields__:
            if name not in changes and getattr(self, name) is None:
                changes[name] = getattr(outer, name)
        return replace(self, **changes)


class Loop(msgspec.Struct, frozen=True):
    """``kind`` is ``loop`` or what follows ``with_``."""

    kind: str
    value: Any
    place: Place
    var: Any = "item"
    index_var: str | None = None
    label: Any = None
    pause: Any = 0
    extended: Any = False
    allitems: Any = True
    break_when: tuple[Template, ...] = ()


class Task(msgspec.Struct, eq=False):
    """``module`` is the short name; ``args`` hold templates; ``free`` is a text given instead.
    ``limit`` is what ``async`` says."""

    module: str
    args: Any
    place: Place
    name: Any = None
    keywords: Keywords = Keywords()
    loop: Loop | None = None
    register: str | None = None
    changed_when: tuple[Template, ...] | None = None
    failed_when: tuple[Template, ...] | None = None
    until: tuple[Template, ...] = ()
    retries: Any = None
    delay: Any = 5
    limit: Any = None
    poll: Any = None
    listen: tuple[Any, ...] = ()
    role: Role | None = None
    handler: bool = False
    apply: Keywords | None = None
    """What an include says of the tasks it brings."""


class Block(msgspec.Struct, eq=False):
    block: list[Node]
    rescue: list[Node] = []
    always: list[Node] = []
    name: Any = None


Node = Task | Block


class Role(msgspec.Struct, eq=False):
    """A role as used once: with its parameters and what it was asked to run."""

    name: str
    path: str
    params: Variables = {}
    defaults: Variables = {}
    vars: Variables = {}
    tasks: list[Node] = []
    handlers: list[Task] = []
    dependencies: list[Role] = []
    parent: Role | None = None
    collections: tuple[str, ...] = ()
    public: bool = True
    allow_duplicates: bool = False

    def with_dependencies(self) -> list[Role]:
        """This role and what it depends on, nearest first."""
        found: list[Role] = [self]
        for dependency in self.dependencies:
            found += dependency.with_dependencies()
        return found

    def chain(self) -> list[Role]:
        """This role with its dependencies, the role it was used by, and so on: nearest first."""
        found = self.with_dependencies()
        if self.parent is not None:
            found += [role for role in self.parent.chain() if role not in found]
        return found


class Prompt(msgspec.Struct, frozen=True):
    """A variable that is asked for before the play runs. ``encrypt``: by ``password_hash``."""

    name: str
    place: Place
    text: str = ""
    default: Any = None
    private: bool = True
    confirm: bool = False
    encrypt: str | None = None
    salt: str | None = None
    salt_size: int | None = None


class Play(msgspec.Struct, eq=False):
    place: Place
    hosts: Any
    name: Any = None
    keywords: Keywords = Keywords()
    vars: Variables = {}
    vars_files: list[Any] = []
    prompts: list[Prompt] = []
    gather_facts: Any = None
    gather: Variables = {}
    """What the gathering of facts is asked for."""
    serial: Any = None
    strategy: str = "linear"
    max_fail_percentage: Any = None
    force_handlers: Any = None
    order: str | None = None
    roles: list[Role] = []
    sections: list[list[Node]] = []
    handlers: list[Task] = []
    directory: str = ""


class Playbook(msgspec.Struct, eq=False):
    """``files``: everything that was read."""

    plays: list[Play] = []
    files: list[str] = []
    tasks: int = 0
    """How many tasks stand in the files, each once."""
