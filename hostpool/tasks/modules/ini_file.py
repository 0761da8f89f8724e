"""ini_file: an option of a section of an INI file has its values, or is gone.

Parameters:
    path: the file
    section: the section; without one the options before the first section are meant
    section_has_values: of several sections of that name, the first one with these options ({option, value
        or values})
    option: the option; without one the whole section is meant
    value: its value
    values: its values, where an option stands several times
    state: whether it is to be there
    exclusive: no other values of the option stay (state absent: whatever its value, it goes)
    no_extra_spaces: write option=value
    ignore_spaces: a line that differs in spaces around = only is right
    allow_no_value: an option may stand without = and value
    modify_inactive_option: a line that is commented out is taken for the option
    create: make the file (and its directory) if it is missing
    follow: a link's target is changed; otherwise a file takes the link's place
    backup: keep the old file beside it
    mode: permissions
    owner: user
    group: group
    unsafe_writes: write in place where the file cannot be replaced (a mount point)
Returns: ``msg``, ``path``, ``backup_file``, ``diff``, ``state``, ``mode``, ``owner``, ``group``, ``uid``,
    ``gid``, ``size``
Needs: stat, cat, head, mv, chmod, chown, for a link readlink
Differs: lines that end in CR LF still do afterwards; files of up to 16 MiB
Source: community.general.ini_file of community.general 11
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hostpool.tasks.modules.base import Mode, Module, ModuleFailed, Steps
from hostpool.tasks.modules.editing import FILE, LABELS, edited, lines_of, look
from hostpool.tasks.modules.ini_lines import Ini, Wish
from hostpool.tasks.modules.spec import BadArgument, Param, Spec

_BOM = "\ufeff"


def ini_file(args: Mapping[str, Any], mode: Mode) -> Steps:
    wish = _wish(args)
    found = yield from look(args["path"], follow=args["follow"])
    if not found.info.exists and not args["create"]:
        raise ModuleFailed(f"Destination {args['path']} does not exist!", rc=257)
    text = found.text.removeprefix(_BOM)
    newline = "\r\n" if "\r\n" in text else "\n"
    ini = Ini(lines_of(text.replace("\r\n", "\n")), wish)
    ini.apply()
    after = "".join(ini.lines).replace("\n", newline).encode("utf-8", "surrogateescape")
    if not ini.changed and found.info.exists:
        after = found.content
    return (yield from edited(args, mode, found, after, ini.message, {"path": args["path"]}))


def _wish(args: Mapping[str, Any]) -> Wish:
    values = args["values"]
    if args["value"] is not None:
        values = [args["value"]]
    if args["state"] == "present" and not args["allow_no_value"] and not values:
        raise ModuleFailed("Parameter 'value(s)' must be defined if state=present and allow_no_value=False.")
    return Wish(
        section=args["section"] or None,
        conditions=tuple(_condition(each) for each in args["section_has_values"] or ()),
        option=args["option"] or None,
        values=tuple(dict.fromkeys(str(value) for value in values or () if value is not None)),
        present=args["state"] == "present",
        exclusive=args["exclusive"],
        assign="{}={}\n" if args["no_extra_spaces"] else "{} = {}\n",
        ignore_spaces=args["ignore_spaces"],
        bare=args["allow_no_value"],
        commented=args["modify_inactive_option"],
    )


def _condition(given: Any) -> tuple[str, tuple[str, ...]]:
    if not isinstance(given, Mapping) or not given.get("option"):
        raise BadArgument("section_has_values is a list of mappings with option, and value or values")
    unknown = set(given) - {"option", "value", "values"}
    if unknown:
        raise BadArgument(f"section_has_values has no {', '.join(sorted(map(str, unknown)))}")
    if given.get("value") is not None and given.get("values") is not None:
        raise BadArgument("parameters are mutually exclusive: value|values found in section_has_values")
    values = given.get("values") or [] if given.get("value") is None else [given["value"]]
    return str(given["option"]), tuple(map(str, values))


MODULES = {
    "ini_file": Module(
        Spec(
            "ini_file",
            {
                "path": Param("path", required=True, aliases=("dest",)),
                "section": Param(), "section_has_values": Param("list"), "option": Param(),
                "value": Param(), "values": Param("list"),
                "state": Param(default="present", choices=("absent", "present")),
                "exclusive": Param("bool", True), "no_extra_spaces": Param("bool", False),
                "ignore_spaces": Param("bool", False), "allow_no_value": Param("bool", False),
                "modify_inactive_option": Param("bool", True), "create": Param("bool", True),
                "follow": Param("bool", False), "backup": Param("bool", False), **FILE,
            },
            refused=LABELS,
            exclusive=(("value", "values"),),
        ),
        ini_file,
    )
}  # fmt: skip
