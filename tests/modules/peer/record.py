"""A callback plugin for the other tool: every result of every task as one line of JSON."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase  # type: ignore[import-not-found]  # it runs in their interpreter

DOCUMENTATION = """
name: record
type: aggregate
short_description: each result as a line of JSON in the file of RECORD
description: for tests
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]  # the same
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "record"

    def _record(self, status: str, result: Any) -> None:
        line = {"task": result._task.get_name(), "status": status, "result": result._result}
        with open(os.environ["RECORD"], "a") as file:
            file.write(json.dumps(line, default=str) + "\n")

    def v2_runner_on_ok(self, result: Any) -> None:
        self._record("changed" if result._result.get("changed") else "ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._record("failed", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._record("skipped", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._record("unreachable", result)
