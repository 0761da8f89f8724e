"""What a person is shown of a plan: one line a change, and the differences of text files."""

from __future__ import annotations

from collections.abc import Iterator

from hostpool.sync.compare import Plan
from hostpool.sync.tree import DIRECTORY, LINK, ROOT

MOST = 200
"""Lines before the rest is only counted."""
_TEXT_LIMIT = 256 * 1024


def shown(path: bytes) -> str:
    """A path as text; bytes that are no UTF-8 stand as ``\\xff``, line breaks as ``\\n``."""
    text = path.decode("utf-8", "backslashreplace")
    return text.replace("\n", "\\n") if "\n" in text else text


def changes(plan: Plan) -> str:
    """``+`` new, ``~`` new content, ``=`` attributes only, ``-`` to be deleted; at most MOST lines."""
    lines: list[str] = []
    left = 0
    for line in _lines(plan):
        if len(lines) < MOST:
            lines.append(line)
        else:
            left += 1
    if left:
        lines.append(f"… and {left} more")
    return "".join(f"{line}\n" for line in lines)


def _lines(plan: Plan) -> Iterator[str]:
    tree = plan.tree
    if plan.root_missing:
        yield "+ ./"
    for number in plan.send:
        sign = "~" if number in plan.replaced or number in plan.in_the_way else "+"
        yield f"{sign} {_named(plan, number)}"
    seen = set(plan.send)
    for number in sorted({*plan.chmod, *plan.touch, *plan.chown} - seen):
        if plan.root_missing and tree.paths[number] == ROOT:
            continue
        what = [
            name
            for name, numbers in (("mode", plan.chmod), ("time", plan.touch), ("owner", plan.chown))
            if number in numbers
        ]
        yield f"= {_named(plan, number)} ({', '.join(what)})"
    for path in plan.delete:
        yield f"- {shown(path)}"


def _named(plan: Plan, number: int) -> str:
    tree = plan.tree
    text = shown(tree.paths[number])
    if tree.kinds[number] == DIRECTORY:
        return f"{text}/"
    if tree.kinds[number] == LINK:
        return f"{text} -> {shown(tree.links[number])}"
    return text


def is_text(data: bytes) -> bool:
    """Whether a difference of lines would tell a person anything."""
    if len(data) > _TEXT_LIMIT or b"\0" in data:
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def unified(path: bytes, theirs: bytes, ours: bytes) -> str:
    """A unified difference of two texts, or a line that says that they are none."""
    name = shown(path)
    if not (is_text(theirs) and is_text(ours)):
        return f"{name}: binary files differ\n"
    return unified_texts(theirs.decode(), ours.decode(), f"{name} (on the host)", f"{name} (here)")


def unified_texts(before: str, after: str, old: str, new: str) -> str:
    """As ``diff -u`` has it: a line ends with ``\\n`` and with nothing else."""
    import difflib  # most runs show no differences

    lines = difflib.unified_diff(_lines_of(before), _lines_of(after), old, new)
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


def _lines_of(text: str) -> list[str]:
    *whole, rest = text.split("\n")
    return [f"{line}\n" for line in whole] + ([rest] if rest else [])
