"""locale_gen: these locales can be used, or not.

Parameters:
    name: the locales, as en_GB.UTF-8
    state: present or absent
Returns: ``name``, ``state``, ``mechanism``
Needs: /etc/locale.gen, locale(1), locale-gen(8): the package locales of Debian and Ubuntu.
Differs: without /etc/locale.gen (old releases of Ubuntu) it fails.
Source: community.general.locale_gen 11.3, man page locale-gen(8)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hostpool.tasks.modules.alongside import look_and, write_and
from hostpool.tasks.modules.base import Mode, Module, ModuleFailed, Result, Steps, change, require
from hostpool.tasks.modules.editing import lines_of
from hostpool.tasks.modules.paths import Attributes
from hostpool.tasks.modules.services import TOOLS
from hostpool.tasks.modules.spec import Param, Spec
from hostpool.tasks.modules.writing import Content, text_diff, write

_FILE = "/etc/locale.gen"
_LINE = re.compile(r"#?\s*(\S+)\s+(\S+)\s*")
_GENERATE = TOOLS + "locale-gen >&2\n"


def locale_gen(args: Mapping[str, Any], mode: Mode) -> Steps:
    names, state = [str(name) for name in args["name"]], args["state"]
    found, more = yield from look_and(_FILE, "locale -a\n")
    if not found.info.exists:
        raise ModuleFailed(f'{_FILE} is missing. Is the package "locales" installed?')
    there = {_plain(line) for line in more.splitlines()}
    known = {match[1] for line in lines_of(found.text) if (match := _LINE.fullmatch(line.rstrip("\n")))}
    unknown = [name for name in names if name not in known and _plain(name) not in there]
    if unknown:
        raise ModuleFailed(
            f"The following locales you have entered are not available on your system: {', '.join(unknown)}"
        )
    present = all(_plain(name) in there for name in names)
    changed = present is not (state == "present")
    result: Result = {"changed": changed, "name": names, "state": state, "mechanism": "glibc"}
    if not changed:
        return result
    after = with_locales(found.text, names, state == "present").encode("utf-8", "surrogateescape")
    if after == found.content:
        reply = yield from change(_GENERATE, foretells=result)
    else:
        result.update(text_diff(found.path, found.content, after, mode))
        writing = write(found.path, found.info, Content.of(after), Attributes(), {}, result)
        reply = yield from write_and(writing, "", _GENERATE)
    require(reply, "the locales could not be generated")
    return result


def _plain(name: str) -> str:
    """``locale -a`` says utf8 where the file says UTF-8."""
    return name.strip().lower().replace("-", "")


def with_locales(content: str, names: list[str], present: bool) -> str:
    out = []
    for line in lines_of(content):
        match = _LINE.fullmatch(line.rstrip("\n"))
        if match and match[1] in names:
            line = f"{'' if present else '# '}{match[1]} {match[2]}\n"
        out.append(line)
    return "".join(out)


MODULES = {
    "locale_gen": Module(
        Spec(
            "locale_gen",
            {
                "name": Param("list", required=True),
                "state": Param(default="present", choices=("absent", "present")),
            },
        ),
        locale_gen,
    )
}
