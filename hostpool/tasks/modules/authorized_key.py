"""authorized_key: keys stand in a user's authorized_keys, or do not.

Parameters:
    user: whose file it is
    key: one or more lines as in an authorized_keys file, or file://PATH of a file on the host
    path: the file; .ssh/authorized_keys in the user's home by default
    manage_dir: make the file's directory, and see to its owner and mode
    state: whether the keys are to stand there
    key_options: options of all the keys, in the place of their own
    exclusive: take all other keys out
    comment: comment of all the keys, in the place of their own
    follow: a link stays one, and the file it leads to is written
    validate_certs: only for keys from a URL, which are refused: no effect
Returns: ``user``, ``key``, ``keyfile``, ``path``, ``manage_dir``, ``state``, ``key_options``, ``exclusive``,
    ``comment``, ``validate_certs``, ``follow``, ``diff``; with path also ``mode``, ``owner``, ``group``,
    ``uid``, ``gid``, ``size`` of the file, and its kind as ``state``
Needs: stat, cat, mv, mkdir, chown, chmod.
Differs: a URL as the key is refused: fetch it on the control node with the module uri and delegate_to.
Source: ansible.posix.authorized_key 2.1, man page sshd(8).
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

from hostpool.tasks.base import Request
from hostpool.tasks.modules.accounts import ENTRIES, checked_name, fields
from hostpool.tasks.modules.authorized_keys import Keys, parsed_options
from hostpool.tasks.modules.base import Mode, Module, ModuleFailed, Result, Steps, change, query, require
from hostpool.tasks.modules.paths import INFO, Info, take
from hostpool.tasks.modules.spec import Param, Spec
from hostpool.tasks.modules.writing import WRITE, Content, temporary, text_diff

_LIMIT = 4 << 20
_LOOK = (
    ENTRIES
    + INFO
    + rf"""
hp_line=$(hp_entry passwd "$1"); printf '%s\n\001end\n' "$hp_line"
IFS=: read -r hp_u hp_x hp_uid hp_gid hp_gecos hp_home hp_shell <<EOF
$hp_line
EOF
[ "$hp_u" = "$1" ] || hp_home=
f=${{2:-$hp_home/.ssh/authorized_keys}}
printf '%s\n\001end\n' "$f"
[ -z "$3" ] || {{ hp_r=$(readlink -f -- "$f" 2>/dev/null) && [ -n "$hp_r" ] && f=$hp_r; }}
printf '%s\n\001end\n' "$f"
if [ -n "$4" ]; then
  [ -e "$4" ] || {{ echo "Path to a key file not found: $4" >&2; exit 1; }}
  [ -f "$4" ] || {{ echo "Path to a key is a directory and must be a file: $4" >&2; exit 1; }}
  head -c {_LIMIT} -- "$4" || exit
fi; printf '\n\001end\n'
hp_info "$f" -L ""
[ ! -f "$f" ] || head -c {_LIMIT + 1} -- "$f"
"""
)
_CHANGE = (
    r"""
hp_d=$1 hp_own=$2; shift 2
umask 022
if [ -n "$hp_d" ]; then
  [ -e "$hp_d" ] || mkdir -m 700 -- "$hp_d" || exit 88
  chown "$hp_own" "$hp_d" && chmod 700 "$hp_d" || exit 88
fi
hp_up=${1%/*}
[ -e "${hp_up:-/}" ] || mkdir -p -- "$hp_up" || exit 88
"""
    + WRITE
)


def authorized_key(args: Mapping[str, Any], mode: Mode) -> Steps:
    name = checked_name(args["user"], "user")
    key = args["key"]
    if key.startswith(("http://", "https://")):
        raise ModuleFailed(
            f"{key}: keys are not fetched from a URL here; fetch it with the module uri and "
            "delegate_to: localhost, and give its content as key"
        )
    file = key.removeprefix("file://") if key.startswith("file://") else ""
    reply = yield from query(
        _LOOK, name, args["path"] or "", "1" if args["follow"] else "", file, most=2 * _LIMIT
    )
    passwd, path, target, more, rest = _answer(require(reply, f"keys of {name}").stdout)
    info, content = take(rest)
    user = fields(passwd, name, 7)
    if user is None and not (mode.check and args["path"] is not None):
        if mode.check:
            raise ModuleFailed(
                "Either user must exist or you must provide full path to key file in check mode"
            )
        raise ModuleFailed(f"Failed to lookup user {name}: no such user")
    if len(content) > _LIMIT:
        raise ModuleFailed(f"{path} is larger than 4 MiB")
    before = content.decode("utf-8", "surrogateescape")
    after = _wanted(args, more if file else key, before)
    told: Result = {parameter: args[parameter] for parameter in MODULES["authorized_key"].spec.params}
    told["keyfile"] = path
    if after is None:
        return {**told, **_seen(args, info), "changed": False}
    new = after.encode("utf-8", "surrogateescape")
    told |= {"changed": True, **text_diff(path, content, new, mode)}
    owner = f"{user[2]}:{user[3]}" if user is not None else ""
    now = yield from _write(args, path, target, Content.of(new), owner, told)
    return {**told, **_seen(args, now)}


def _seen(args: Mapping[str, Any], info: Info) -> Result:
    """What the peer says of every path in a result, in the place of ``state`` too."""
    return info.keys(args["path"]) if args["path"] is not None and info.exists else {}


def _answer(output: bytes) -> tuple[str, str, str, str, bytes]:
    parts = output.split(b"\n\x01end\n", 4)
    if len(parts) < 5:
        raise ModuleFailed("the host's answer cannot be read")
    passwd, path, target, more = (part.decode("utf-8", "surrogateescape") for part in parts[:4])
    return passwd, path, target, more, parts[4]


def _wanted(args: Mapping[str, Any], given: str, before: str) -> str | None:
    """The new content; None where nothing is to be done. Raises ModuleFailed."""
    keys = Keys(before)
    options = None if args["key_options"] is None else parsed_options(args["key_options"])
    lines = [line for line in given.splitlines() if line and not line.startswith("#")]
    changed = False
    kept = []
    for line in lines:
        key = keys.read(line)
        if key is None:
            raise ModuleFailed(f"invalid key specified: {line}")
        if options is not None:
            key = key.with_options(options)
        if args["comment"] is not None:
            key = key.with_comment(args["comment"])
        kept.append(key.name)
        changed = (keys.add(key) if args["state"] == "present" else keys.remove(key)) or changed
    if args["exclusive"] and args["state"] == "present":
        changed = keys.only(kept) or changed
    return keys.text() if changed else None


def _write(
    args: Mapping[str, Any], path: str, target: str, content: Content, owner: str, told: Result
) -> Generator[Request[Any], Any, Info]:
    folder = path.rpartition("/")[0] or "/"
    reply = yield from change(
        _CHANGE, folder if args["manage_dir"] else "", owner, target, temporary(target, content.sha1), "0600",
        owner, *owner.split(":")[:1], owner.partition(":")[2], "", "", content.sha1,
        foretells=told, stdin=content.data,
    )  # fmt: skip
    return take(require(reply, f"{path} could not be written").stdout)[0]


MODULES = {
    "authorized_key": Module(
        Spec(
            "authorized_key",
            {
                "user": Param(required=True),
                "key": Param(required=True),
                "path": Param("path"),
                "manage_dir": Param("bool", True),
                "state": Param(default="present", choices=("absent", "present")),
                "key_options": Param(),
                "exclusive": Param("bool", False),
                "comment": Param(),
                "follow": Param("bool", False),
                "validate_certs": Param("bool", True),
            },
        ),
        authorized_key,
    )
}
