"""user: an account exists as described, or is gone.

Parameters:
    name: the user's name
    state: whether the account is to exist
    uid: its number
    non_unique: another account may have the same number
    comment: its description (GECOS)
    group: the primary group, by name or number
    groups: further groups; others are left, unless append is set; an empty text for none
    append: only join the groups, leave none
    shell: the login shell
    home: the home directory
    create_home: make the home directory where it is missing
    move_home: move what is in the old home when home changes
    skeleton: what a new home is filled with, in the place of /etc/skel
    umask: of a new home
    system: a system account, where it has to be made
    seuser: SELinux user of a new account
    password: hash of the password as crypt(5) has it; "!" or "*" for one that nobody can give
    update_password: whether an account that exists gets the password too
    password_lock: lock the password, or unlock it
    password_expire_max: days after which the password must be changed
    password_expire_min: days before which it cannot be changed
    password_expire_warn: days of warning before it expires
    password_expire_account_disable: days after its expiry until the account is disabled
    expires: when the account expires, in seconds since 1970; negative for never
    uid_min: smallest number for a new account, in the place of UID_MIN of login.defs
    uid_max: largest number for a new account, in the place of UID_MAX of login.defs
    remove: with state absent, remove the home and the mail spool too
    force: with state absent, even while the user is logged in; with generate_ssh_key, replace the key
    generate_ssh_key: make a key pair for the user
    ssh_key_bits: its size; else ssh-keygen's own
    ssh_key_type: its type
    ssh_key_file: where, below the home; .ssh/id_TYPE by default
    ssh_key_comment: its comment; "ansible-generated on" and the host's name by default
    ssh_key_passphrase: what it is encrypted with
Returns: ``name``, ``state``, ``uid``, ``group``, ``groups``, ``comment``, ``home``, ``shell``, ``system``,
    ``create_home``, ``append``, ``move_home``, ``force``, ``remove``, ``password`` (never itself),
    ``ssh_key_file``, ``ssh_fingerprint``, ``ssh_public_key``, ``stdout``, ``stderr``
Needs: useradd, usermod, userdel, chpasswd, chage of shadow; or adduser, deluser, addgroup, delgroup, chpasswd
    of BusyBox; ssh-keygen for keys.
Differs: the hash and the passphrase reach the host over standard input, never as arguments;
    password_expire_account_disable is set only where it differs; what BusyBox cannot change fails by name.
Source: ansible.builtin.user of ansible-core 2.19, man pages useradd(8), usermod(8), chpasswd(8), chage(1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hostpool.tasks.base import RunReply
from hostpool.tasks.modules.accounts import PART, checked_name, commands, parts
from hostpool.tasks.modules.base import Mode, Module, ModuleFailed, Result, Steps, change, query, text
from hostpool.tasks.modules.spec import Param, Spec
from hostpool.tasks.modules.user_account import CHANGE, LOOK, Account, account
from hostpool.tasks.modules.user_commands import creation, modification, removal, supplementary


def user(args: Mapping[str, Any], mode: Mode) -> Steps:
    name = checked_name(args["name"], "user")
    for secret in ("password", "ssh_key_passphrase"):
        if "\n" in (args[secret] or ""):
            raise ModuleFailed(f"{secret} must be one line")
    file = (args["ssh_key_file"] or f".ssh/id_{args['ssh_key_type']}") if args["generate_ssh_key"] else ""
    about = (name, args["home"] or "", file, *_groups(args))
    reply = yield from query(LOOK, *about)
    seen = account(reply.stdout, name)
    base: Result = {"name": name, "state": args["state"]}
    if args["state"] == "absent":
        if seen.entry is None:
            return {**base, "changed": False}
        gone = {**base, "force": args["force"], "remove": args["remove"], "changed": True}
        done = yield from change(
            CHANGE, str(len(about)), *about, *commands(removal(args, seen)), foretells=gone, stdin=b"\n\n"
        )
        return {**gone, **_said(done, name)}
    return (yield from _present(args, mode, seen, base, about))


def _groups(args: Mapping[str, Any]) -> list[str]:
    """The groups that have to exist: an enumeration may leave those of a directory out."""
    named = [args["group"] or "", *(supplementary(args) or ())]
    for each in named:
        if each.startswith("-"):
            raise ModuleFailed(f"Group {each} does not exist")
    return [each for each in named if each]


def _present(
    args: Mapping[str, Any], mode: Mode, seen: Account, base: Result, about: tuple[str, ...]
) -> Steps:
    name = args["name"]
    if seen.entry is None:
        # In check mode a group may be missing that an earlier task would have made.
        todo: list[list[str | int]] = [["useradd"]] if mode.check else creation(args, seen)
        base |= {"system": args["system"], "create_home": args["create_home"]}
    else:
        todo = modification(args, seen)
        base |= {"append": args["append"], "move_home": args["move_home"]}
        if args["create_home"] and "home" not in seen.there:
            home = args["home"] or seen.entry[5]
            todo += [["hp_make_home", args["skeleton"] or "/etc/skel", home], ["hp_give_home", name, home]]
    if args["password"] is not None:
        base["password"] = "NOT_LOGGING_PASSWORD"
    if args["generate_ssh_key"] and (args["force"] or not seen.there & {"key", "pub"}):
        todo.append(_key(args, seen))
    if not todo:
        return {**base, **_keys(args, seen), "changed": False}
    told = {**base, **_foretold(args, seen), "changed": True}
    secrets = f"{_hash(args)}\n{args['ssh_key_passphrase'] or ''}\n".encode()
    done = yield from change(CHANGE, str(len(about)), *about, *commands(*todo), foretells=told, stdin=secrets)
    said = _said(done, name)
    after = account(done.stdout.split(PART, 1)[1], name)
    if after.entry is None:
        raise ModuleFailed(f"failed to look up user name: {name}", **base)
    return {**base, **said, **_keys(args, after), "changed": True}


def _hash(args: Mapping[str, Any]) -> str:
    if args["password"] is None:
        return ""
    return f"!{args['password']}" if args["password_lock"] else str(args["password"])


def _key(args: Mapping[str, Any], seen: Account) -> list[str | int]:
    comment = args["ssh_key_comment"]
    if comment is None:
        comment = f"ansible-generated on {seen.hostname}"
    file = args["ssh_key_file"] or f".ssh/id_{args['ssh_key_type']}"
    bits = args["ssh_key_bits"] if args["ssh_key_bits"] > 0 else ""
    secret = "yes" if args["ssh_key_passphrase"] is not None else ""
    return ["hp_make_key", args["name"], file, args["ssh_key_type"], bits, comment, secret]


def _said(done: RunReply, name: str) -> Result:
    """What the programs had to say. Raises ModuleFailed where one failed."""
    if done.exit_code:
        raise ModuleFailed(text(done.stderr), name=name, rc=done.exit_code)
    said = {"stdout": parts(done.stdout, 1)[0], "stderr": text(done.stderr)}
    return {stream: words for stream, words in said.items() if words}


def _keys(args: Mapping[str, Any], seen: Account) -> Result:
    """What is so of an account that exists."""
    entry = seen.entry
    if entry is None:
        return {}
    found: Result = {
        "uid": int(entry[2]), "group": seen.gid, "comment": entry[4], "home": entry[5], "shell": entry[6],
    }  # fmt: skip
    if args["groups"] is not None:
        found["groups"] = ",".join(map(str, args["groups"]))
    if args["generate_ssh_key"]:
        found["ssh_key_file"] = seen.key_file
        found["ssh_fingerprint"] = seen.fingerprint
        found["ssh_public_key"] = seen.public or None
    return found


def _foretold(args: Mapping[str, Any], seen: Account) -> Result:
    """What is so of it after the change, as far as that is known before."""
    told = _keys(args, seen)
    for name in ("uid", "comment", "home", "shell"):
        if args[name] is not None:
            told[name] = args[name]
    if args["groups"] is not None:
        told["groups"] = ",".join(map(str, args["groups"]))
    return told


_PARAMS = {
    "name": Param(required=True, aliases=("user",)),
    "state": Param(default="present", choices=("absent", "present")),
    "uid": Param("int"), "non_unique": Param("bool", False), "comment": Param(), "group": Param(),
    "groups": Param("list"), "append": Param("bool", False), "shell": Param("path"), "home": Param("path"),
    "create_home": Param("bool", True, aliases=("createhome",)), "move_home": Param("bool", False),
    "skeleton": Param(), "umask": Param(), "system": Param("bool", False), "seuser": Param(),
    "password": Param(secret=True),
    "update_password": Param(default="always", choices=("always", "on_create")),
    "password_lock": Param("bool"), "password_expire_max": Param("int"), "password_expire_min": Param("int"),
    "password_expire_warn": Param("int"), "password_expire_account_disable": Param("int"),
    "expires": Param("float"), "uid_min": Param("int"), "uid_max": Param("int"),
    "remove": Param("bool", False), "force": Param("bool", False), "generate_ssh_key": Param("bool", False),
    "ssh_key_bits": Param("int", 0), "ssh_key_type": Param(default="rsa"), "ssh_key_file": Param("path"),
    "ssh_key_comment": Param(), "ssh_key_passphrase": Param(secret=True),
}  # fmt: skip
_REFUSED = {
    "local": "the programs of libuser are not used",
    "hidden": "it is of macOS only",
    "login_class": "it is of BSD only",
    "profile": "it is of Solaris only",
    "authorization": "it is of Solaris only",
    "role": "it is of Solaris only",
}
MODULES = {"user": Module(Spec("user", _PARAMS, refused=_REFUSED), user)}
