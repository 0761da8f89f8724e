"""Carrying out a plan, and what the host said of it."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from hostpool.errors import TaskFailed
from hostpool.sync import tarball
from hostpool.sync.compare import Plan
from hostpool.sync.diffs import shown
from hostpool.sync.listing import hostile
from hostpool.tasks import files_query
from hostpool.tasks.base import Effect, Note, Outcome, Request, Run, RunReply
from hostpool.tasks.local import Pack, SftpApply
from hostpool.tasks.mirror import few, program
from hostpool.tasks.mirror.answer import Answer, first_line
from hostpool.tasks.mirror.script import Script
from hostpool.tasks.mirror.spec import Mirror

_LARGEST_REPLY = 16 << 20


class Collected:
    """A reply of ours: kept whole, or refused."""

    def __init__(self) -> None:
        self.data = bytearray()

    def feed(self, data: bytes, /) -> None:
        self.data += data
        if len(self.data) > _LARGEST_REPLY:
            raise hostile("its reply has no end")


def apply(
    mirror: Mirror, answer: Answer, plan: Plan, script: Script, foretold: Outcome
) -> Generator[Request[Any], Any, list[tuple[str, str]]]:
    head = script.few() if answer.perl else None
    if head is not None:
        failures = yield from _apply_few(mirror, answer, plan, script.stage, head, foretold)
        if failures is not None:
            return failures
    source = yield from Pack(
        key=mirror.key,
        tree=plan.tree,
        numbers=plan.send,
        need=plan.key(),
        tail=script.members,
        sums=bool(mirror.verify and answer.sums),
    )
    said = Collected()
    dest = answer.directory
    reply = yield from Run(
        effect=Effect.CHANGE,
        foretells=foretold,
        program=program.PROGRAM,
        args=(dest, files_query.text(script.stage), "make", mirror.key[:8]),
        stdin=source,
        live=False,
        into=said,
    )
    return (yield from _read_reply(bytes(said.data), plan, reply))


def _apply_few(
    mirror: Mirror, answer: Answer, plan: Plan, stage: bytes, head: bytes, foretold: Outcome
) -> Generator[Request[Any], Any, list[tuple[str, str]] | None]:
    """None: it is to be done the usual way."""
    source = yield from Pack(
        key=mirror.key,
        tree=plan.tree,
        numbers=plan.send,
        need=plan.key(),
        head=head,
        tail=lambda packed: b"" if packed.failed else tarball.END,
        sums=False,
    )
    said = Collected()
    yield from Run(
        effect=Effect.CHANGE,
        foretells=foretold,
        program=few.PROGRAM,
        args=(answer.directory, files_query.text(stage), mirror.key[:8]),
        stdin=source,
        live=False,
        into=said,
    )
    word = bytes(said.data).partition(few.MARK)[2].strip()
    if word == b"Z":
        return []
    if word == b"T":
        return [("./", "times of directories could not be set")]
    return None


def apply_over_sftp(
    mirror: Mirror, answer: Answer, plan: Plan, leftovers: list[bytes], foretold: Outcome
) -> Generator[Request[Any], Any, list[tuple[str, str]]]:
    if mirror.owner or mirror.group:
        raise TaskFailed("--owner and --group need a shell on the host", kind="no_shell")
    found = yield from SftpApply(
        effect=Effect.CHANGE,
        foretells=foretold,
        key=mirror.key,
        dest=answer.directory,
        plan=plan,
        leftovers=leftovers,
        verify=mirror.verify,
        in_place=mirror.in_place,
        replace=mirror.rules.delete,
        directories=mirror.rules.directories,
    )
    return [(shown(path), reason) for path, reason in found]


def _read_reply(
    data: bytes, plan: Plan, reply: RunReply
) -> Generator[Request[Any], Any, list[tuple[str, str]]]:
    _, found, rest = data.partition(program.MARK + b"\n")
    texts = rest.split(b"\0")
    failures: list[tuple[str, str]] = []
    owners = labels = 0
    whole = False
    for head, tail in zip(texts[::2], texts[1::2], strict=False):
        letter, path = head[:1], head[1:].removesuffix(b"/.")
        reason = _reason(tail)
        if letter == b"X":
            raise TaskFailed(
                f"nothing was changed: {tail.decode('utf-8', 'replace').strip()}", kind="not_applied"
            )
        if letter == b"F":
            failures.append((shown(path), reason))
        elif letter == b"D":
            failures += [(shown(name), reason) for name in _concerned(plan, path)]
        elif letter == b"O":
            owners += 1
        elif letter == b"A":
            labels += 1
        elif letter == b"Z":
            whole = True
    if not found or not whole:
        raise TaskFailed(
            f"the host did not say that it is done{first_line(reply)}",
            kind="not_confirmed",
            hint="some paths may be new and others old; run it again",
        )
    if owners:
        yield Note(
            message="files that belonged to others belong to the login user now",
            hint="-b keeps their owners, --in-place writes into the files themselves",
        )
    if labels:
        yield Note(
            message="files that were replaced lost their ACLs or SELinux labels",
            hint="getfacl and setfacl on the host keep them, as does --in-place",
        )
    return failures


def _concerned(plan: Plan, directory: bytes) -> list[bytes]:
    """What was to happen in a directory that could not be entered."""
    tree = plan.tree
    prefix = directory + b"/" if directory else b""
    paths = [tree.paths[number] for number in plan.tops] + plan.delete
    inside = [path for path in paths if path.startswith(prefix) and b"/" not in path[len(prefix) :]]
    return inside or [directory]


def _reason(text: bytes) -> str:
    return text.decode("utf-8", "replace").strip().rpartition(": ")[2] or "failed"
