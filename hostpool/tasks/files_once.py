"""One find for the whole question, where it is GNU's: no look at which find it is, none at DEST alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hostpool.sync.tree import ROOT
from hostpool.tasks.shell import quote

RECORDS = (
    r"-type f -links 1 -printf 'f %m %s %T@ %p\0%U %G\0' -o -printf '%y %m %s %T@ %p\0%U %G %D %i %n %l\0'"
)
"""Words of GNU find that print what sync.listing calls ``gnu``."""
_LONGEST = 20_000
_LITERAL = re.compile(rb"[A-Za-z0-9_@%+:,./-]+")

ONCE = r"""
maybe() {
  [ -e /proc/self/stat ] || return 1
  IFS=:
  for d in $PATH; do
    if [ -x "$d/find" ]; then
      unset IFS
      if [ -h "$d/find" ]; then return 1; fi
      return 0
    fi
  done
  unset IFS
  return 1
}
once() {
  for p; do
    shift
    if [ -e "$p" ] || [ -h "$p" ]; then set -- "$@" "$p"; fi
  done
  find . "$@" @WORDS@
}
find=
if [ "$state" = dir ] && maybe; then
  once @PLACES@ && find=gnu || {
    status=$?
    if find . -maxdepth 0 -printf '' 2>/dev/null; then find=gnu; else status=0; fi
  }
fi
"""
"""sh: where a find is GNU's it says so itself, first of all and with the end of the header. One that is not
prints nothing. Not tried where find is a link, as BusyBox's is, or not Linux's: its complaint would stand
among what a person is shown of errors."""


def once(single: bool, alone: Sequence[bytes], below: Sequence[bytes]) -> str:
    """Empty where it takes more than one command, or patterns that find might not take as they are."""
    words = ["-maxdepth 0"] if not below else []
    whole = ROOT in below
    words.append(f"-type d -path . {'' if whole else '-prune '}-printf 'find=gnu\\n\\n' ,")
    inner = [path for path in alone if path != ROOT]
    if below and inner:
        if not all(map(_LITERAL.fullmatch, inner)):
            return ""
        words.append(f"-type d '(' {' -o '.join('-path ./' + path.decode() for path in inner)} ')' -prune ,")
    if not whole and ROOT not in alone:
        words.append("-type d -path . -o")
    words.append(RECORDS)
    places = ['"$one"'] if single else []
    places += [
        quote("./" + path.decode("utf-8", "surrogateescape")) for path in (*alone, *below) if path != ROOT
    ]
    found = ONCE.replace("@WORDS@", " ".join(words)).replace("@PLACES@", " ".join(places))
    return found if len(found) < _LONGEST else ""
