"""async_status: what became of a job that a task with async started is known.

Parameters:
    jid: ansible_job_id of that task's result
    mode: status asks after it; cleanup removes what is kept of it on the host
Returns: ``ansible_job_id``, ``started``, ``finished``, ``results_file``, ``erased``; once it has finished
    all that the task's module returns
Needs: sh; setsid, so that a job whose time is over ends with all it started.
Differs: of a job that another run started, ``rc``, ``stdout`` and ``stderr`` of its program are all that is
    known.
Source: ansible.builtin.async_status of ansible-core 2.19.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hostpool.tasks.modules.base import Mode, Module, Result, Steps, text
from hostpool.tasks.modules.detached import checked_jid, cleaned, failure, resumed, status
from hostpool.tasks.modules.spec import Param, Spec


def async_status(args: Mapping[str, Any], mode: Mode) -> Steps:
    """``_again`` makes the steps of the job's module anew, ``_replies`` is what they were told, ``_result``
    the result, where there was no need for a job."""
    jid = args["jid"]
    told: Result = {"changed": False, "ansible_job_id": jid, "stdout": "", "stderr": ""}
    if args["mode"] == "cleanup":
        erased = "" if args["_result"] is not None else (yield from cleaned(checked_jid(jid)))
        return {**told, "started": False, "finished": False, "erased": erased}
    told["started"] = True
    if args["_result"] is not None:
        return {**told, "results_file": "", **args["_result"], "finished": True}
    found = yield from status(checked_jid(jid))
    told["results_file"] = found.results_file
    if found.word == "running":
        return {**told, "finished": False}
    if found.word != "finished":
        raise failure(found, jid)
    if args["_again"] is None:
        code = found.reply.exit_code
        return {
            **told, "finished": True, "changed": True, "rc": code, "failed": code != 0,
            "stdout": text(found.reply.stdout), "stderr": text(found.reply.stderr),
        }  # fmt: skip
    result: Result = yield from resumed(args["_again"](), args["_replies"], found.reply)
    return {**told, **result, "finished": True}


MODULES = {
    "async_status": Module(
        Spec(
            "async_status",
            {
                "jid": Param(required=True),
                "mode": Param(default="status", choices=("status", "cleanup")),
                "_again": Param("raw"),
                "_replies": Param("raw", ()),
                "_result": Param("raw"),
            },
        ),
        async_status,
    )
}
