"""A local tree goes to a host: the steps that ``Put`` and ``Sync`` share.

One question, and for a host that differs one answer: a stream of what it lacks. A host where nothing
differs costs one round trip.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any

from hostpool.batches import Limit
from hostpool.errors import TaskFailed, Unreachable
from hostpool.sync.compare import PLAIN, Compare, Plan, Rules
from hostpool.sync.diffs import changes, shown, unified
from hostpool.sync.filters import NO_FILTERS, Filters
from hostpool.sync.listing import Listing, Record, hostile
from hostpool.sync.modes import Change
from hostpool.sync.tree import DIRECTORY, FILE, ROOT, Tree
from hostpool.tasks import files_apply, files_query
from hostpool.tasks.base import Effect, Note, Outcome, Request, Run, RunReply
from hostpool.tasks.files_apply import Manner, Script
from hostpool.tasks.files_query import Question
from hostpool.tasks.local import Digests, Pack, Scan, SftpApply, SftpList, SftpSums, Texts
from hostpool.tasks.transferred import transferred

Steps = Generator[Request[Any], Any, Outcome]
_LARGEST_DIFF = 64 * 1024
_MOST_DIFFS = 50
_LARGEST_REPLY = 16 << 20


@dataclass(frozen=True, slots=True)
class Mirror:
    """What goes where, and how. ``rules.uid``/``gid`` come from the host for ``owner`` and ``group``
    (names or numbers); ``max_delete`` counts entries of the host below DEST."""

    key: str
    sources: tuple[str, ...]
    dest: str
    rules: Rules = PLAIN
    filters: Filters = NO_FILTERS
    chmod: tuple[Change, ...] = ()
    name: str | None = None
    owner: str = ""
    group: str = ""
    in_place: bool = False
    verify: bool = False
    make_parents: bool = True
    max_delete: Limit | None = None
    diff: bool = False
    list_changes: bool = False

    @property
    def where(self) -> str:
        """DEST for the host's shell, in whose home directory it starts."""
        if self.dest in ("", "~", "~/"):
            return "./" if self.dest.endswith("/") else "."
        return self.dest.removeprefix("~/")

    @property
    def chown(self) -> str:
        return f"{self.owner}:{self.group}" if self.group else self.owner


class Answer:
    """What a host said, compared as it comes."""

    def __init__(self, mirror: Mirror, tree: Tree, *, over_sftp: bool = False) -> None:
        self._mirror = mirror
        self._tree = tree
        self._compare: Compare | None = None
        self.over_sftp = over_sftp
        self.listing = Listing(self.record)

    def feed(self, data: bytes, /) -> None:
        self.listing.feed(data)

    @property
    def facts(self) -> dict[str, str]:
        return self.listing.facts

    @property
    def compare(self) -> Compare:
        if self._compare is None:
            tree = self._tree
            if is_single(self._mirror, tree):
                tree = tree.named(self._name())
            rules = replace(
                self._mirror.rules,
                uid=self._number("uid", self._mirror.owner),
                gid=self._number("gid", self._mirror.group),
            )
            self._compare = Compare(tree, rules)
            self.listing.known = self._compare.known()
        return self._compare

    @property
    def names_parent(self) -> bool:
        """Whether DEST is the one file's name to be, not the directory it goes into."""
        return self.facts.get("anchor") == "parent"

    def _name(self) -> bytes:
        if self.names_parent:
            return self._mirror.where.rpartition("/")[2].encode("utf-8", "surrogateescape")
        return self._tree.paths[0]

    def record(self, record: Record) -> None:
        self.compare.add(record)

    def _number(self, fact: str, name: str) -> int | None:
        if not name:
            return None
        if name.isdigit():
            return int(name)
        found = self.facts.get(fact, "")
        if not found.isdigit():
            what = "user" if fact == "uid" else "group"
            raise TaskFailed(f"the host knows no {what} {name!r}", kind="unknown_owner")
        return int(found)


def is_single(mirror: Mirror, tree: Tree) -> bool:
    """One file (or symlink) alone: then DEST may be its new name."""
    return len(mirror.sources) == 1 and len(tree) == 1 and tree.kinds[0] != DIRECTORY


def mirror_steps(mirror: Mirror) -> Steps:
    tree = yield from Scan(
        key=mirror.key, paths=mirror.sources, filters=mirror.filters, chmod=mirror.chmod, name=mirror.name
    )
    _refuse_empty(mirror, tree)
    answer, reply = yield from _ask(mirror, tree)
    _check_answer(mirror, answer, reply)
    yield from _compare_sums(mirror, answer)
    plan = answer.compare.plan()
    failures = [(shown(path), reason) for path, reason in tree.problems]
    failures += _guard_deletion(mirror, plan, answer, reply)
    leftovers = list(dict.fromkeys([*answer.listing.leftovers, *answer.compare.leftovers]))
    if plan.empty and not leftovers:
        return _outcome(plan, failures, changed=False)
    text = (yield from _described(mirror, answer, plan)) if mirror.diff or mirror.list_changes else ""
    script = Script(plan, _manner(mirror, answer), leftovers)
    foretold = _outcome(plan, failures, changed=not plan.empty, text=text)
    if mirror.verify and plan.send and not (script_sums(answer) or answer.over_sftp):
        yield Note(
            message="has no tool for SHA-256 sums: what arrived is unverified",
            hint="sha256sum, shasum, sha256 or openssl on the host would do",
        )
    if answer.over_sftp:
        failures += yield from _apply_over_sftp(mirror, answer, plan, leftovers, foretold)
    else:
        failures += yield from _apply(mirror, answer, plan, script, foretold)
    return _outcome(plan, failures, changed=not plan.empty, text=text)


def _ask(mirror: Mirror, tree: Tree) -> Generator[Request[Any], Any, tuple[Answer, RunReply]]:
    """By a shell, or by SFTP where there is none (or it lacks the tools)."""
    question = _question(mirror, tree)
    answer = Answer(mirror, tree)
    reply = RunReply(exit_code=None)
    try:
        reply = yield from question.run(answer)
    except (TaskFailed, Unreachable) as error:
        if error.kind not in ("no_shell", "exec_refused"):
            raise
    tools = answer.facts.get("find") != "none" and answer.facts.get("tar") == "yes"
    if answer.listing.marked and tools:
        return answer, reply
    said = _first_line(reply)
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


def _refuse_empty(mirror: Mirror, tree: Tree) -> None:
    if mirror.rules.delete and not any(path != ROOT for path in tree.paths):
        raise TaskFailed(
            "SRC is empty, and --delete would empty DEST with it",
            kind="empty_source",
            hint="delete on the hosts by a command, if that is meant",
        )


def _check_answer(mirror: Mirror, answer: Answer, reply: RunReply) -> None:
    """Raises TaskFailed when the host's answer is none to build on."""
    where = mirror.dest
    if not answer.listing.whole and not answer.over_sftp:
        raise TaskFailed(f"the list of its files broke off{_first_line(reply)}", kind="list_incomplete")
    state = answer.facts.get("state")
    if state == "denied":
        raise TaskFailed(f"{where}: permission denied", kind="permission", hint="-b does it as root")
    if state == "file" or (state == "missing" and answer.names_parent):
        what = "is no directory" if state == "file" else "its directory is not there"
        hint = "a / at the end of DEST makes a directory of it" if state == "missing" else None
        raise TaskFailed(f"{where}: {what}", kind="bad_destination", hint=hint)
    if state not in ("dir", "missing"):
        raise hostile("its answer does not say what DEST is")


def _first_line(reply: RunReply) -> str:
    text = (reply.stderr or reply.stdout).decode("utf-8", "replace").strip()
    return f": {text.splitlines()[0][:200]}" if text else ""


def _compare_sums(mirror: Mirror, answer: Answer) -> Generator[Request[Any], Any, None]:
    compare = answer.compare
    numbers = compare.candidates()
    if not numbers:
        return
    if answer.over_sftp:
        paths = {compare.tree.paths[number]: compare.tree.sizes[number] for number in numbers}
        theirs = yield from SftpSums(dest=_directory(mirror, answer), paths=paths)
        ours = yield from Digests(key=mirror.key, tree=compare.tree, numbers=numbers)
        compare.settle(ours, theirs)
        return
    if not script_sums(answer):
        compare.without_sums()
        yield Note(
            message="has no tool for SHA-256 sums: files were compared by size and time",
            hint="sha256sum, shasum, sha256 or openssl on the host would do",
        )
        return
    ours = yield from Digests(key=mirror.key, tree=compare.tree, numbers=numbers)
    compare.settle(ours, answer.listing.sums)


def script_sums(answer: Answer) -> str:
    """The host's way to SHA-256 sums; empty where there is none."""
    kind = answer.facts.get("sums", "")
    return "" if kind == "none" else kind


def _guard_deletion(mirror: Mirror, plan: Plan, answer: Answer, reply: RunReply) -> list[tuple[str, str]]:
    if not plan.delete:
        return []
    if answer.listing.status or "incomplete" in answer.facts:
        plan.delete.clear()
        return [("./", f"could not be listed whole, so nothing was deleted{_first_line(reply)}")]
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
        sums=script_sums(answer) if mirror.verify else "",
        replace=mirror.rules.delete,
        directories=mirror.rules.directories,
        late_links=answer.facts.get("find") != "gnu",
    )


# -- doing it


class _Collected:
    """A reply of ours: kept whole, or refused."""

    def __init__(self) -> None:
        self.data = bytearray()

    def feed(self, data: bytes, /) -> None:
        self.data += data
        if len(self.data) > _LARGEST_REPLY:
            raise hostile("its reply has no end")


def _apply(
    mirror: Mirror, answer: Answer, plan: Plan, script: Script, foretold: Outcome
) -> Generator[Request[Any], Any, list[tuple[str, str]]]:
    tree = plan.tree
    source = yield from Pack(
        key=mirror.key,
        tree=tree,
        numbers=plan.send,
        need=plan.key(),
        tail=script.members,
        sums=bool(mirror.verify and script_sums(answer)),
    )
    said = _Collected()
    dest = _directory(mirror, answer)
    reply = yield from Run(
        effect=Effect.CHANGE,
        foretells=foretold,
        program=files_apply.PROGRAM.replace("@MARK@", files_apply.MARK.decode()),
        args=(dest, files_query.text(script.stage), "make", mirror.key[:8]),
        stdin=source,
        live=False,
        into=said,
    )
    return (yield from _read_reply(bytes(said.data), plan, reply))


def _apply_over_sftp(
    mirror: Mirror, answer: Answer, plan: Plan, leftovers: list[bytes], foretold: Outcome
) -> Generator[Request[Any], Any, list[tuple[str, str]]]:
    if mirror.owner or mirror.group:
        raise TaskFailed("--owner and --group need a shell on the host", kind="no_shell")
    found = yield from SftpApply(
        effect=Effect.CHANGE,
        foretells=foretold,
        key=mirror.key,
        dest=_directory(mirror, answer),
        plan=plan,
        leftovers=leftovers,
        verify=mirror.verify,
        in_place=mirror.in_place,
        replace=mirror.rules.delete,
        directories=mirror.rules.directories,
    )
    return [(shown(path), reason) for path, reason in found]


def _directory(mirror: Mirror, answer: Answer) -> str:
    """DEST, or where the one file of that name goes."""
    dest = mirror.where
    if not answer.names_parent:
        return dest
    head, slash, _ = dest.rpartition("/")
    return (head or "/") if slash else "."


def _read_reply(
    data: bytes, plan: Plan, reply: RunReply
) -> Generator[Request[Any], Any, list[tuple[str, str]]]:
    _, found, rest = data.partition(files_apply.MARK + b"\n")
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
            f"the host did not say that it is done{_first_line(reply)}",
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


# -- telling it


def _described(mirror: Mirror, answer: Answer, plan: Plan) -> Generator[Request[Any], Any, str]:
    text = changes(plan)
    tree = plan.tree
    numbers = [
        number
        for number, record in plan.replaced.items()
        if tree.kinds[number] == FILE and max(record.size, tree.sizes[number]) <= _LARGEST_DIFF
    ][:_MOST_DIFFS]
    if not (mirror.diff and numbers) or answer.over_sftp:
        return text
    ours = yield from Texts(tree=tree, numbers=numbers, limit=_LARGEST_DIFF)
    theirs = yield from _contents(mirror, answer, [tree.paths[number] for number in numbers])
    for number in numbers:
        path = tree.paths[number]
        if number in ours and path in theirs:
            text += unified(path, theirs[path], ours[number])
    return text


_SHOW = r"""
CDPATH= cd -P -- "$1" || exit 1
shift
printf '%s\n' 'hostpool:texts:1'
for f; do
  if [ -f "$f" ] && ! [ -h "$f" ]; then t=$(wc -c < "$f"); printf '%s\n' "$((t))"; cat "$f"
  else echo -; fi
done
"""


def _contents(
    mirror: Mirror, answer: Answer, paths: list[bytes]
) -> Generator[Request[Any], Any, dict[bytes, bytes]]:
    """Texts of the host's files, by path."""
    said = _Collected()
    dest = _directory(mirror, answer)
    words = tuple(files_query.text(b"./" + path) for path in paths)
    yield from Run(effect=Effect.QUERY, program=_SHOW, args=(dest, *words), live=False, into=said)
    rest = bytes(said.data).partition(b"hostpool:texts:1\n")[2]
    found = {}
    for path in paths:
        size, _, rest = rest.partition(b"\n")
        if size.isdigit():
            found[path], rest = rest[: int(size)], rest[int(size) :]
    return found


def _outcome(plan: Plan, failures: list[tuple[str, str]], *, changed: bool, text: str = "") -> Outcome:
    kinds = plan.tree.kinds
    result: dict[str, Any] = {
        "sent": sum(1 for number in plan.send if kinds[number] != DIRECTORY),
        "bytes": plan.bytes,
        "deleted": plan.delete_total if plan.delete else 0,
        "attributes": len({*plan.chmod, *plan.touch, *plan.chown}),
        "entries": sum(1 for kind in kinds if kind != DIRECTORY),
    }
    return transferred(text or _summary(result), result, failures, changed=changed, moved=True)


def _summary(result: dict[str, Any]) -> str:
    words = []
    if result["sent"]:
        words.append(f"{_files(result['sent'])} sent ({size(result['bytes'])})")
    if result["deleted"]:
        words.append(f"{result['deleted']} deleted")
    if not words:
        words.append("attributes set" if result["attributes"] else f"up to date: {_files(result['entries'])}")
    return f"{', '.join(words)}\n"


def _files(number: int) -> str:
    return "1 file" if number == 1 else f"{number} files"


def size(number: int) -> str:
    """Bytes for people: ``512 B``, ``1.2 MiB``."""
    value = float(number)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"
