"""mount: a file system is mounted or not, and stands in fstab or not.

Parameters:
    path: the mount point
    src: what is mounted there: a device, LABEL=…, UUID=…, host:/directory, a directory to bind
    fstype: the type of the file system
    opts: mount options
    opts_no_log: the options are shown nowhere
    dump: the fifth field of fstab
    passno: the sixth field of fstab
    state: mounted, in fstab too; present, only in fstab; absent, neither mounted nor in fstab nor a
        directory; absent_from_fstab; unmounted; remounted; ephemeral, mounted without fstab
    fstab: this file instead of /etc/fstab
    boot: no adds the option noauto
    backup: the old fstab is kept beside it
Returns: ``name``, ``src``, ``fstype``, ``opts``, ``dump``, ``passno``, ``fstab``, ``boot``, ``backup_file``
Needs: Linux: /proc/self/mountinfo, mount(8), umount(8).
Differs: lines of fstab with four or five fields are entries for every state, and a missing field is 0; a
mount point with a name that begins with - is refused; the diff of fstab is shown.
Source: ansible.posix.mount 2.1, man pages fstab(5), mount(8), proc(5)
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Any

from hostpool.tasks.modules import fstab
from hostpool.tasks.modules.alongside import look_and, write_and
from hostpool.tasks.modules.backups import kept_as
from hostpool.tasks.modules.base import Mode, Module, ModuleFailed, Result, Steps, change, text
from hostpool.tasks.modules.editing import Found
from hostpool.tasks.modules.paths import Attributes
from hostpool.tasks.modules.services import TOOLS
from hostpool.tasks.modules.spec import Param, Spec
from hostpool.tasks.modules.writing import Content, text_diff, write

_LOOK = r"""
cat /proc/self/mountinfo || exit; [ ! -e "$1" ] || printf '\001there\n'
"""
_DO = (
    TOOLS
    + r"""
hp_do=$1 hp_name=$2 hp_type=$3 hp_opts=$4 hp_src=$5 hp_given=$6 hp_table=$7
shift 7
hp_keep=$(mktemp -d "${TMPDIR:-/tmp}/hostpool.XXXXXXXX") || exit 1
trap 'rm -rf "$hp_keep"' EXIT
trap 'exit 129' HUP; trap 'exit 130' INT; trap 'exit 143' TERM
if [ -n "$hp_table" ] && [ -e "$hp_table" ]; then cp -p -- "$hp_table" "$hp_keep/fstab" || exit; fi
"""
)
_THEN = r"""
hp_mount() { # further options
  hp_also=$1
  case $hp_do in
    ephemeral*)
      [ "$hp_opts" = defaults ] || hp_also=${hp_also:+$hp_also,}$hp_opts
      mount -t "$hp_type" ${hp_also:+-o} ${hp_also:+"$hp_also"} -- "$hp_src" "$hp_name";;
    *)
      [ -z "$hp_given" ] || set -- -T "$hp_given"; [ -n "$hp_given" ] || set --
      mount "$@" ${hp_also:+-o} ${hp_also:+"$hp_also"} -- "$hp_name";;
  esac
}
hp_undo() {
  [ ! -e "$hp_keep/fstab" ] ||
    { cp -p -- "$hp_keep/fstab" "$hp_table.$$" && mv -f -- "$hp_table.$$" "$hp_table"; }
  while [ -n "$hp_top" ] && rmdir -- "$hp_name" 2>/dev/null && [ "$hp_name" != "$hp_top" ]; do
    hp_name=${hp_name%/*}; done
}
hp_top=
case $hp_do in
  unmount) umount -- "$hp_name" || exit 7;;
  remove) [ ! -d "$hp_name" ] || rmdir -- "$hp_name" || exit 8;;
  unmount-remove) umount -- "$hp_name" || exit 7; [ ! -d "$hp_name" ] || rmdir -- "$hp_name" || exit 8;;
  *remount)
    hp_also=remount
    if [ "$hp_do" = given-remount ]; then
      [ "$hp_opts" = defaults ] || hp_also=remount,$hp_opts; fi
    hp_said=$(hp_mount "$hp_also" 2>&1) && exit
    if [ "$hp_also" != remount ]; then echo "options" >&2; exit 3; fi
    { umount -- "$hp_name" && hp_mount; } >&2 && exit
    hp_undo; exit 4;;
  *mount)
    if [ ! -e "$hp_name" ]; then
      hp_top=$hp_name
      while [ -n "${hp_top%/*}" ] && [ ! -e "${hp_top%/*}" ]; do hp_top=${hp_top%/*}; done
      mkdir -p -- "$hp_name" || exit 5
    fi
    hp_mount >&2 || { hp_undo; exit 6; };;
esac
"""
_FAILURES = {
    3: "Options were specified with remounted, but the remount command failed. Failing in order to prevent "
    "an unexpected mount result. Try state: unmounted, then state: mounted with all options that are wanted.",
    4: "Error remounting {name}: {said}", 5: "Error making dir {name}: {said}",
    6: "Error mounting {name}: {said}", 7: "Error unmounting {name}: {said}",
    8: "Error rmdir {name}: {said}",
}  # fmt: skip
_OTHER = (
    "Ephemeral mount point is already mounted with a different source than the specified one. Failing in "
    "order to prevent an unwanted unmount or override operation. Try state: unmounted, then state: "
    "ephemeral, or another path."
)


def mount(args: Mapping[str, Any], mode: Mode) -> Steps:
    state = args["state"]
    wanted = _wanted(args)
    found, more = yield from look_and(wanted["fstab"], _LOOK, args["path"])
    before = found.text
    if state in ("mounted", "present"):
        after = fstab.with_entry(before, wanted)
    elif state in ("absent", "absent_from_fstab"):
        after = fstab.without_entry(before, wanted)
    else:
        after = before
    table, _, there = more.partition("\x01")
    doing = _doing(args, wanted, sources(table), after != before, bool(there))
    changed = after != before or bool(doing)
    result: Result = {**wanted, "changed": changed}
    if args["opts_no_log"]:
        result["opts"] = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
    if changed:
        yield from _changed(args, mode, wanted, found, after, doing, result)
    return result


def _wanted(args: Mapping[str, Any]) -> Result:
    """The entry, and what the result says beside it. Raises ModuleFailed."""
    for key in ("src", "fstype"):
        if args["state"] in ("mounted", "present", "ephemeral") and args[key] is None:
            raise ModuleFailed(f"state is {args['state']} but all of the following are missing: {key}")
    if args["path"].startswith("-") or not args["path"]:
        raise ModuleFailed(f"{args['path']!r} cannot be a mount point")
    wanted: Result = {
        "name": args["path"], "opts": args["opts"] or "defaults", "dump": args["dump"] or "0",
        "passno": args["passno"] or "0", "fstab": args["fstab"] or "/etc/fstab", "boot": "yes",
        "warnings": [], "backup_file": "",
    }  # fmt: skip
    wanted.update({key: args[key] for key in ("src", "fstype") if args[key] is not None})
    opts = wanted["opts"].split(",")
    if args["boot"] and "noauto" in opts:
        wanted["warnings"].append("Ignore the 'boot' due to 'opts' contains 'noauto'.")
    elif not args["boot"]:
        wanted.update(boot="no", opts=",".join([*opts, "noauto"]))
    return wanted


def sources(table: str) -> dict[str, str]:
    """mountinfo: mount point → what is mounted there, of a bound directory its path."""
    records: dict[str, tuple[str, str, str, str]] = {}
    for line in table.splitlines():
        fields = line.split(" ")
        if len(fields) > 9:
            root, point, source = (_plain(fields[number]) for number in (3, 4, -2))
            records[fields[0]] = (fields[1], root, point, source)
    found = {}
    for parent, root, point, source in records.values():
        if parent != "1" and parent in records:
            _, above, place, _ = records[parent]
            if len(above) > 1 and root.startswith(f"{above}/"):
                root = root[len(above) :]
            source = root if place == "/" else place + root
        found[point] = source
    return found


def _plain(field: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), field)


def _doing(
    args: Mapping[str, Any], wanted: Mapping[str, Any], mounts: Mapping[str, str], edited: bool, there: bool
) -> str:
    """What is to be done beside the change of fstab, in one word of the program's. Raises ModuleFailed."""
    path = args["path"].rstrip("/") or "/"
    mounted = path in mounts
    match args["state"]:
        case "mounted":
            return ("remount" if edited else "") if mounted else "mount"
        case "remounted":
            return "given-remount"
        case "unmounted":
            return "unmount" if mounted else ""
        case "absent" if edited:
            return "-".join(word for word, so in (("unmount", mounted), ("remove", there)) if so)
        case "ephemeral":
            if mounted and mounts[path] != wanted["src"]:
                raise ModuleFailed(_OTHER)
            return "ephemeral-remount" if mounted else "ephemeral-mount"
    return ""


def _changed(
    args: Mapping[str, Any], mode: Mode, wanted: Result, found: Found, after: str, doing: str, result: Result
) -> Steps:
    given = args["fstab"] if args["fstab"] not in (None, "/etc/fstab") else ""
    edited = after != found.text
    words = (doing, args["path"].rstrip("/") or "/", wanted.get("fstype", ""), wanted["opts"],
             wanted.get("src", ""), given, found.path if edited else "")  # fmt: skip
    if edited:
        content = Content.of(after.encode("utf-8", "surrogateescape"))
        if args["backup"] and found.info.exists:
            result["backup_file"] = kept_as(found.path, Content.of(found.content).sha1, content.sha1)
        if not args["opts_no_log"]:
            result.update(text_diff(found.path, found.content, content.data, mode))  # type: ignore[arg-type]
        writing = write(found.path, found.info, content, Attributes(), {}, result, parents=True)
        request = write_and(writing, _DO, _THEN, *words)
    else:
        request = change(_DO + _THEN, *words, foretells=result)
    reply = yield from request
    if reply.exit_code:
        said = text(reply.stderr).strip()
        wording = _FAILURES.get(reply.exit_code, "{name}: {said}")
        raise ModuleFailed(wording.format(name=posixpath.normpath(args["path"]), said=said))
    return result


MODULES = {
    "mount": Module(
        Spec(
            "mount",
            {
                "path": Param("path", required=True, aliases=("name",)),
                "src": Param("path"),
                "fstype": Param(),
                "opts": Param(),
                "opts_no_log": Param("bool", False),
                "dump": Param(default="0"),
                "passno": Param(default="0"),
                "state": Param(
                    required=True,
                    choices=("absent", "absent_from_fstab", "mounted", "present", "unmounted", "remounted",
                             "ephemeral"),
                ),
                "fstab": Param(),
                "boot": Param("bool", True),
                "backup": Param("bool", False),
            },
        ),
        mount,
    )
}  # fmt: skip
