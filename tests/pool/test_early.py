"""The fork server where the place for its socket is far down in the tree."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.pool.conftest import local_inventory

ROOT = Path(__file__).parents[2]


def test_a_long_tmpdir_is_no_obstacle(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 100) / ("y" * 100)
    deep.mkdir(parents=True)
    inventory = local_inventory(tmp_path / "one.ini", 1)
    code = (
        "from hostpool import Command, HostPool\n"
        "if __name__ == '__main__':\n"
        f"    with HostPool({inventory!r}, workers=1) as pool:\n"
        "        print(pool.apply('h1', Command('echo $TMPDIR')).stdout, end='')\n"
    )
    script = tmp_path / "main.py"
    script.write_text(code)
    environment = {**os.environ, "TMPDIR": str(deep), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(script)], env=environment, capture_output=True, text=True, timeout=100
    )
    assert (done.stdout, done.stderr) == (f"{deep}\n", "")
