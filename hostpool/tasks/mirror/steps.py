"""A local tree goes to a host: the steps that ``Put`` and ``Sync`` share.

One question, and for a host that differs one answer: a stream of what it lacks. A host where nothing
differs costs one round trip.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from hostpool.errors import TaskFailed
from hostpool.sync.compare import Plan
from hostpool.sync.diffs import changes, shown
from hostpool.sync.tree import ROOT, Tree
from hostpool.tasks.base import Note, Request, RunReply
from hostpool.tasks.local import Scan
from hostpool.tasks.mirror.answer import Answer, first_line
from hostpool.tasks.mirror.applying import apply, apply_over_sftp
from hostpool.tasks.mirror.asking import ask, check_answer, compare_sums
from hostpool.tasks.mirror.script import Script
from hostpool.tasks.mirror.spec import Manner, Mirror, Steps
from hostpool.tasks.mirror.telling import differences, outcome, unverified
from hostpool.tasks.transferred import some


def mirror_steps(mirror: Mirror) -> Steps:
    tree = yield from Scan(
        key=mirror.key, paths=mirror.sources, filters=mirror.filters, chmod=mirror.chmod, name=mirror.name
    )
    _refuse_empty(mirror, tree)
    answer, reply = yield from ask(mirror, tree)
    check_answer(mirror, answer, reply)
    yield from compare_sums(mirror, answer)
    plan = answer.compare.plan()
    failures = [(shown(path), reason) for path, reason in tree.problems]
    failures += _guard_deletion(mirror, plan, answer, reply)
    leftovers = list(dict.fromkeys([*answer.listing.leftovers, *answer.compare.leftovers]))
    if plan.empty and not leftovers:
        return outcome(mirror, answer, plan, failures, changed=False)
    text = changes(plan) if mirror.diff or mirror.list_changes else ""
    diff = (yield from differences(mirror, answer, plan)) if mirror.diff else ""
    script = Script(plan, _manner(mirror, answer), leftovers)
    foretold = outcome(mirror, answer, plan, failures, changed=not plan.empty, text=text, diff=diff)
    yield from _warnings(mirror, answer, plan)
    if answer.over_sftp:
        failures += yield from apply_over_sftp(mirror, answer, plan, leftovers, foretold)
    else:
        failures += yield from apply(mirror, answer, plan, script, foretold)
    return outcome(mirror, answer, plan, failures, changed=not plan.empty, text=text, diff=diff)


def _warnings(mirror: Mirror, answer: Answer, plan: Plan) -> Generator[Request[Any], Any, None]:
    if unverified(mirror, answer, plan):
        yield Note(
            message="has no tool for SHA-256 sums: what arrived is unverified",
            hint="sha256sum, shasum, sha256 or openssl on the host would do",
        )
    if plan.severed and not mirror.in_place:
        named = some([shown(plan.tree.paths[number]) for number in plan.severed])
        yield Note(
            message=f"other names of replaced files keep the old content: {named}",
            hint="they are hard links to names outside of what is sent; --in-place writes into the file",
        )


def _refuse_empty(mirror: Mirror, tree: Tree) -> None:
    if mirror.rules.delete and not any(path != ROOT for path in tree.paths):
        raise TaskFailed(
            "SRC is empty, and --delete would empty DEST with it",
            kind="empty_source",
            hint="delete on the hosts by a command, if that is meant",
        )


def _guard_deletion(mirror: Mirror, plan: Plan, answer: Answer, reply: RunReply) -> list[tuple[str, str]]:
    if not plan.delete:
        return []
    if answer.listing.status or "incomplete" in answer.facts:
        plan.delete.clear()
        return [("./", f"could not be listed whole, so nothing was deleted{first_line(reply)}")]
    limit = mirror.max_delete
    if limit is not None and limit.exceeded(plan.delete_total, plan.remote_total):
        share = 100 * plan.delete_total / plan.remote_total
        raise TaskFailed(
            f"--delete would remove {plan.delete_total} of {plan.remote_total} entries ({share:.0f} %) "
            f"below {mirror.dest}, for instance {shown(plan.delete[0])}",
            kind="max_delete",
            hint="--max-delete allows more: a number, or a percentage such as 50%",
        )
    return []


def _manner(mirror: Mirror, answer: Answer) -> Manner:
    return Manner(
        owner=mirror.chown,
        in_place=mirror.in_place,
        sums=answer.sums if mirror.verify else "",
        replace=mirror.rules.delete,
        directories=mirror.rules.directories,
        late_links=answer.facts.get("find") != "gnu",
    )
