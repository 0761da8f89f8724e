"""Start-up counts: only the live view imports rich, and only of it what measures characters."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
from hostpool.views import ViewOptions, make_view
kind = sys.argv[1]
if kind != "none":
    class Screen:
        def write(self, data): pass
        def flush(self): pass
        def isatty(self): return True
    make_view(kind, ViewOptions(Screen(), Screen(), environ={"TERM": "xterm"})).close()
print(*sorted(name for name in sys.modules if name.split(".")[0] in {"rich", "paramiko", "typer", "jinja2"}))
"""


@pytest.mark.parametrize("kind", ["none", "plain", "jsonl", "json", "junit", "live"])
def test_what_a_view_imports(kind: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, kind], cwd=ROOT, capture_output=True, text=True, check=True
    )
    imported = done.stdout.split()
    assert done.stderr == ""
    if kind == "live":
        assert "rich.cells" in imported
        assert not {"rich.console", "rich.table", "rich.live", "paramiko"} & set(imported)
    else:
        assert imported == []
