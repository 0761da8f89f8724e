"""Results as playbooks read them, and how the parts of a loop make one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hostpool.results import HostResult
from hostpool.templating.scope import Scope
from hostpool.templating.template import Template, truth

Result = dict[str, Any]
CENSORED = "the output has been hidden due to the fact that 'no_log: true' was specified for this result"
_UNENDED = "\\ No newline at end of file\n"
_GONE = {
    "unreachable": "unreachable", "lost": "unreachable", "cancelled": "unreachable", "not_run": "unreachable",
}  # fmt: skip


def results_of(reply: HostResult, count: int) -> list[Result]:
    """What became of each call of a job. A host that was not reached, or was lost, has one result for
    all of them, with ``unreachable``."""
    if reply.result is not None and "results" in reply.result:
        found = [dict(each) for each in reply.result["results"]]
        return [_with_lines(each) for each in found]
    message = reply.error.message if reply.error is not None else reply.status
    hint = reply.error.hint if reply.error is not None else None
    result: Result = {"changed": False, "msg": message, "status": reply.status}
    if hint:
        result["hint"] = hint
    if reply.status in _GONE and not (reply.error is not None and reply.error.kind.startswith("become")):
        result["unreachable"] = True
    else:
        result["failed"] = True
    return [dict(result) for _ in range(count)]


def _with_lines(result: Result) -> Result:
    for stream in ("stdout", "stderr"):
        value = result.get(stream)
        if isinstance(value, str) and f"{stream}_lines" not in result:
            result[f"{stream}_lines"] = value.splitlines()
    result.setdefault("changed", False)
    result.setdefault("failed", False)
    return result


def judged(
    result: Result,
    register: str | None,
    changed_when: tuple[Template, ...] | None,
    failed_when: tuple[Template, ...] | None,
    scope: Scope,
) -> Result:
    """``changed_when`` and ``failed_when`` say what the result was. Raises RenderError."""
    if result.get("unreachable") or result.get("skipped"):
        return result
    seen = (scope.below({register: result}) if register else scope).above(dict(result))
    if changed_when is not None:
        result["changed"] = all(truth(each.render(seen), each) for each in changed_when)
    if failed_when is not None:
        failed = bool(failed_when) and all(truth(each.render(seen), each) for each in failed_when)
        result["failed_when_result"] = result["failed"] = failed
    return result


def together(results: list[Result]) -> Result:
    """One result of a whole loop."""
    whole: Result = {
        "results": results,
        "changed": any(each.get("changed") for each in results),
        "msg": "All items completed",
    }
    if any(each.get("failed") for each in results):
        whole.update(failed=True, msg="One or more items failed")
    else:
        whole["failed"] = False
    if all(each.get("skipped") for each in results):
        whole.update(skipped=True, msg="All items skipped")
    if any(each.get("unreachable") for each in results):
        whole["unreachable"] = True
    return whole


def skipped(condition: str) -> Result:
    return {
        "changed": False, "skipped": True, "skip_reason": "Conditional result was False", "failed": False,
        "false_condition": condition,
    }  # fmt: skip


def diff_text(result: Mapping[str, Any]) -> str | None:
    """The ``diff`` of a result (and of its items), as text for people."""
    parts = [_one_diff(each) for each in _diffs(result)]
    joined = "".join(part for part in parts if part)
    return joined or None


def _diffs(result: Mapping[str, Any]) -> list[Any]:
    found = result.get("diff")
    own = found if isinstance(found, list) else [found] if found else []
    items = result.get("results")
    for each in items if isinstance(items, list) else []:
        if isinstance(each, Mapping):
            own = [*own, *_diffs(each)]
    return own


def _one_diff(diff: Any) -> str:
    import json

    from hostpool.sync.diffs import unified_texts

    if isinstance(diff, Mapping) and isinstance(diff.get("prepared"), str):
        return str(diff["prepared"])
    if not isinstance(diff, Mapping) or "before" not in diff:
        return ""
    before, after = diff["before"], diff.get("after", "")
    if not isinstance(before, str):
        before, after = (json.dumps(side, indent=2, sort_keys=True) + "\n" for side in (before, after))
    if before == after:
        return ""
    names = (
        f"before: {diff.get('before_header', '')}".strip(),
        f"after: {diff.get('after_header', '')}".strip(),
    )
    return unified_texts(before, str(after), *names)
