"""The question to a host, by a shell or by SFTP, and whether its answer is one to build on."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from hostpool.errors import TaskFailed, Unreachable
from hostpool.sync.listing import hostile
from hostpool.sync.tree import ROOT, Tree
from hostpool.tasks import files_query
from hostpool.tasks.base import Note, Request, RunReply
from hostpool.tasks.files_query import Question
from hostpool.tasks.local import Digests, SftpList, SftpSums
from hostpool.tasks.mirror import program
from hostpool.tasks.mirror.answer import Answer, first_line
from hostpool.tasks.mirror.spec import Mirror, is_single


def ask(mirror: Mirror, tree: Tree) -> Generator[Request[Any], Any, tuple[Answer, RunReply]]:
    """By a shell, or by SFTP where there is none (or it lacks the tools)."""
    question = _question(mirror, tree)
    answer = Answer(mirror, tree)
    reply = RunReply(exit_code=None)
    try:
        reply = yield from question.run(answer, program.PROGRAM)
    except (TaskFailed, Unreachable) as error:
        if error.kind not in ("no_shell", "exec_refused"):
            raise
    tools = answer.facts.get("find") != "none" and answer.facts.get("tar") == "yes"
    if answer.listing.marked and tools:
        return answer, reply
    said = first_line(reply)
    answer = Answer(mirror, tree, over_sftp=True)
    try:
        yield from SftpList(
            dest=question.dest,
            single=question.single.encode("utf-8", "surrogateescape"),
            alone=question.alone,
            below=question.below,
            record=answer.record,
            fact=answer.facts.__setitem__,
        )
    except Unreachable as error:
        raise TaskFailed(
            f"the host ran no sh program for us, and has no SFTP{said}",
            kind="no_shell",
            hint="a forced command, a restricted shell, or tools that we do not know",
        ) from error
    return answer, reply


def _question(mirror: Mirror, tree: Tree) -> Question:
    more: dict[str, Any] = {
        "sums": mirror.rules.checksum,
        "large": mirror.rules.checksum and any(size > files_query.LARGE for size in tree.sizes),
        "owner": "" if mirror.owner.isdigit() else mirror.owner,
        "group": "" if mirror.group.isdigit() else mirror.group,
    }
    if is_single(mirror, tree):
        return Question(mirror.where, single=tree.paths[0].decode("utf-8", "surrogateescape"), **more)
    if mirror.rules.delete:
        below = (ROOT,) if ROOT in tree.index else tuple(_tops(tree))
        return Question(mirror.where, below=below, **more)
    alone, below = files_query.roots(tree)
    return Question(mirror.where, alone=alone, below=below, **more)


def _tops(tree: Tree) -> list[bytes]:
    return [tree.paths[number] for number, parent in enumerate(tree.parents) if parent < 0]


def check_answer(mirror: Mirror, answer: Answer, reply: RunReply) -> None:
    """Raises TaskFailed when the host's answer is none to build on."""
    where = mirror.dest
    if not answer.listing.whole and not answer.over_sftp:
        raise TaskFailed(f"the list of its files broke off{first_line(reply)}", kind="list_incomplete")
    state = answer.facts.get("state")
    if state == "denied":
        raise TaskFailed(f"{where}: permission denied", kind="permission", hint="-b does it as root")
    if state == "file" or (state == "missing" and answer.names_parent):
        what = "is no directory" if state == "file" else "its directory is not there"
        hint = "a / at the end of DEST makes a directory of it" if state == "missing" else None
        raise TaskFailed(f"{where}: {what}", kind="bad_destination", hint=hint)
    if state not in ("dir", "missing"):
        raise hostile("its answer does not say what DEST is")


def compare_sums(mirror: Mirror, answer: Answer) -> Generator[Request[Any], Any, None]:
    compare = answer.compare
    numbers = compare.candidates()
    if not numbers:
        return
    if answer.over_sftp:
        paths = {compare.tree.paths[number]: compare.tree.sizes[number] for number in numbers}
        theirs = yield from SftpSums(dest=answer.directory, paths=paths)
        ours = yield from Digests(key=mirror.key, tree=compare.tree, numbers=numbers)
        compare.settle(ours, theirs)
        return
    if not answer.sums:
        compare.without_sums()
        yield Note(
            message="has no tool for SHA-256 sums: files were compared by size and time",
            hint="sha256sum, shasum, sha256 or openssl on the host would do",
        )
        return
    ours = yield from Digests(key=mirror.key, tree=compare.tree, numbers=numbers)
    compare.settle(ours, answer.listing.sums)
