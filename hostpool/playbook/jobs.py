"""Jobs that tasks with ``async`` left running on hosts, for the tasks that ask after them."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec

from hostpool.playbook.results import Result
from hostpool.tasks.modules.job import Call, steps_of


class Started(msgspec.Struct, frozen=True):
    """``replies``: what its module was told before; ``result``: there was no need for a job."""

    call: Call
    replies: list[Any]
    result: Result | None


class Jobs:
    def __init__(self) -> None:
        self._started: dict[str, Started] = {}

    def take(self, result: Result, call: Call) -> None:
        """Keeps what ``async_status`` will need, which is nobody else's business."""
        replies, known = result.pop("_replies", None), result.pop("_result", None)
        if call.limit and (replies is not None or known is not None):
            self._started[str(result["ansible_job_id"])] = Started(call, replies or [], known)

    def asking(self, call: Call) -> Call:
        """A call of ``async_status``, told about its job."""
        found = self._started.get(str(call.args.get("jid")))
        if found is None:
            return call
        about = {"_again": partial(steps_of, found.call), "_replies": found.replies, "_result": found.result}
        return msgspec.structs.replace(call, args={**call.args, **about})
