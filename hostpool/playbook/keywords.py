"""Which keywords there are, and how those that plays, roles, blocks and tasks share are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yaml.nodes import MappingNode, Node, SequenceNode

from hostpool.inventory.yamlreader import Entry
from hostpool.playbook.files import Document, is_null, items, mapping_of
from hostpool.playbook.model import Keywords
from hostpool.templating import has_template
from hostpool.templating.template import Template

SIMPLE = {
    "become": "bool", "become_user": "text", "become_method": "text", "become_flags": "text",
    "remote_user": "text", "connection": "text", "port": "number", "ignore_errors": "bool",
    "ignore_unreachable": "bool", "no_log": "bool", "check_mode": "bool", "diff": "bool",
    "any_errors_fatal": "bool", "throttle": "number", "timeout": "number", "run_once": "bool",
    "delegate_to": "text", "delegate_facts": "bool",
}  # fmt: skip
"""Keyword → what its value is, where it is no template."""

SHARED = frozenset(
    {*SIMPLE, "when", "vars", "environment", "tags", "name", "notify", "module_defaults", "debugger"}
)
TASK = SHARED | frozenset(
    [
        "action",
        "local_action",
        "args",
        "register",
        "listen",
        "changed_when",
        "failed_when",
        "loop",
        "loop_control",
        "until",
        "retries",
        "delay",
        "async",
        "poll",
    ]
)
BLOCK = SHARED | {"block", "rescue", "always"}
PLAY = (SHARED - {"when", "notify", "run_once", "delegate_to", "delegate_facts"}) | frozenset(
    [
        "hosts",
        "user",
        "collections",
        "vars_files",
        "vars_prompt",
        "gather_facts",
        "gather_subset",
        "gather_timeout",
        "pre_tasks",
        "tasks",
        "post_tasks",
        "handlers",
        "roles",
        "serial",
        "strategy",
        "max_fail_percentage",
        "force_handlers",
        "order",
    ]
)
ROLE = SHARED | {"role"}
REFUSED = {
    "collections": "name it at the play, or write the role's full name",
    "become_exe": "put the program's directory into PATH",
    "fact_path": "local facts are read from /etc/ansible/facts.d",
}
LOOPS = frozenset(
    [
        "items",
        "dict",
        "list",
        "fileglob",
        "sequence",
        "nested",
        "cartesian",
        "together",
        "subelements",
        "flattened",
        "indexed_items",
        "file",
        "lines",
        "first_found",
        "random_choice",
        "inventory_hostnames",
        "env",
        "template",
    ]
)
TRUE_WORDS = ("y", "yes", "on", "1", "true", "t")
FALSE_WORDS = ("n", "no", "off", "0", "false", "f")


def read_keywords(document: Document, entries: list[Entry]) -> Keywords:
    """The shared keywords among ``entries``; the others are left to the caller."""
    found: dict[str, Any] = {}
    for entry in entries:
        key, node = entry.key, entry.value
        if key in SIMPLE:
            found[key] = _simple(document, key, node)
        elif key == "when":
            found["when"] = conditions(document, node)
        elif key == "vars":
            variables = read_vars(document, node)
            found["vars"] = (variables,) if variables else ()
        elif key == "environment":
            found["environment"] = tuple(document.data(each) for each in items(node) if not is_null(each))
        elif key == "tags":
            found["tags"] = frozenset(read_tags(document, node))
        elif key == "notify":
            found["notify"] = names(document, node, "notify")
        elif key == "user" and any(each.key == "hosts" for each in entries):  # a task's is the module
            found.setdefault("remote_user", _simple(document, "remote_user", node))
        elif key == "module_defaults":
            found["module_defaults"] = _module_defaults(document, node)
        elif key == "debugger" and document.plain(node) != "never":
            document.collector.refuse(document.place(entry.key_node), "a debugger", "run with -v")
    return Keywords(**found)


def read_vars(document: Document, node: Node) -> Mapping[str, Any]:
    if is_null(node):
        return {}
    if isinstance(node, MappingNode):
        return mapping_of(document, node)
    if isinstance(node, SequenceNode) and all(isinstance(each, MappingNode) for each in node.value):
        merged: dict[str, Any] = {}
        for each in node.value:
            merged.update(mapping_of(document, each))
        return merged
    document.collector.say(document.place(node), "vars is a mapping", "write name: value")
    return {}


def conditions(document: Document, node: Node) -> tuple[Template, ...]:
    """``when`` and its kin: a list is an "and"."""
    found = []
    for each in items(node):
        value = document.plain(each)
        if value is None or value == "":
            continue
        if isinstance(value, str):
            found.append(_condition(document, each, value))
        elif isinstance(value, bool | int):
            found.append(Template(str(value), document.place(each), expression=True))
        else:
            document.collector.say(document.place(each), "a condition is text or yes or no")
    return tuple(found)


def _condition(document: Document, node: Node, text: str) -> Template:
    place = document.place(node)
    inner = text.strip()
    if inner.startswith("{{") and inner.endswith("}}") and inner.count("{{") == 1:
        inner = inner[2:-2].strip()
    elif has_template(text):
        document.collector.refuse(
            place, "a template inside of a condition", "a condition is an expression already: leave {{ }} out"
        )
        inner = "false"
    template = Template(inner, place, expression=True)
    document._files.check(template)
    return template


def _module_defaults(document: Document, node: Node) -> tuple[Mapping[str, Any], ...]:
    """One mapping of arguments by module, or a list of them of which the later count."""
    found: dict[str, Any] = {}
    for each in items(node):
        if not isinstance(each, MappingNode):
            if not is_null(each):
                document.collector.say(document.place(each), "module_defaults is a mapping of modules")
            continue
        for entry in document.entries(each):
            place = document.place(entry.key_node)
            if str(entry.key).startswith("group/"):
                document.collector.refuse(place, f"defaults for the {entry.key}", "name each module")
            elif isinstance(entry.value, MappingNode):
                found[str(entry.key)] = (mapping_of(document, entry.value), document.place(entry.value))
            elif not is_null(entry.value):
                document.collector.refuse(place, "defaults of a module that are no mapping")
    return (found,) if found else ()


def read_tags(document: Document, node: Node) -> list[str]:
    found: list[str] = []
    for each in items(node):
        value = document.plain(each)
        if isinstance(value, str) and has_template(value):
            value = document.static(value, document.place(each), "a tag")
        if isinstance(value, list):
            found += [str(tag) for tag in value]
        elif isinstance(value, str | int):
            found += [tag.strip() for tag in str(value).split(",") if tag.strip()]
        elif value is not None:
            document.collector.say(document.place(each), "tags are names")
    return found


def names(document: Document, node: Node, what: str) -> tuple[Any, ...]:
    """One name or a list of them; a name may be a template."""
    found = []
    for each in items(node):
        value = document.data(each)
        if isinstance(value, str | Template):
            found.append(value)
        elif value is not None:
            document.collector.say(document.place(each), f"{what} takes names")
    return tuple(found)


def _simple(document: Document, key: str, node: Node) -> Any:
    value = document.data(node)
    if isinstance(value, Template) or value is None:
        return value
    wanted = SIMPLE[key]
    if wanted == "bool":
        return read_bool(document, node, key, value)
    if wanted == "number":
        try:
            return int(value)
        except (TypeError, ValueError):
            document.collector.say(document.place(node), f"{key} is a number, not {value!r}")
            return None
    if not isinstance(value, str | int):
        document.collector.say(document.place(node), f"{key} is text")
        return None
    return str(value)


def read_bool(document: Document, node: Node, key: str, value: Any) -> bool | None:
    word = str(value).lower()
    if isinstance(value, bool) or word in TRUE_WORDS or word in FALSE_WORDS:
        return word in TRUE_WORDS
    document.collector.say(document.place(node), f"{key} is yes or no, not {value!r}")
    return None


def refuse_unknown(document: Document, entries: list[Entry], known: frozenset[str], what: str) -> None:
    for entry in entries:
        key = entry.key
        place = document.place(entry.key_node)
        if key in known:
            continue
        if key in REFUSED:
            document.collector.refuse(place, f"the keyword {key!r}", REFUSED[key])
        else:
            of = what if what == "apply" else f"a {what}"
            document.collector.unknown(place, f"keyword of {of}", str(key), known)
