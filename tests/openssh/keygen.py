"""ssh-keygen, for keys and answers made at run time."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest

needs_keygen = pytest.mark.skipif(not Path("/usr/bin/ssh-keygen").exists(), reason="no ssh-keygen here")


def keygen(*arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["ssh-keygen", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=check,
        stdin=subprocess.DEVNULL,
    )


def make_key(path: Path, kind: str = "ed25519", *options: str, passphrase: str = "") -> Path:
    keygen("-q", "-t", kind, *options, "-N", passphrase, "-C", f"{path.name} comment", "-f", path)
    return path


def blob_of(public: Path) -> bytes:
    return base64.b64decode(public.read_text().split()[1])
