"""Accounts of the host: one sh program that reads what is known of them, one that runs commands.

The entries come from the name service where there is getent(1), else from the files in /etc.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hostpool.tasks.modules.base import ModuleFailed, text

PART = b"\n\x01end\n"

ENTRIES = r"""
hp_file() { # database, key: the lines of the file that begin with it
  [ -r "/etc/$1" ] || return 0
  while IFS= read -r hp_l || [ -n "$hp_l" ]; do
    case $hp_l in "$2":*) printf '%s\n' "$hp_l" ;; esac
  done < "/etc/$1"
}
hp_entry() { # database, key
  if command -v getent >/dev/null 2>&1; then getent "$1" "$2" 2>/dev/null; else hp_file "$1" "$2"; fi
}
hp_part() { printf '\n\001end\n'; }
"""
RUN = r"""
hp_commands() { # each: how many words, then the words; the first that fails ends it
  while [ $# -gt 0 ]; do
    hp_n=$1; shift; hp_i=1 hp_c=
    while [ "$hp_i" -le "$hp_n" ]; do hp_c="$hp_c \"\${$hp_i}\""; hp_i=$((hp_i + 1)); done
    eval "$hp_c" </dev/null || return
    shift "$hp_n"
  done
}
"""

Words = Sequence[str | int]


def commands(*lists: Words) -> list[str]:
    """The words of hp_commands."""
    return [str(word) for words in lists for word in (len(words), *words)]


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    gid: int
    members: tuple[str, ...]


def parts(output: bytes, count: int) -> list[str]:
    """What stands before each mark. Raises ModuleFailed where there are fewer."""
    found = output.split(PART)
    if len(found) <= count:
        raise ModuleFailed("the host's answer cannot be read")
    return [text(each) for each in found[:count]]


def fields(lines: str, name: str, count: int) -> list[str] | None:
    """The entry of that name; getent also finds numbers."""
    for line in lines.splitlines():
        found = line.split(":")
        if found[0] == name and len(found) >= count:
            return found
    return None


def groups_of(lines: str) -> list[Group]:
    """Each once, in the host's order."""
    found: dict[str, Group] = {}
    for line in lines.splitlines():
        entry = line.split(":")
        if len(entry) >= 4 and entry[2].isascii() and entry[2].isdigit() and entry[0] not in found:
            members = tuple(each for each in entry[3].split(",") if each)
            found[entry[0]] = Group(entry[0], int(entry[2]), members)
    return list(found.values())


def group_named(groups: Sequence[Group], name: str) -> Group | None:
    """By number first, as the peer does."""
    if name.isascii() and name.isdigit():
        numbered = next((group for group in groups if group.gid == int(name)), None)
        if numbered is not None:
            return numbered
    return next((group for group in groups if group.name == name), None)


def checked_name(name: str, what: str) -> str:
    """A name that no program takes for an option or for two entries. Raises ModuleFailed."""
    if not name or name.startswith("-") or any(char in name for char in ":\n"):
        raise ModuleFailed(f"{name!r} cannot be the name of a {what}", name=name)
    return name
