"""``~`` and ``$NAME`` in paths, as a real sh has them."""

from __future__ import annotations

import pwd
import subprocess
from typing import Any

import pytest

from hostpool.tasks.base import Run, RunReply
from hostpool.tasks.modules.expanding import expanded
from hostpool.tasks.modules.spec import Param, Spec

SPEC = Spec("test", {"path": Param("path"), "text": Param(), "_own": Param("path")})
ROOT = pwd.getpwuid(0).pw_dir


def expand(**args: Any) -> tuple[int, dict[str, Any]]:
    """How many round trips it took, and the arguments."""
    steps = expanded(SPEC, args)
    trips = 0
    try:
        request = next(steps)
        while True:
            assert isinstance(request, Run)
            assert request.program is not None
            trips += 1
            words = ["/bin/sh", "-c", request.program, "sh", *request.args]
            environment = {"HOME": "/h/me", "A": "a b", "EMPTY": ""}
            done = subprocess.run(words, capture_output=True, env=environment, check=False)
            request = steps.send(RunReply(exit_code=done.returncode, stdout=done.stdout))
    except StopIteration as end:
        return trips, end.value


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("~", "/h/me"), ("~/x y", "/h/me/x y"), ("~root/x", f"{ROOT}/x"), ("$A/${HOME}", "a b//h/me"),
        ("~nobodyatall/x", "~nobodyatall/x"), ("$UNKNOWN/x$", "$UNKNOWN/x$"), ("$EMPTY/x", "/x"),
        ("~/$A", "/h/me/a b"), ("~/$(id)", "/h/me/$(id)"),
    ],
)  # fmt: skip
def test_paths(path: str, meant: str) -> None:
    assert expand(path=path, text="~/$A", _own="~/$A") == (1, {"path": meant, "text": "~/$A", "_own": "~/$A"})


def test_nothing_to_ask_for() -> None:
    assert expand(path="/x/~", text="~", _own=None) == (0, {"path": "/x/~", "text": "~", "_own": None})
    assert expand(path=None, text=None, _own=None)[0] == 0
