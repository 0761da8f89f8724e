"""The commands that make an account what it is to be, by the programs of shadow or of BusyBox."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from hostpool.tasks.modules.accounts import group_named
from hostpool.tasks.modules.base import ModuleFailed
from hostpool.tasks.modules.user_account import Account

Args = Mapping[str, Any]
Words = list[str | int]
_DAY = 86400


def creation(args: Args, seen: Account) -> list[Words]:
    """Raises ModuleFailed for a group that does not exist, and for what BusyBox cannot do."""
    if _busybox(seen):
        return _busybox_creation(args, seen)
    words: Words = ["useradd"]
    if args["uid"] is not None:
        words += ["-u", args["uid"], *(["-o"] if args["non_unique"] else [])]
    if args["seuser"] is not None:
        words += ["-Z", args["seuser"]]
    if args["group"] is not None:
        words += ["-g", _existing(args["group"], seen)]
    elif group_named(seen.groups, args["name"]) is not None:
        words += ["-N"]  # no group of the user's own: it is there
    groups = supplementary(args)
    if groups:
        words += ["-G", ",".join(_existing(each, seen) for each in groups)]
    if args["comment"] is not None:
        words += ["-c", args["comment"]]
    before: list[Words] = []
    if args["home"] is not None:
        if args["create_home"] and "parent" not in seen.there:
            before = [["hp_make_home", args["skeleton"] or "/etc/skel", args["home"]]]
        words += ["-d", args["home"]]
    if args["shell"] is not None:
        words += ["-s", args["shell"]]
    if args["expires"] is not None:
        words += ["-e", _date(args["expires"])]
    if args["password_expire_account_disable"] is not None:
        words += ["-f", args["password_expire_account_disable"]]
    words += _home_options(args)
    words += ["-r"] if args["system"] else []
    words += _limits(args, "uid_min", "uid_max")
    made: list[Words] = [*before, [*words, "--", args["name"]]]
    if before:
        made.append(["hp_give_home", args["name"], args["home"]])
    if args["password"] is not None:
        made.append(["hp_password", args["name"]])
    return [*made, *ageing(args, None)]


def _home_options(args: Args) -> Words:
    if not args["create_home"]:
        return ["-M"]
    words: Words = ["-m"]
    if args["skeleton"] is not None:
        words += ["-k", args["skeleton"]]
    if args["umask"] is not None:
        words += ["-K", f"UMASK={args['umask']}"]
    return words


def _limits(args: Args, *names: str) -> Words:
    return [
        word for name in names if args[name] is not None for word in ("-K", f"{name.upper()}={args[name]}")
    ]


def modification(args: Args, seen: Account) -> list[Words]:
    """What differs; nothing where all is as wanted. Raises ModuleFailed."""
    entry = seen.entry
    assert entry is not None
    if _busybox(seen):
        return _busybox_modification(args, seen, entry)
    words: Words = []
    if args["uid"] is not None and entry[2] != str(args["uid"]):
        words += ["-u", args["uid"], *(["-o"] if args["non_unique"] else [])]
    if args["group"] is not None:
        group = group_named(seen.groups, args["group"])
        if group is None:
            raise ModuleFailed(f"Group {args['group']} does not exist")
        if group.gid != seen.gid:
            words += ["-g", group.gid]
    words += _membership(args, seen)
    if args["comment"] is not None and entry[4] != args["comment"]:
        words += ["-c", args["comment"]]
    if args["home"] is not None and entry[5] != args["home"]:
        words += ["-d", args["home"], *(["-m"] if args["move_home"] else [])]
    if args["shell"] is not None and entry[6] != args["shell"]:
        words += ["-s", args["shell"]]
    words += _expiry(args, seen)
    inactive = args["password_expire_account_disable"]
    if inactive is not None and inactive != seen.aged(6):
        words += ["-f", inactive]
    password = new_password(args, seen)
    if not password:
        words += _lock(args, seen)
    made: list[Words] = [["usermod", *words, "--", args["name"]]] if words else []
    if password:
        made.append(["hp_password", args["name"]])
    return [*made, *ageing(args, seen)]


def _membership(args: Args, seen: Account) -> Words:
    groups = supplementary(args)
    if groups is None:
        return []
    current = set(seen.member_of(args["name"]))
    wanted = []
    for each in groups:
        group = group_named(seen.groups, each)
        if group is None:
            raise ModuleFailed(f"Group {each} does not exist")
        wanted.append(group.name)
    if args["append"]:
        return ["-a", "-G", ",".join(wanted)] if set(wanted) - current else []
    return ["-G", ",".join(wanted)] if set(wanted) != current else []


def _expiry(args: Args, seen: Account) -> Words:
    if args["expires"] is None:
        return []
    now = seen.aged(7)
    if args["expires"] < 0:
        return ["-e", ""] if now >= 0 else []
    return ["-e", _date(args["expires"])] if now != int(args["expires"]) // _DAY else []


def _lock(args: Args, seen: Account) -> Words:
    locked = seen.password.startswith("!")
    if args["password_lock"] and not locked:
        return ["-L"]
    return ["-U"] if args["password_lock"] is False and locked else []


def new_password(args: Args, seen: Account | None) -> bool:
    if args["password"] is None:
        return False
    if seen is None or seen.entry is None:
        return True
    same = seen.password.lstrip("!") == args["password"].lstrip("!")
    return args["update_password"] == "always" and not same


def ageing(args: Args, seen: Account | None) -> list[Words]:
    words: Words = []
    wanted = (("password_expire_min", "-m", 3), ("password_expire_max", "-M", 4),
              ("password_expire_warn", "-W", 5))  # fmt: skip
    for name, option, field in wanted:
        if args[name] is not None and (seen is None or seen.aged(field) != args[name]):
            words += [option, args[name]]
    return [["chage", *words, "--", args["name"]]] if words else []


def removal(args: Args, seen: Account) -> Words:
    if _busybox(seen):
        return ["deluser", *(["--remove-home"] if args["remove"] else []), args["name"]]
    options = [*(["-f"] if args["force"] else []), *(["-r"] if args["remove"] else [])]
    return ["userdel", *options, "--", args["name"]]


def supplementary(args: Args) -> list[str] | None:
    if args["groups"] is None:
        return None
    return [each for group in args["groups"] for each in map(str.strip, str(group).split(",")) if each]


def _existing(name: str, seen: Account) -> str:
    if group_named(seen.groups, name) is None:
        raise ModuleFailed(f"Group {name} does not exist")
    return name


def _date(seconds: float) -> str:
    if seconds < 0:
        return ""
    try:
        return time.strftime("%Y-%m-%d", time.gmtime(seconds))
    except (ValueError, OverflowError, OSError) as error:
        raise ModuleFailed(f"Invalid value for 'expires' {seconds}: {error}") from error


# -- BusyBox -----------------------------------------------------------------------------------------------


def _busybox(seen: Account) -> bool:
    return "useradd" not in seen.tools and "adduser" in seen.tools


def _busybox_creation(args: Args, seen: Account) -> list[Words]:
    unknown = ("seuser", "umask", "uid_min", "uid_max", "expires", "password_expire_account_disable")
    _refuse(args, *unknown, "password_expire_min", "password_expire_max", "password_expire_warn")
    words: Words = ["adduser", "-D"]
    for name, option in (("uid", "-u"), ("comment", "-g"), ("home", "-h"), ("shell", "-s")):
        if args[name] is not None:
            words += [option, args[name]]
    if args["group"] is not None:
        words += ["-G", _existing(args["group"], seen)]
    if not args["create_home"]:
        words += ["-H"]
    elif args["skeleton"] is not None:
        words += ["-k", args["skeleton"]]
    words += ["-S"] if args["system"] else []
    made: list[Words] = [[*words, args["name"]]]
    if args["password"] is not None:
        made.append(["hp_password", args["name"]])
    made += [["addgroup", args["name"], _existing(each, seen)] for each in supplementary(args) or ()]
    return made


def _busybox_modification(args: Args, seen: Account, entry: list[str]) -> list[Words]:
    _refuse(args, *_differing(args, seen, entry))
    made: list[Words] = []
    groups = supplementary(args)
    if groups is not None:
        primary = next((group.name for group in seen.groups if group.gid == seen.gid), "")
        current = [each for each in seen.member_of(args["name"]) if each != primary]
        wanted = [each for each in (_existing(each, seen) for each in groups) if each != primary]
        made += [["addgroup", args["name"], each] for each in wanted if each not in current]
        if not args["append"]:
            made += [["delgroup", args["name"], each] for each in current if each not in wanted]
    if new_password(args, seen):
        made.append(["hp_password", args["name"]])
    return made


def _differing(args: Args, seen: Account, entry: list[str]) -> Iterable[str]:
    """What there is no program for."""
    for name, field in (("uid", 2), ("comment", 4), ("home", 5), ("shell", 6)):
        if args[name] is not None and entry[field] != str(args[name]):
            yield name
    group = None if args["group"] is None else group_named(seen.groups, args["group"])
    if args["group"] is not None and (group is None or group.gid != seen.gid):
        yield "group"
    if _expiry(args, seen):
        yield "expires"
    if _lock(args, seen):
        yield "password_lock"
    for name, field in (("password_expire_min", 3), ("password_expire_max", 4), ("password_expire_warn", 5),
                        ("password_expire_account_disable", 6)):  # fmt: skip
        if args[name] is not None and args[name] != seen.aged(field):
            yield name


def _refuse(args: Args, *names: str) -> None:
    for name in names:
        if args[name] is not None:
            raise ModuleFailed(f"{name}: BusyBox has no program for that", name=args["name"])
