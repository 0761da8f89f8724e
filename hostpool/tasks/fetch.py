"""Files and trees from hosts to here: ``Get``.

Two round trips: which files are there, then those that differ from what we have, as one tar stream with
their sums behind it. A host where nothing is new costs one.
"""

from __future__ import annotations

import secrets
from collections.abc import Generator
from typing import Any

import msgspec

from hostpool.errors import HostError, TaskFailed, Unreachable
from hostpool.sync.diffs import shown
from hostpool.sync.listing import MARK
from hostpool.sync.tree import FILE
from hostpool.sync.untar import MARK as TAR_MARK
from hostpool.sync.untar import TRAILER
from hostpool.tasks.base import Effect, Note, Outcome, Request, Run, RunReply
from hostpool.tasks.files_query import FIND, LARGE, LARGE_TOOL, LISTING, TOOLS, chunks, text
from hostpool.tasks.local import Accept, Receive, Receiver, SftpFetch, SftpFind, Standing, Wanted
from hostpool.tasks.offer import Offer
from hostpool.tasks.shell import quote
from hostpool.tasks.transferred import files, left_out, size, transferred

Steps = Generator[Request[Any], Any, Outcome]
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


class Get(msgspec.Struct, frozen=True):
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
    key: str = msgspec.field(default_factory=lambda: secrets.token_hex(8))

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
        told = _Told(wanted, files, offer.skipped, self._unverified(offer) and bool(files))
        if self.list_changes:
            told.text = "".join(f"~ {shown(each.name)}\n" for _, each in new)
        if not new:
            return told.outcome(failures, changed=False)
        foretold = told.outcome(failures, changed=True)
        others = [each for _, each in new if each.kind != FILE]
        failures += yield from self._take(offer, wanted, files, others, foretold)
        return told.outcome(failures, changed=True)

    def _unverified(self, offer: Offer) -> bool:
        """SFTP gives sizes and contents, but nobody's word for them."""
        return self.verify and (offer.over_sftp or offer.listing.facts.get("sums", "none") == "none")

    def _ask(self) -> Generator[Request[Any], Any, tuple[Offer, RunReply]]:
        """By a shell, or by SFTP where there is none (or it lacks the tools)."""
        offer = Offer()
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
        offer = Offer(over_sftp=True)
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
        offer: Offer,
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
        receiver: Receiver = yield from Receive(
            directory=self.directory, flat=self.flat, files=files, limit=total + SLACK
        )
        verify = self.verify and not self._unverified(offer)
        large = any(names[0].size > LARGE for names in files.values())
        if self._unverified(offer) and files:
            why = "has SFTP only" if offer.over_sftp else "has no tool for SHA-256 sums"
            yield Note(
                message=f"{why}: what came is unverified, but for its size",
                hint="sha256sum, shasum, sha256 or openssl on a host with a shell would do",
            )
        try:
            if offer.over_sftp:
                sizes = {path: names[0].size for path, names in files.items()}
                yield from SftpFetch(effect=Effect.CHANGE, foretells=foretold, files=sizes, receiver=receiver)
                return [
                    (shown(name), reason)
                    for name, reason in (yield from Accept(receiver=receiver, others=others, verify=False))
                ]
            yield from Run(
                effect=Effect.CHANGE, foretells=foretold, program=stream(roots, verify, large),
                live=False, into=receiver,
            )  # fmt: skip
            if not receiver.whole:
                raise TaskFailed("its stream of files broke off", kind="stream_incomplete")
        except HostError:
            yield from Accept(receiver=receiver, others=[], verify=False, keep=False)
            raise
        found = yield from Accept(receiver=receiver, others=others, verify=verify)
        return [(shown(name), reason) for name, reason in found]


def stream(roots: list[bytes], verify: bool, large: bool = False) -> str:
    """sh that writes the tar archives of what is asked for, and the sums of it behind them. ``large``: some
    of the files are."""
    words = [quote("." + text(path)) for path in roots]
    tools = TOOLS + LARGE_TOOL if verify and large else TOOLS
    lines = [tools, LISTING, "cd / || exit 1", "status=0", f"printf '%s\\n' '{TAR_MARK.decode().strip()}'"]
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


class _Told(msgspec.Struct):
    """What is reported of a run, before it and after."""

    wanted: list[tuple[bytes, Wanted]]
    files: dict[bytes, list[Wanted]]
    skipped: list[str]
    unverified: bool
    text: str = ""

    def outcome(self, failures: list[tuple[str, str]], *, changed: bool) -> Outcome:
        result: dict[str, Any] = {
            "received": len(self.files),
            "bytes": sum(names[0].size for names in self.files.values()),
            "entries": len(self.wanted),
        }
        if self.unverified:
            result["unverified"] = True
        if self.skipped:
            result["skipped"] = self.skipped
        text = self.text or (self._summary(result) if changed else "up to date\n")
        return transferred(text + left_out(result), result, failures, changed=changed, moved=bool(self.files))

    def _summary(self, result: dict[str, Any]) -> str:
        doubt = ", unverified" if self.unverified else ""
        return f"{files(len(self.files))} received ({size(result['bytes'])}){doubt}\n"
