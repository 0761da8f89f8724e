"""What Tab offers, asked as the shells ask."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Hostpool


@pytest.fixture(autouse=True)
def inventory(workdir: Path) -> None:
    directory = workdir / "inventories"
    directory.mkdir()
    (directory / "hosts.ini").write_text("[web]\nweb1\nweb2\n[db]\ndb1\n")
    (workdir / "other.ini").write_text("far1\nfar2\n")


def ask(call: Hostpool, monkeypatch: pytest.MonkeyPatch, shell: str, line: str) -> list[str]:
    words = line.split(" ")
    monkeypatch.setenv("_HOSTPOOL_COMPLETE", f"complete_{shell}")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", line)
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    monkeypatch.setenv("COMP_WORDS", "\n".join(words))
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    ended = call()
    assert ended.err == ""
    return ended.out.split()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("hostpool r", ["run", "reboot", "rerun"]),
        ("hostpool inventory sh", ["show"]),
        ("hostpool run w", ["web", "web1", "web2"]),
        ("hostpool run d", ["db", "db1"]),
        ("hostpool run -f 3 d", ["db", "db1"]),
        ("hostpool run -i other.ini f", ["far1", "far2"]),
        ("hostpool run web,d", ["web,db", "web,db1"]),
        ("hostpool run web : !d", ["!db", "!db1"]),
        ("hostpool run -l d", ["db", "db1"]),
        (
            "hostpool run web --becom",
            ["--become", "--become-user", "--become-method", "--become-password-file"],
        ),
        ("hostpool run --host-keys a", ["accept-new"]),
        ("hostpool run -o js", ["jsonl", "json"]),
        ("hostpool inventory show d", ["db", "db1"]),
        ("hostpool run web d", []),
        ("hostpool run -i absent.ini w", []),
    ],
)
def test_bash(call: Hostpool, monkeypatch: pytest.MonkeyPatch, line: str, expected: list[str]) -> None:
    assert ask(call, monkeypatch, "bash", line) == expected


def test_zsh_and_fish(call: Hostpool, monkeypatch: pytest.MonkeyPatch) -> None:
    assert '"web1":"host"' in "".join(ask(call, monkeypatch, "zsh", "hostpool run we"))
    assert ask(call, monkeypatch, "fish", "hostpool run d") == ["db", "group", "db1", "host"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts(call: Hostpool, monkeypatch: pytest.MonkeyPatch, shell: str) -> None:
    monkeypatch.setenv("_HOSTPOOL_COMPLETE", f"source_{shell}")
    script = call().out
    assert "_HOSTPOOL_COMPLETE" in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True, timeout=10)


def test_a_real_bash_completes(hostpool: Hostpool, environment: dict[str, str], workdir: Path) -> None:
    import sys

    program = workdir / "hostpool"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m hostpool "$@"\n')
    program.chmod(0o755)
    script = hostpool(_HOSTPOOL_COMPLETE="source_bash").out
    asked = f"""
PATH={workdir}:$PATH
{script}
COMP_WORDS=(hostpool run web : '&' d)
COMP_CWORD=5
_hostpool_completion hostpool
printf '%s\\n' "${{COMPREPLY[@]}}"
COMP_WORDS=(hostpool pi)
COMP_CWORD=1
_hostpool_completion hostpool
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(
        ["bash", "--norc", "-c", asked], env=environment, capture_output=True, text=True, timeout=100
    )
    assert done.stdout.split()[-1] == "ping", done.stderr
