"""How a transfer ended, whichever way the files went."""

from __future__ import annotations

from typing import Any

import msgspec

from hostpool.errors import ErrorInfo
from hostpool.tasks.base import Outcome, RunReply


def transferred(
    text: str, result: dict[str, Any], failures: list[tuple[str, str]], *, changed: bool, moved: bool
) -> Outcome:
    """``failures`` are (path, reason); with any of them the host failed, and each path is named in
    ``result["failed"]`` and on stderr. ``moved``: whether something changed in spite of them."""
    said = text.encode("utf-8", "surrogateescape")
    reply = RunReply(exit_code=None, stdout=said, stdout_bytes=len(said))
    if not failures:
        return Outcome(status="changed" if changed else "ok", changed=changed, result=result, reply=reply)
    lines = "".join(f"{path}: {reason}\n" for path, reason in failures).encode("utf-8", "surrogateescape")
    path, reason = failures[0]
    more = f", and {len(failures) - 1} more" if len(failures) > 1 else ""
    return Outcome(
        status="failed",
        changed=changed and moved,
        result={**result, "failed": [path for path, _ in failures]},
        reply=msgspec.structs.replace(reply, stderr=lines, stderr_bytes=len(lines)),
        error=ErrorInfo("paths_failed", f"{path}: {reason}{more}", None),
    )


def left_out(result: dict[str, Any]) -> str:
    """A line on what is no file, directory or symlink, if there was any."""
    skipped = result.get("skipped")
    return f"skipped (pipe, socket or device): {some(skipped)}\n" if skipped else ""


def some(names: list[str], most: int = 10) -> str:
    """The first of them, and how many more there are."""
    more = f", and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def files(number: int) -> str:
    return "1 file" if number == 1 else f"{number} files"


def size(number: int) -> str:
    """Bytes for people: ``512 B``, ``1.2 MiB``."""
    value = float(number)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"
