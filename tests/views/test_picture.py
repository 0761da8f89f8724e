"""The picture in the README is drawn from a recorded run."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

from hostpool.events import to_json
from tests.views.support import finished, whole_run

ROOT = Path(__file__).parents[2]


def test_the_picture_shows_the_run_and_its_report_and_fetches_nothing(tmp_path: Path) -> None:
    events = whole_run([finished(f"web{n}", ts=1_700_000_000.0 + n / 4, stdout="up\n") for n in range(1, 9)])
    recorded, picture = tmp_path / "run.jsonl", tmp_path / "live.svg"
    recorded.write_bytes(b"".join(to_json(event) + b"\n" for event in events))
    subprocess.run(
        [sys.executable, "docs/make_picture.py", str(recorded), str(picture)],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
        check=True,
    )
    text = " ".join("".join(ET.parse(picture).getroot().itertext()).split()).replace("\xa0", " ")
    assert "hostpool run all uptime" in text
    assert "web[1-8] (8): up" in text
    assert "8 hosts: 8 ok" in text
    assert "url(http" not in picture.read_text()
