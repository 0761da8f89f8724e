"""A module's cases as data: arguments + replies → requests and the result.

``tests/modules/<name>.yml`` is a list of ``{case, module, args, check, diff, replies, requests,
result}``. A reply is what the host answers to one request: ``info`` lines for what stat would say,
or ``stdout``, ``stderr``, ``exit``; ``sums`` is what stands here (fetch). A request is
``[effect, arguments…]`` as far as it is named;
``result`` the keys that must come out so.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from hostpool.errors import Lost, TaskFailed, Unreachable
from hostpool.tasks.base import Moment, Reconnect, Run, RunReply, Sleep
from hostpool.tasks.local import Digest, Receive, Sums
from hostpool.tasks.modules.job import Call, perform
from hostpool.tasks.modules.writing import Content

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*.yml"))
_DEFAULTS = {
    "kind": "file", "check": "", "may": "rw", "mode": "644", "uid": 0, "gid": 0, "user": "root",
    "group": "root", "size": 3, "links": 1, "more": "", "target": "",
}  # fmt: skip


@cache
def cases() -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{path.stem}: {case['case']}", {"module": path.stem, **case})
        for path in FILES
        for case in yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)
    ]


def info(values: dict[str, Any] | None) -> str:
    """What the function hp_info prints for such a file; None: there is nothing."""
    if values is None:
        return "absent||||\n\n\x01end\n".replace("||||", "|||", 1)
    v = {**_DEFAULTS, **values}
    owners = f"{v['uid']}|{v['gid']}|{v['user']}|{v['group']}"
    stat = f"{v['mode']}|{owners}|{v['size']}|1|2|3|9|1|{v['links']}{v['more']}"
    return f"{v['kind']}|{v['check']}|{v['may']}|{stat}\n{v['target']}\n\x01end\n"


_ERRORS = {
    "lost": Lost("the connection broke", kind="connection_lost"),
    "away": Unreachable("connection refused", kind="refused"),
    "local": TaskFailed("this machine itself is not left", kind="local"),
}
"""By ``error`` of a reply, and by ``logins`` of a case for its attempts to log in anew."""


def _reply(given: dict[str, Any]) -> RunReply:
    parts = [f"{given['name']}\n\x01end\n"] if "name" in given else []
    parts += [info(each) for each in given.get("info", [])]
    parts.append(given.get("stdout", ""))
    stdout = b"noise of a login\n\x01hostpool\n" + "".join(parts).encode()
    return RunReply(exit_code=given.get("exit", 0), stdout=stdout, stderr=given.get("stderr", "").encode())


def run_case(case: dict[str, Any]) -> tuple[list[list[Any]], dict[str, Any]]:
    """The requests the module made and its result."""
    args = dict(case.get("args", {}))
    if "content" in case:
        args["_content"] = Content.of(case["content"].encode())
        args.setdefault("src", "")
    if "data" in case:
        args["_data"] = case["data"].encode()
    steps = perform(Call(case["module"], args, check=case.get("check", False), diff=case.get("diff", False)))
    replies = iter(case.get("replies", []))
    logins = iter(case.get("logins", []))
    requests: list[list[Any]] = []
    try:
        request = next(steps)
        while True:
            if isinstance(request, Sleep):
                requests.append(["sleep", request.seconds])
                request = steps.send(None)
                continue
            if isinstance(request, Moment):
                request = steps.send(100.0 + len(requests))
                continue
            if isinstance(request, Reconnect):
                requests.append(["reconnect"])
                error = next(logins, None)
                request = steps.throw(_ERRORS[error]) if error else steps.send(None)
                continue
            if isinstance(request, Sums):
                requests.append(["sums", request.path])
                standing = next(replies)["sums"]
                request = steps.send(Digest(*standing) if standing else None)
                continue
            if isinstance(request, Receive):
                requests.append(["receive", request.directory])
                request = steps.send(None)
                continue
            assert isinstance(request, Run)
            requests.append([request.effect.value, *request.args])
            given = next(replies)
            if "error" in given:
                request = steps.throw(_ERRORS[given["error"]])
                continue
            reply = _reply(given)
            if request.into is not None:
                request.into.feed(reply.stdout)
            request = steps.send(reply)
    except StopIteration as end:
        return requests, end.value
