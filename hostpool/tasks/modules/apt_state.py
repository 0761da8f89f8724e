"""What dpkg and apt know of some packages, read in one round trip."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from hostpool.tasks.modules.apt_get import APT, times

HEAD = APT + r"""
hp_look() { # all or some: versions of all names or only where a name is not installed; a release; names
  hp_all=$1 hp_release=$2; shift 2
  hp_times
  printf 'N\t%s\n' "$(dpkg --print-architecture)"
  for hp_name in "$@"; do
    case $hp_name in
      *[]*?[!]*)
        apt-cache pkgnames "${hp_name%%[]*?[!]*}" | sort | while IFS= read -r hp_each; do
          case $hp_each in $hp_name) printf '%s\n' "$hp_each" ;; esac
        done > "$hp_dir/names"
        while IFS= read -r hp_each; do
          printf 'G\t%s\t%s\n' "$hp_name" "$hp_each"; set -- "$@" "$hp_each"
        done < "$hp_dir/names" ;;
      *) set -- "$@" "$hp_name" ;;
    esac
    shift
  done
  [ $# != 0 ] || return 0
  hp_installed "$@" | tee "$hp_dir/installed"
  [ ! -r /var/lib/apt/extended_states ] ||
    printf '%s\n' "$@" | awk 'NR == FNR { want[$0]; next } /^Package:/ { name = $2 }
      /^Auto-Installed: 1/ && name in want { print "A\t" name }' - /var/lib/apt/extended_states
  hp_there=$(awk '$4 == "installed" { print $2 }' "$hp_dir/installed" | sort -u | wc -l)
  [ "$hp_all" = all ] || [ "$hp_there" -lt $# ] || return 0
  apt-cache -o "APT::Default-Release=$hp_release" policy -- "$@" >"$hp_dir/policy" 2>/dev/null
  if grep -q '^  Candidate: (none)' "$hp_dir/policy"; then
    apt-cache showpkg -- "$@" 2>/dev/null | awk '/^Package: / { name = $2; inside = 0 }
      inside && NF { print "V\t" name "\t" $1 } /^Reverse Provides:/ { inside = 1 }' | tee "$hp_dir/provide"
    set -- $(cut -f3 "$hp_dir/provide" | sort -u)
    [ $# = 0 ] || hp_installed "$@"
  fi
  printf 'P\n'; cat "$hp_dir/policy"
}
hp_installed() { # want, flag and status come as three words
  dpkg-query -W -f 'S\t${Package}\t${Architecture}\t${Status}\t${Version}\n' -- "$@" 2>/dev/null |
    awk -F '\t' '{ split($4, word, " "); print "S\t" $2 "\t" $3 "\t" word[3] "\t" $5 }'
}
"""  # fmt: skip
LOOK = HEAD + 'hp_look "$@"\n'
UPDATE_AND_LOOK = HEAD + 'hp_update "$1" "$2" "$3" || exit; shift 3; hp_look "$@"\n'

_VERSION = re.compile(r" (?:\*\*\*|   ) (\S+)(?: .*)?")


@dataclass(slots=True)
class Policy:
    candidate: str | None = None
    versions: list[str] = field(default_factory=list)


@dataclass(slots=True)
class AptState:
    """Names are as the user wrote them: with ``:arch`` if they had one. ``updated``: when the lists
    were last, in seconds. ``known`` names have versions, ``provided`` ones are virtual."""

    now: int
    updated: int
    native: str = ""
    globs: dict[str, list[str]] = field(default_factory=dict)
    statuses: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    automatic: set[str] = field(default_factory=set)
    policies: dict[str, Policy] = field(default_factory=dict)
    providers: dict[str, list[str]] = field(default_factory=dict)

    def status(self, name: str) -> tuple[str, str]:
        """dpkg's word for it and the version; empty if it knows nothing."""
        base, _, architecture = name.partition(":")
        for each in (architecture or self.native, "all"):
            if found := self.statuses.get((base, each)):
                return found
        return "", ""

    def installed(self, name: str) -> str | None:
        status, version = self.status(name)
        return version if status == "installed" else None

    def leftover(self, name: str) -> bool:
        """Not installed, but files of it are there."""
        status, _ = self.status(name)
        return status not in ("", "installed", "not-installed")

    def known(self, name: str) -> bool:
        return bool(self.policies[name].versions) if name in self.policies else self.status(name)[0] != ""

    def best(self, name: str, pattern: str | None) -> str | None:
        """The version that an installation takes: the candidate, or the first that fits ``pattern``."""
        policy = self.policies.get(name, Policy())
        if pattern is None:
            return policy.candidate
        return next((each for each in policy.versions if fnmatchcase(each, pattern)), None)


def read(stdout: bytes) -> AptState:
    """Raises ModuleFailed for an answer that is none."""
    (now, updated), rest = times(stdout)
    state = AptState(now, updated)
    facts, _, policy = rest.partition("\nP\n")
    for line in facts.splitlines():
        kind, *words = line.split("\t")
        if kind == "N" and words:
            state.native = words[0]
        elif kind == "G" and len(words) == 2:
            state.globs.setdefault(words[0], []).append(words[1])
        elif kind == "S" and len(words) == 4:
            state.statuses[words[0], words[1]] = (words[2], words[3])
        elif kind == "A" and words:
            state.automatic.add(words[0])
        elif kind == "V" and len(words) == 2:
            state.providers.setdefault(words[0], []).append(words[1])
    state.policies.update(_policies(policy))
    return state


def _policies(output: str) -> Mapping[str, Policy]:
    found: dict[str, Policy] = {}
    policy = Policy()
    for line in output.splitlines():
        if line and not line.startswith(" "):
            policy = found[line.rstrip(":")] = Policy()
        elif line.startswith("  Candidate: "):
            candidate = line.removeprefix("  Candidate: ").strip()
            policy.candidate = None if candidate == "(none)" else candidate
        elif version := _VERSION.fullmatch(line):
            policy.versions.append(version[1])
    return found
