"""docs/faults.md, made from the table: ``python -m tests.faults.page``."""

from __future__ import annotations

from pathlib import Path

from tests.faults.table import ELSEWHERE, FAULTS, Fault

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
_BEGIN = "<!-- made by python -m tests.faults.page -->\n"
_END = "<!-- end -->\n"
_LIMITS = {
    None: "at once",
    "connect": "within `--connect-timeout`",
    "task": "at `--task-timeout`",
    "alive": "within `ServerAlive…`",
}


def table() -> str:
    rows = ["| fault | status | kind | exit | when | message, hint |", "|---|---|---|---|---|---|"]
    rows += [_row(fault) for fault in (*FAULTS, *ELSEWHERE)]
    return "\n".join(rows) + "\n"


def _row(fault: Fault) -> str:
    kind = f"`{fault.kind}`" if fault.kind else ""
    said = [
        fault.message,
        f"*hint:* {fault.hint}" if fault.hint else "",
        f"({fault.note})" if fault.note else "",
    ]
    words = "<br>".join(part.replace("|", "\\|").replace("<", "&lt;") for part in said if part)
    cells = (fault.what, f"`{fault.status}`", kind, str(fault.exit_code), _LIMITS[fault.limit], words)
    return f"| {' | '.join(cells)} |"


def renewed() -> str:
    """The page as it should be: what stands between its two marks replaced."""
    before, _, rest = PAGE.read_text("utf-8").partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n{table()}\n{_END}{after}"


if __name__ == "__main__":
    PAGE.write_text(renewed(), "utf-8")
