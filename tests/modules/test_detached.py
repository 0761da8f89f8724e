"""Changes that run on the host by themselves: on this machine's sh, with a home of their own."""

from __future__ import annotations

import pickle
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hostpool.tasks.base import Effect, Moment, Run, RunReply, Sleep
from hostpool.tasks.modules.detached import SEVERAL
from hostpool.tasks.modules.job import Call, perform, steps_of
from tests.farm import alive, wait_until
from tests.modules.cases import cases, run_case
from tests.patience import AMPLE

Perform = Callable[[Call], dict[str, Any]]


@pytest.fixture
def does(tmp_path: Path) -> Perform:
    """Performs calls by this machine's sh."""

    def perform_here(call: Call) -> dict[str, Any]:
        steps = perform(call)
        reply: Any = None
        try:
            while True:
                request = steps.send(reply)
                if isinstance(request, Moment):
                    reply = time.monotonic()
                elif isinstance(request, Sleep):
                    time.sleep(min(0.05, request.seconds))
                    reply = None
                else:
                    reply = _run(request, tmp_path)
        except StopIteration as end:
            result: dict[str, Any] = end.value
            return result

    return perform_here


def _run(request: Any, home: Path) -> RunReply:
    assert isinstance(request, Run)
    assert request.program is not None
    assert isinstance(request.stdin, bytes)
    done = subprocess.run(
        ["/bin/sh", "-c", request.program, "sh", *request.args],
        input=request.stdin, capture_output=True, check=False, cwd=home,
        env={"HOME": str(home), "PATH": "/usr/bin:/bin", **dict(request.env)},
    )  # fmt: skip
    return RunReply(done.returncode, stdout=done.stdout, stderr=done.stderr)


def shell(line: str, limit: int = 60, poll: float = 0.0, **more: Any) -> Call:
    return Call("shell", {"_raw": line, **more}, limit=limit, poll=poll)


def finished(does: Perform, call: Call, started: dict[str, Any]) -> dict[str, Any]:
    about = {"_again": pickle.loads(pickle.dumps(partial(steps_of, call))), "_replies": started["_replies"]}
    asking = Call("async_status", {"jid": started["ansible_job_id"], **about})
    while True:
        result = does(asking)
        if result["finished"]:
            return result
        time.sleep(0.05)


def test_started_asked_after_and_taken_away(does: Perform, tmp_path: Path) -> None:
    call = shell("cat; echo hm >&2; umask; exit 3", stdin="it's $HOME\n", chdir=str(tmp_path))
    started = does(call)
    assert (started["started"], started["finished"]) == (True, False)
    place = Path(started["results_file"])
    assert place.parent == tmp_path / ".hostpool_async"
    assert place.parent.stat().st_mode & 0o777 == 0o700
    result = finished(does, call, started)
    assert (result["rc"], result["stdout"], result["stderr"]) == (3, "it's $HOME\n\n0022", "hm")
    assert result["failed"]
    assert sorted(path.name for path in place.iterdir()) == ["err", "out", "pid", "rc"]
    erased = does(Call("async_status", {"jid": started["ansible_job_id"], "mode": "cleanup"}))
    assert erased["erased"] == str(place)
    assert not place.exists()


def test_waited_for(does: Perform, tmp_path: Path) -> None:
    result = does(shell("echo done", poll=1))
    assert (result["rc"], result["stdout"], result["finished"]) == (0, "done", True)
    assert list((tmp_path / ".hostpool_async").iterdir()) == [], "nothing is left of what was waited for"


def test_ended_with_all_it_started_when_its_time_is_over(does: Perform, tmp_path: Path) -> None:
    mark = tmp_path / "pids"
    result = does(shell(f"echo $$ >> {mark}; sh -c 'echo $$ >> {mark}; sleep 600; :' ; :", limit=1, poll=1))
    assert result["failed"]
    assert result["msg"] == "async task did not complete within the requested time - 1s"
    for pid in mark.read_text().split():
        until_gone(int(pid))


def until_gone(pid: int) -> None:
    wait_until(lambda: not alive(pid), seconds=AMPLE, what=f"end of {pid}")


def test_no_change_needs_no_job(does: Perform, tmp_path: Path) -> None:
    call = shell("echo no", creates="/bin/sh")
    started = does(Call(call.module, call.args, check=True, limit=60))
    assert started["finished"]
    assert "_result" in started
    answer = does(Call("async_status", {"jid": started["ansible_job_id"], "_result": started["_result"]}))
    assert answer["finished"]
    assert not answer["changed"]
    assert not (tmp_path / ".hostpool_async").exists()


def test_modules_that_change_by_several_requests_are_known() -> None:
    """With poll: 0 only the first would be sent."""
    for name, case in cases():
        requests, _ = run_case(case)
        changes = [request for request in requests if request[0] == Effect.CHANGE.value]
        assert len(changes) < 2 or case["module"] in SEVERAL | {"copy", "template"}, name
