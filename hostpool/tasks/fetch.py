"""Files and trees from hosts to here: ``Get``.

Two round trips: which files are there, then those that differ from what we have, as one tar stream with
their sums behind it. A host where nothing is new costs one.
"""

from __future__ import annotations

import secrets
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

from hostpool.errors import HostError, TaskFailed, Unreachable
from hostpool.sync.diffs import shown
from hostpool.sync.listing import MARK, Listing, Record, hostile
from hostpool.sync.tree import DIRECTORY, FILE, LINK, name_of
from hostpool.sync.untar import MARK as TAR_MARK
from hostpool.sync.untar import TRAILER
from hostpool.tasks.base import Effect, Note, Outcome, Request, Run, RunReply
from hostpool.tasks.files_query import FIND, LISTING, TOOLS, chunks, text
from hostpool.tasks.local import Accept, Receive, Receiver, SftpFetch, SftpFind, Standing, Wanted
from hostpool.tasks.shell import quote
from hostpool.tasks.transferred import size, transferred

Steps = Generator[Request[Any], Any, Outcome]
MOST = 2_000_000
"""Files that one host may offer."""
SLACK = 64 << 20
"""Bytes by which a host's files may grow between its list and its stream."""
_WHOLE_ABOVE = 200
"""Files that are asked for by name, before whole trees are."""

# The arguments are patterns; words: number of the pattern, the path as matched, its real path.
_FIND = (
    TOOLS
    + "printf '%s\\n' '@MARK@' \"sums=$kind\" words=yes\n"
    + "command -v tar >/dev/null 2>&1 && printf 'tar=yes\\n'\n"
    + FIND
    + LISTING
    + r"""
echo
IFS=
here=${PWD%/} count=$# number=0 status=0
for pattern; do
  case $pattern in /*) ;; *) pattern=$here/$pattern ;; esac
  slash=
  case $pattern in */) slash=/ pattern=${pattern%/} ;; esac
  for p in ${pattern:-/}; do
    if [ -e "$p" ] || [ -h "$p" ]; then
      real=$p
      if [ -h "$p" ]; then real=$(readlink -f "$p" 2>/dev/null && echo .) && real=${real%??} || real=$p; fi
      printf '%s\0' "$number" "$p$slash" "$real"
      set -- "$@" "$real"
    fi
  done
  number=$((number + 1))
done
printf '\0'
shift "$count"
unset IFS
if [ $# -gt 0 ]; then
  "$find" "$@" || status=$?
  [ "$find" = gnu ] || { printf '\0'; links "$@"; }
else
  [ "$find" = gnu ] || printf '\0'
fi
printf 'END %s\0' "$status"
"""
)


@dataclass(frozen=True)
class Get:
    """Files and trees ``sources`` of a host to ``directory/<host>/``, as ``cp -R`` would name them.

    Sources may hold the wildcards of sh; one that ends in ``/`` means what is in it; relative ones start
    in the login's home. ``flat``: files only, to ``directory/<host>-<name>``. Each file appears here whole
    or not at all, and only if its SHA-256 is what the host says (``verify``). Nothing a host sends is
    written anywhere else, and no more than it announced.
    """

    sources: tuple[str, ...]
    directory: str
    flat: bool = False
    verify: bool = True
    list_changes: bool = False
    key: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def name(self) -> str:
        return " ".join(("get", *self.sources, self.directory))

    def steps(self) -> Steps:
        offer, reply = yield from self._ask()
        wanted, failures = offer.names(self.sources, self.flat)
        differing = yield from Standing(
            directory=self.directory, flat=self.flat, wanted=[each for _, each in wanted]
        )
        if offer.listing.status:
            said = reply.stderr.decode("utf-8", "replace").strip().splitlines()
            failures.append(("some files", said[0].rpartition(": ")[2] if said else "cannot be listed"))
        new = [wanted[place] for place in differing]
        files: dict[bytes, list[Wanted]] = {}
        for path, each in new:
            if each.kind == FILE:
                files.setdefault(path, []).append(each)
        text = "".join(f"~ {shown(each.name)}\n" for _, each in new) if self.list_changes else ""
        if not new:
            return _outcome(wanted, files, failures, text, changed=False)
        foretold = _outcome(wanted, files, failures, text, changed=True)
        others = [each for _, each in new if each.kind != FILE]
        failures += yield from self._take(offer, wanted, files, others, foretold)
        return _outcome(wanted, files, failures, text, changed=True)

    def _ask(self) -> Generator[Request[Any], Any, tuple[_Offer, RunReply]]:
        """By a shell, or by SFTP where there is none (or it lacks the tools)."""
        offer = _Offer()
        reply = RunReply(exit_code=None)
        patterns = tuple(source.removeprefix("~/") for source in self.sources)
        try:
            reply = yield from Run(
                effect=Effect.QUERY, program=_FIND.replace("@MARK@", MARK.decode()), args=patterns,
                live=False, into=offer,
            )  # fmt: skip
        except (TaskFailed, Unreachable) as error:
            if error.kind not in ("no_shell", "exec_refused"):
                raise
        if offer.usable:
            offer.check(reply)
            return offer, reply
        offer = _Offer(over_sftp=True)
        try:
            yield from SftpFind(patterns=patterns, match=offer.match, record=offer.record)
        except Unreachable as error:
            raise TaskFailed(
                "the host ran no sh program for us, and has no SFTP",
                kind="no_shell",
                hint="a forced command, a restricted shell, or tools that we do not know",
            ) from error
        return offer, reply

    def _take(
        self,
        offer: _Offer,
        wanted: list[tuple[bytes, Wanted]],
        files: dict[bytes, list[Wanted]],
        others: list[Wanted],
        foretold: Outcome,
    ) -> Generator[Request[Any], Any, list[tuple[str, str]]]:
        total = sum(names[0].size for names in files.values())
        everything = [path for path, each in wanted if each.kind == FILE]
        roots = sorted(files)
        if len(files) > _WHOLE_ABOVE and len(files) == len(set(everything)):
            roots = sorted(offer.roots)
        sums = offer.listing.facts.get("sums", "none") != "none"
        receiver: Receiver = yield from Receive(
            directory=self.directory, flat=self.flat, files=files, limit=total + SLACK
        )
        verify = self.verify and sums
        try:
            if offer.over_sftp:
                sizes = {path: names[0].size for path, names in files.items()}
                yield from SftpFetch(effect=Effect.CHANGE, foretells=foretold, files=sizes, receiver=receiver)
                return [
                    (shown(name), reason)
                    for name, reason in (yield from Accept(receiver=receiver, others=others, verify=False))
                ]
            yield from Run(
                effect=Effect.CHANGE, foretells=foretold, program=stream(roots, verify),
                live=False, into=receiver,
            )  # fmt: skip
            if not receiver.whole:
                raise TaskFailed("its stream of files broke off", kind="stream_incomplete")
        except HostError:
            yield from Accept(receiver=receiver, others=[], verify=False, keep=False)
            raise
        if self.verify and not sums and files:
            yield Note(
                message="has no tool for SHA-256 sums: what came is unverified",
                hint="sha256sum, shasum, sha256 or openssl on the host would do",
            )
        found = yield from Accept(receiver=receiver, others=others, verify=verify)
        return [(shown(name), reason) for name, reason in found]


class _Offer:
    """What a host has for the patterns."""

    def __init__(self, *, over_sftp: bool = False) -> None:
        self.over_sftp = over_sftp
        self.listing = Listing(self.record, limit=MOST)
        self._records: dict[bytes, Record] = {}
        self.roots: dict[bytes, list[bytes]] = {}

    def feed(self, data: bytes, /) -> None:
        self.listing.feed(data)

    @property
    def usable(self) -> bool:
        """Whether a shell with the tools we need has answered."""
        facts = self.listing.facts
        return self.listing.marked and facts.get("find") != "none" and facts.get("tar") == "yes"

    def match(self, number: bytes, path: bytes, real: bytes) -> None:
        self.listing.words += [number, path, real]

    def record(self, record: Record) -> None:
        self._records[record.path] = record

    def check(self, reply: RunReply) -> None:
        listing = self.listing
        said = reply.stderr.decode("utf-8", "replace").strip()
        why = f": {said.splitlines()[0][:200]}" if said else ""
        if not listing.whole:
            raise TaskFailed(f"the list of its files broke off{why}", kind="list_incomplete")

    def names(
        self, sources: tuple[str, ...], flat: bool
    ) -> tuple[list[tuple[bytes, Wanted]], list[tuple[str, str]]]:
        """(real path, what it becomes here) of all, directories first; (source, reason) of failures."""
        matched = set()
        words = self.listing.words
        for number, path, real in zip(words[::3], words[1::3], words[2::3], strict=False):
            matched.add(number)
            name = b"" if path.endswith(b"/") else name_of(path)
            names = self.roots.setdefault(real.rstrip(b"/") or b"/", [])
            if name not in names:
                names.append(name)
        failures = [
            (source, "no such file") for number, source in enumerate(sources) if b"%d" % number not in matched
        ]
        wanted: dict[bytes, tuple[bytes, Wanted]] = {}
        for path, record in self._records.items():
            for name in self._local_names(path):
                if record.kind not in (FILE, DIRECTORY, LINK) or not name:
                    continue
                if flat:
                    if record.kind != FILE:
                        failures.append((shown(path), "--flat takes files only"))
                        continue
                    name = name_of(path)
                if name in wanted and wanted[name][0] != path:
                    failures.append((shown(path), f"{shown(wanted[name][0])} has the same name here"))
                    continue
                each = Wanted(
                    _checked(name), record.kind, record.mode & 0o777, record.size, record.mtime, record.link
                )
                wanted[name] = (path, each)
        return sorted(wanted.values(), key=lambda pair: (pair[1].kind != DIRECTORY, pair[1].name)), failures

    def _local_names(self, path: bytes) -> list[bytes]:
        found = []
        end = len(path)
        while end >= 0:
            root = path[:end] or b"/"
            rest = path[end:].lstrip(b"/")
            found += [b"/".join(part for part in (name, rest) if part) for name in self.roots.get(root, ())]
            end = path.rfind(b"/", 0, end) if end else -1
        return found


def _checked(name: bytes) -> bytes:
    """Raises TaskFailed for a name that leads out of where it belongs."""
    if b"\0" in name or any(part in (b"", b".", b"..") for part in name.split(b"/")):
        raise hostile(f"it offers a file named {shown(name)}")
    return name


def stream(roots: list[bytes], verify: bool) -> str:
    """sh that writes the tar archives of what is asked for, and the sums of it behind them."""
    words = [quote("." + text(path)) for path in roots]
    lines = [TOOLS, LISTING, "cd / || exit 1", "status=0", f"printf '%s\\n' '{TAR_MARK.decode().strip()}'"]
    pieces = [" ".join(piece) for piece in chunks(words, 60_000)]
    lines += [f"tar -cf - {piece} || status=$?" for piece in pieces]
    # archives end on a block of 512 bytes, as do these
    lines.append(f"printf '%s\\n' '{TRAILER.decode().strip()}' '{MARK.decode()}' list=none ''")
    if verify:
        lines.append("printf 'SUM \\0'")
        lines += [f"lines {piece}" for piece in pieces]
        lines.append("printf '\\0'")
        lines += [f"pairs {piece}" for piece in pieces]
    lines.append("printf 'END %s\\0' \"$status\"")
    return "\n".join(lines)


def _outcome(
    wanted: list[tuple[bytes, Wanted]],
    files: dict[bytes, list[Wanted]],
    failures: list[tuple[str, str]],
    text: str,
    *,
    changed: bool,
) -> Outcome:
    result: dict[str, Any] = {
        "received": len(files),
        "bytes": sum(names[0].size for names in files.values()),
        "entries": len(wanted),
    }
    if not text:
        text = f"{len(files)} files received ({size(result['bytes'])})\n" if changed else "up to date\n"
    return transferred(text, result, failures, changed=changed, moved=bool(files))
