"""Every module's data-file cases; and no argument ever becomes part of a program."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostpool.tasks.base import Run
from hostpool.tasks.modules import backups
from hostpool.tasks.modules.base import Mode
from hostpool.tasks.modules.job import MARK, Call, perform
from hostpool.tasks.modules.modes import applied
from hostpool.tasks.modules.registry import HOST, module
from hostpool.tasks.modules.spec import bind
from hostpool.tasks.shell import one_line, program_of
from tests.modules.cases import cases, run_case

_CASES = cases()


@pytest.mark.parametrize("case", [case for _, case in _CASES], ids=[name for name, _ in _CASES])
def test_case(case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backups, "_now", lambda: "2026-01-02@03:04:05")
    requests, result = run_case(case)
    wanted = case.get("requests")
    if wanted is not None:
        assert [request[: len(each)] for request, each in zip(requests, wanted, strict=True)] == wanted
    for key, value in case.get("result", {}).items():
        assert result.get(key) == value, (key, result)


def test_every_module_has_cases() -> None:
    assert {case["module"] for _, case in _CASES} >= set(HOST) - {"gather_facts"}


hostile = st.text(st.sampled_from("ab '\"$`\\\n;&|<>(){}*?~!#-=é\t%"), min_size=1, max_size=12).filter(
    lambda text: text not in (".", "..")
)


@given(st.lists(hostile, min_size=1, max_size=3))
@settings(max_examples=60, deadline=None)
def test_words_of_a_command_arrive_as_they_are(words: list[str]) -> None:
    call = Call("command", {"argv": ["printf", "%s\\n", *words], "expand_argument_vars": False})
    steps = perform(call)
    request = next(steps)
    assert isinstance(request, Run)
    assert request.program is not None
    done = subprocess.run(
        ["/bin/sh", "-c", request.program, "sh", *request.args], capture_output=True, check=True
    )
    assert done.stdout.partition(MARK)[2] == "".join(f"{word}\n" for word in words).encode()


def test_a_command_without_conditions_is_all_that_a_host_reads() -> None:
    """One short line: sh takes it byte by byte, and several lines cost a fork of it besides."""
    request = next(perform(Call("command", {"_raw": "uname -n"})))
    assert isinstance(request, Run)
    program = program_of(request)
    assert one_line(program) == program
    assert len(program) < 64


@given(hostile)
@settings(max_examples=40, deadline=None)
def test_a_path_is_never_a_program(name: str) -> None:
    found = module("stat")
    steps = found.run(bind(found.spec, {"path": f"/nowhere/{name}"}), Mode())
    request = next(steps)
    assert isinstance(request, Run)
    assert request.program is not None
    assert request.args[0] == f"/nowhere/{name}"
    done = subprocess.run(
        ["/bin/sh", "-c", request.program, "sh", *request.args], capture_output=True, check=True
    )
    assert done.stdout.startswith(b"absent|")


@pytest.mark.parametrize(
    ("mode", "current", "directory", "result"),
    [
        ("0644", 0, False, 0o644), ("u=rwX,g=rX,o=", 0o644, False, 0o640),
        ("u=rwX,g=rX,o=", 0o600, True, 0o750),
        ("g+w", 0o644, False, 0o664), ("a-x", 0o755, False, 0o644), ("o=g", 0o640, False, 0o644),
        ("+x", 0o600, False, 0o711), ("u+s", 0o755, False, 0o4755), ("o+t", 0o777, True, 0o1777),
        ("u=rw,go=", 0o777, False, 0o600),
    ],
)  # fmt: skip
def test_symbolic_modes(mode: str, current: int, directory: bool, result: int) -> None:
    assert oct(applied(mode, current, directory)) == oct(result)


@given(st.text("ugoa+-=rwxX,", max_size=8), st.integers(0, 0o7777))
@settings(max_examples=80, deadline=None)
def test_modes_as_chmod_has_them(mode: str, current: int) -> None:
    """Against the real chmod, for words that name who."""
    import re
    import tempfile
    from pathlib import Path

    if not re.fullmatch(r"[ugoa]+[-+=][rwxX]*(,[ugoa]+[-+=][rwxX]*)*", mode):
        return
    current &= 0o777
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).chmod(current)
        subprocess.run(["chmod", mode, file.name], check=True)
        assert oct(Path(file.name).stat().st_mode & 0o7777) == oct(applied(mode, current, False))
