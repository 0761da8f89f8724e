"""Modules that need no host: the state machine carries them out; here is only what they take."""

from __future__ import annotations

from hostpool.tasks.modules.spec import Param, Spec

_RAW = Param("raw")


def _parent(module: str, /, free_form: str | None = None, extra: bool = False, **params: Param) -> Spec:
    return Spec(module, params, free_form=free_form, extra=extra, where="parent")


_ROLE: dict[str, Param] = {
    "name": Param(aliases=("role",)), "tasks_from": Param(default="main"), "vars_from": Param(default="main"),
    "defaults_from": Param(default="main"), "handlers_from": Param(default="main"),
    "allow_duplicates": Param("bool", True), "rolespec_validate": Param("bool", True),
    "public": Param("bool", False),
}  # fmt: skip

_METAS = (
    "flush_handlers", "noop", "end_host", "end_play", "end_batch", "clear_host_errors", "clear_facts",
    "refresh_inventory", "reset_connection",
)  # fmt: skip

PARENT: dict[str, Spec] = {
    spec.name: spec
    for spec in (
        _parent("debug", msg=_RAW, var=_RAW, verbosity=Param("int", 0)),
        _parent("assert", that=_RAW, fail_msg=Param("raw", aliases=("msg",)), success_msg=_RAW,
                quiet=Param("bool", False)),
        _parent("fail", msg=Param("raw", "Failed as requested from task")),
        _parent("meta", free_form="action", action=Param(choices=_METAS)),
        _parent("set_fact", extra=True, cacheable=Param("bool", False)),
        _parent("include_vars", free_form="file", file=Param("path"), dir=Param("path"), name=Param(),
                files_matching=Param(), ignore_files=Param("list"), extensions=Param("list"),
                depth=Param("int", 0), ignore_unknown_extensions=Param("bool", False)),
        _parent("add_host", extra=True, name=Param(aliases=("hostname", "host")),
                groups=Param("list", aliases=("group", "groupname"))),
        _parent("set_stats", data=Param("dict", required=True), per_host=Param("bool", False),
                aggregate=Param("bool", True)),
        _parent("group_by", key=Param(required=True), parents=Param("list")),
        _parent("pause", seconds=Param("float"), minutes=Param("float"), prompt=Param(),
                echo=Param("bool", True)),
        _parent("include_tasks", free_form="file", file=Param("path"), apply=Param("dict")),
        _parent("import_tasks", free_form="file", file=Param("path")),
        Spec("include_role", {**_ROLE, "apply": Param("dict")}, where="parent"),
        Spec("import_role", _ROLE, where="parent"),
    )
}  # fmt: skip
