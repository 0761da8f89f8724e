"""``~`` and ``$NAME`` in paths: what they stand for is asked of the host, where a path has any."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from typing import Any

from hostpool.tasks.base import Request
from hostpool.tasks.modules.base import query
from hostpool.tasks.modules.spec import Spec

_ASK = r"""
for hp_i do
  case $hp_i in
    "~") printf '=%s' "${HOME-}" ;;
    "~"*)
      hp_l=$(getent passwd "${hp_i#?}" 2>/dev/null || grep "^${hp_i#?}:" /etc/passwd)
      hp_l=${hp_l%:*}; [ -z "$hp_l" ] || printf '=%s' "${hp_l##*:}" ;;
    "" | *[!A-Za-z0-9_]*) ;;
    *) eval "[ -z \"\${$hp_i+x}\" ] || printf '=%s' \"\$$hp_i\"" ;;
  esac
  printf '\n\001end\n'
done
"""
_TILDE = r"~[A-Za-z0-9_.-]*(?=/|\Z)"
_VARIABLE = r"\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})"


def expanded(spec: Spec, args: Mapping[str, Any]) -> Generator[Request[Any], Any, dict[str, Any]]:
    """The bound arguments, with the paths as the host's user means them. What is unknown there stays."""
    paths = {
        name: args[name]
        for name, param in spec.params.items()
        if param.kind == "path" and isinstance(args[name], str) and not name.startswith("_")
    }
    wanted: dict[str, None] = {}
    for value in paths.values():
        wanted.update(dict.fromkeys(_asked(value)))
    if not wanted:
        return dict(args)
    reply = yield from query(_ASK, *wanted)
    answers = reply.stdout.decode("utf-8", "surrogateescape").split("\n\x01end\n")
    known = {name: answer[1:] for name, answer in zip(wanted, answers, strict=False) if answer[:1] == "="}
    return {**args, **{name: _replaced(value, known) for name, value in paths.items()}}


def _asked(path: str) -> list[str]:
    if "$" not in path and not path.startswith("~"):
        return []
    tilde = re.match(_TILDE, path)
    return [
        *([tilde[0]] if tilde else []),
        *(found[1] or found[2] for found in re.finditer(_VARIABLE, path)),
    ]


def _replaced(path: str, known: Mapping[str, str]) -> str:
    tilde = re.match(_TILDE, path)
    head = ""
    if tilde and tilde[0] in known:
        head, path = known[tilde[0]].rstrip("/"), path[tilde.end() :]
    return head + re.sub(_VARIABLE, lambda found: known.get(found[1] or found[2], found[0]), path)
