"""What a person is told of a plan, before it and after."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from hostpool.sync.compare import Plan
from hostpool.sync.diffs import shown, unified
from hostpool.sync.tree import DIRECTORY, FILE
from hostpool.tasks import files_query
from hostpool.tasks.base import Effect, Outcome, Request, Run
from hostpool.tasks.local import Texts
from hostpool.tasks.mirror.answer import Answer
from hostpool.tasks.mirror.applying import Collected
from hostpool.tasks.mirror.spec import Mirror
from hostpool.tasks.transferred import files, left_out, size, transferred

_LARGEST_DIFF = 64 * 1024
_MOST_DIFFS = 50


def differences(mirror: Mirror, answer: Answer, plan: Plan) -> Generator[Request[Any], Any, str]:
    """Of the text files that are replaced: unified diffs."""
    tree = plan.tree
    numbers = [
        number
        for number, record in plan.replaced.items()
        if tree.kinds[number] == FILE and max(record.size, tree.sizes[number]) <= _LARGEST_DIFF
    ][:_MOST_DIFFS]
    if not numbers or answer.over_sftp:
        return ""
    ours = yield from Texts(tree=tree, numbers=numbers, limit=_LARGEST_DIFF)
    theirs = yield from _contents(answer, [tree.paths[number] for number in numbers])
    found = ""
    for number in numbers:
        path = tree.paths[number]
        if number in ours and path in theirs:
            found += unified(path, theirs[path], ours[number])
    return found


_SHOW = r"""
CDPATH= cd -P -- "$1" || exit 1
shift
printf '%s\n' 'hostpool:texts:1'
for f; do
  if [ -f "$f" ] && ! [ -h "$f" ]; then t=$(wc -c < "$f"); printf '%s\n' "$((t))"; cat "$f"
  else echo -; fi
done
"""


def _contents(answer: Answer, paths: list[bytes]) -> Generator[Request[Any], Any, dict[bytes, bytes]]:
    """Texts of the host's files, by path."""
    said = Collected()
    words = tuple(files_query.text(b"./" + path) for path in paths)
    yield from Run(effect=Effect.QUERY, program=_SHOW, args=(answer.directory, *words), live=False, into=said)
    rest = bytes(said.data).partition(b"hostpool:texts:1\n")[2]
    found = {}
    for path in paths:
        size, _, rest = rest.partition(b"\n")
        if size.isdigit():
            found[path], rest = rest[: int(size)], rest[int(size) :]
    return found


def unverified(mirror: Mirror, answer: Answer, plan: Plan) -> bool:
    """Whether the host cannot tell what arrived there."""
    return bool(mirror.verify and plan.send and not (answer.sums or answer.over_sftp))


def outcome(
    mirror: Mirror,
    answer: Answer,
    plan: Plan,
    failures: list[tuple[str, str]],
    *,
    changed: bool,
    text: str = "",
    diff: str = "",
) -> Outcome:
    kinds = plan.tree.kinds
    result: dict[str, Any] = {
        "sent": sum(1 for number in plan.send if kinds[number] != DIRECTORY),
        "bytes": plan.bytes,
        "deleted": plan.delete_total if plan.delete else 0,
        "attributes": len({*plan.chmod, *plan.touch, *plan.chown}),
        "entries": len(kinds) - kinds.count(DIRECTORY),
    }
    if diff:
        result["diff"] = diff
    if unverified(mirror, answer, plan):
        result["unverified"] = True
    if plan.tree.skipped:
        result["skipped"] = [shown(path) for path in plan.tree.skipped]
    said = (text or _summary(result)) + left_out(result)
    return transferred(said, result, failures, changed=changed, moved=True)


def _summary(result: dict[str, Any]) -> str:
    words = []
    if result["sent"]:
        words.append(f"{files(result['sent'])} sent ({size(result['bytes'])})")
        words += ["unverified"] if "unverified" in result else []
    if result["deleted"]:
        words.append(f"{result['deleted']} deleted")
    if not words:
        words.append("attributes set" if result["attributes"] else f"up to date: {files(result['entries'])}")
    return f"{', '.join(words)}\n"
