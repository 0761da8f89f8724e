"""From a task and a host's variables to the call of a module, complete with files and templates."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from hostpool.messages import Become
from hostpool.playbook.lookuppaths import find
from hostpool.playbook.lookups import render_text
from hostpool.playbook.model import Task
from hostpool.playbook.sources import BadTask as BadTask
from hostpool.playbook.sources import content_of, refuse_vault, refuse_vaulted, said, tree_of
from hostpool.playbook.uploads import fetch, unarchive, uri
from hostpool.secrets import Secret
from hostpool.tasks.modules.job import Call
from hostpool.tasks.modules.writing import Content
from hostpool.templating.scope import Scope
from hostpool.templating.template import RenderError, resolve


class Defaults(msgspec.Struct, frozen=True):
    """What the command line says where a play does not."""

    check: bool = False
    diff: bool = False
    become: bool = False
    become_user: str | None = None
    become_method: str | None = None
    become_password: Secret | None = None


def yes(value: Any, scope: Mapping[str, Any], default: bool = False) -> bool:
    """A keyword that is yes or no, or a template of it."""
    if value is None:
        return default
    if isinstance(value, bool):
        return value
    value = resolve(value, scope)
    if value is None:
        return default
    return str(value).strip().lower() in ("y", "yes", "on", "1", "true", "t")


def build(task: Task, scope: Scope, defaults: Defaults) -> Call:
    """Raises RenderError, BadTask."""
    words = task.keywords
    check = yes(words.check_mode, scope, defaults.check)
    args = arguments(task, scope)
    maker = _MAKERS.get(task.module)
    if maker is not None:
        args = maker(args, scope)
    return Call(
        task.module,
        args,
        check=check,
        diff=yes(words.diff, scope, defaults.diff),
        environment=environment_of(task, scope),
        become=becoming(task, scope, defaults),
        limit=0 if task.limit is None else int(_seconds(task.limit, "async", 0, scope)),
        poll=15.0 if task.poll is None else _seconds(task.poll, "poll", 15, scope),
    )


def _seconds(value: Any, what: str, default: float, scope: Scope) -> float:
    found = resolve(value, scope)
    try:
        return max(0.0, float(default if found is None else found))
    except (TypeError, ValueError):
        raise BadTask(f"{what} is a number of seconds, not {found!r}") from None


def arguments(task: Task, scope: Scope) -> dict[str, Any]:
    args = resolve(task.args, scope)
    if not isinstance(args, dict):
        raise BadTask("the arguments are no mapping")
    return args


def environment_of(task: Task, scope: Scope) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    for each in task.keywords.environment:
        value = resolve(each, scope)
        if not isinstance(value, Mapping):
            raise BadTask("environment is a mapping of names and values")
        found.update((str(name), "" if item is None else str(item)) for name, item in value.items())
    return tuple(found.items())


def becoming(task: Task, scope: Scope, defaults: Defaults) -> Become | None:
    """Another user, by variables (``ansible_become…``), keywords, flags: the first that says it."""
    words = task.keywords
    wanted = scope.get("ansible_become")
    if not yes(words.become if wanted is None else wanted, scope, defaults.become):
        return None

    def said(variable: str, keyword: Any, default: str | None) -> str:
        value = scope.get(variable)
        if value is None:
            value = resolve(keyword, scope)
        return str(value if value not in (None, "") else default or "")

    password = scope.get("ansible_become_password", scope.get("ansible_become_pass"))
    method = said("ansible_become_method", words.become_method, defaults.become_method or "sudo")
    method = method.rpartition(".")[2]
    if method not in ("sudo", "su", "doas"):
        raise BadTask(f"become_method {method!r} is not supported: sudo, su and doas are")
    return Become(
        user=said("ansible_become_user", words.become_user, defaults.become_user or "root"),
        method=method,  # type: ignore[arg-type]  # one of the three
        flags=said("ansible_become_flags", words.become_flags, ""),
        password=Secret(str(password)) if password not in (None, "") else defaults.become_password,
    )


def _copy(args: dict[str, Any], scope: Scope) -> dict[str, Any]:
    args = dict(args)
    if args.get("content") is not None:
        if args.get("src") is not None:
            raise BadTask("src and content are mutually exclusive")
        value = args.pop("content")
        text = value if isinstance(value, str) else json.dumps(_plain(value))
        args["_content"] = Content.of(text.encode("utf-8", "surrogateescape"))
        args["src"] = ""
        return args
    if said(args, "remote_src", False):
        return args
    source = str(args.get("src", ""))
    try:
        path = Path(find(source.rstrip("/") or "/", scope))
        if path.is_dir():
            tree = tree_of(
                path, with_itself=not source.endswith("/"), follow=said(args, "local_follow", True)
            )
            return {**args, "_tree": tree, "src": str(path)}
        args["_content"], args["_name"] = content_of(path, said(args, "decrypt", True)), path.name
        if args.get("mode") == "preserve":
            args["mode"] = format(path.stat().st_mode & 0o7777, "04o")
    except OSError as error:
        raise BadTask(f"Could not find or access '{source}': {error}") from error
    args["src"] = str(path)
    return args


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _template(args: dict[str, Any], scope: Scope) -> dict[str, Any]:
    args = dict(args)
    source = str(args.get("src", ""))
    trim, lstrip = said(args, "trim_blocks", True), said(args, "lstrip_blocks", False)
    try:
        path = find(source, scope, "templates")
        text = Path(path).read_text("utf-8")
        refuse_vaulted(text, path)
        more = {
            "template_path": path, "template_fullpath": path, "ansible_managed": "Ansible managed",
            "template_destpath": args.get("dest"),
        }  # fmt: skip
        text = render_text(text, path, scope, more, (trim, lstrip))
    except (OSError, UnicodeDecodeError) as error:
        raise BadTask(f"Could not find or access '{source}': {error}") from error
    newline = {"\\n": "\n", "\\r": "\r", "\\r\\n": "\r\n"}.get(str(args.get("newline_sequence")))
    if newline or args.get("newline_sequence") in ("\r", "\r\n"):
        text = text.replace("\n", newline or str(args["newline_sequence"]))
    encoding = str(args.get("output_encoding") or "utf-8")
    args["_content"] = Content.of(text.encode(encoding, "surrogateescape"))
    args["_name"] = os.path.basename(path)  # noqa: PTH119 -- text stays text
    args["src"] = path
    if args.get("mode") == "preserve":
        args["mode"] = format(Path(path).stat().st_mode & 0o7777, "04o")
    return args


def _script(args: dict[str, Any], scope: Scope) -> dict[str, Any]:
    import shlex

    line = str(args.get("_raw") or args.get("cmd") or "")
    try:
        words = shlex.split(line)
        path = find(words[0] if words else "", scope)
        refuse_vault(Path(path))
        return {**args, "_data": Path(path).read_bytes()}
    except (OSError, ValueError) as error:
        raise BadTask(f"Could not find or access '{line}': {error}") from error


def _tree(args: dict[str, Any], scope: Scope) -> dict[str, Any]:
    """A source of the control node; the slash at its end has a meaning."""
    source = str(args.get("src", ""))
    try:
        found = find(source.rstrip("/") or "/", scope)
    except OSError as error:
        raise BadTask(f"Could not find or access '{source}': {error}") from error
    return {**args, "src": found + "/" if source.endswith("/") else found}


_MAKERS = {
    "copy": _copy, "template": _template, "script": _script, "fetch": fetch, "unarchive": unarchive,
    "uri": uri, "sync": _tree, "synchronize": _tree,
}  # fmt: skip


def message_of(error: Exception) -> str:
    if isinstance(error, RenderError) and error.undefined:
        where = f" ({error.where()})" if error.file else ""
        return f"The task includes an option with an undefined variable: {error.message}{where}"
    return getattr(error, "message", None) or str(error)
