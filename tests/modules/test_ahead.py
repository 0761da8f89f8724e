"""Loops that ask a host about many items at once end as if each item had been asked alone."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostpool.errors import Lost
from hostpool.tasks.base import Effect, Request, Run, RunReply
from hostpool.tasks.modules.ahead import MOST, in_turn
from hostpool.tasks.modules.base import query
from hostpool.tasks.modules.job import Call, ModuleTask, perform
from hostpool.tasks.modules.together import fitting
from hostpool.tasks.shell import program_of

Answers = Callable[[Run, RunReply, bytes], tuple[RunReply, bytes]]


def as_it_is(request: Run, reply: RunReply, output: bytes) -> tuple[RunReply, bytes]:
    return reply, output


class Host:
    """This machine's sh. ``effects`` of what it was asked, in order."""

    def __init__(self, answers: Answers = as_it_is) -> None:
        self.effects: list[str] = []
        self._answers = answers

    def run(self, task: ModuleTask) -> list[dict[str, Any]]:
        steps = task.steps()
        reply: Any = None
        try:
            while True:
                reply = self._do(steps.send(reply))
        except StopIteration as end:
            results: list[dict[str, Any]] = end.value.result["results"]
            return results

    def _do(self, request: Request[Any]) -> Any:
        assert isinstance(request, Run)
        assert isinstance(request.stdin, bytes)
        self.effects.append(request.effect.value)
        words = ["/bin/sh", "-c", program_of(request)]
        done = subprocess.run(words, input=request.stdin, capture_output=True, check=False)
        reply = RunReply(done.returncode, None, b"", done.stderr, len(done.stdout), len(done.stderr))
        reply, output = self._answers(request, reply, done.stdout)
        if request.into is not None:
            request.into.feed(output)
            return reply
        return RunReply(reply.exit_code, None, output, reply.stderr, len(output), len(reply.stderr))


def alone(calls: list[Call]) -> list[dict[str, Any]]:
    return [result for call in calls for result in Host().run(ModuleTask("t", (call,)))]


def tree(top: Path) -> list[tuple[str, int, str]]:
    found = []
    for path in sorted(top.rglob("*")):
        info = path.lstat()
        found.append((str(path.relative_to(top)), info.st_mode, path.read_text() if path.is_file() else ""))
    return found


def files(top: Path, count: int) -> tuple[Call, ...]:
    return tuple(Call("file", {"path": f"{top}/{n:03}", "state": "directory"}) for n in range(count))


CHANGES = st.one_of(
    st.builds(
        lambda name, state, mode: ("file", {"path": name, "state": state, "mode": mode}),
        st.sampled_from("abc"),
        st.sampled_from(("directory", "absent", "file", "directory")),
        st.sampled_from(("0755", "0700", "u=rwx,go=")),
    ),
    st.builds(
        lambda name, line: ("lineinfile", {"path": name, "line": line, "create": True}),
        st.sampled_from("abc"),
        st.sampled_from(("one", "two")),
    ),
    st.builds(lambda name: ("stat", {"path": name, "get_mime": False, "get_attributes": False}),
              st.sampled_from("abc")),
    st.builds(lambda name: ("command", {"argv": ["mkdir", name]}), st.sampled_from("abc")),
)  # fmt: skip


@given(st.lists(CHANGES, min_size=2, max_size=8), st.booleans(), st.sampled_from((1, 2, MOST)))
@settings(max_examples=60, deadline=None)
def test_together_is_as_one_by_one(items: list[tuple[str, dict[str, Any]]], check: bool, first: int) -> None:
    def calls(top: Path) -> list[Call]:
        found = []
        for name, args in items:
            where: dict[str, Any] = {key: f"{top}/{args[key]}" for key in ("path",) if key in args}
            if "argv" in args:
                where = {"argv": ["mkdir", f"{top}/{args['argv'][1]}"]}
            found.append(Call(name, {**args, **where}, check=check))
        return found

    def told(results: list[dict[str, Any]], top: Path) -> list[str]:
        timed = ("start", "end", "delta", "stat")
        kept = []
        for result in results:
            exists = result.get("stat", {}).get("exists")
            kept.append({key: value for key, value in result.items() if key not in timed} | {"is": exists})
        return [str(each).replace(str(top), "") for each in kept]

    outcomes = []
    for together in (False, True):
        top = Path(tempfile.mkdtemp())
        try:
            (top / "a").mkdir()
            (top / "b").write_text("one\n")
            if together:
                task = _Together("t", tuple(calls(top)))
                task.first = first
                results = Host().run(task)  # type: ignore[arg-type]  # as much of one as is asked for
            else:
                results = alone(calls(top))
            outcomes.append((told(results, top), tree(top)))
        finally:
            shutil.rmtree(top)
    assert outcomes[0] == outcomes[1]


class _Together:
    first = MOST

    def __init__(self, name: str, calls: tuple[Call, ...]) -> None:
        self._calls = calls

    def steps(self) -> Any:
        results = yield from in_turn([partial(perform, call) for call in self._calls], self.first)
        return type("Ended", (), {"result": {"results": results}})


def test_items_that_change_nothing_take_one_question(tmp_path: Path) -> None:
    calls = files(tmp_path, 30)
    first, second = Host(), Host()
    assert [each["changed"] for each in first.run(ModuleTask("t", calls))] == [True] * 30
    assert first.effects.count("change") == 30
    assert [each["changed"] for each in second.run(ModuleTask("t", calls))] == [False] * 30
    assert second.effects == ["query"]


def test_each_item_sees_what_those_before_it_left(tmp_path: Path) -> None:
    path = f"{tmp_path}/x"
    states = ("directory", "directory", "absent", "absent", "directory")
    calls = tuple(Call("file", {"path": path, "state": state}) for state in states)
    results = Host().run(ModuleTask("t", calls))
    assert [each["changed"] for each in results] == [True, False, True, False, True]


def test_what_asks_at_length_asks_in_vain_no_oftener_than_alone(tmp_path: Path) -> None:
    for number in range(6):
        (tmp_path / f"{number}").write_text("old\n")
    calls = tuple(Call("copy", {"content": "new\n", "dest": f"{tmp_path}/{n}"}) for n in range(6))
    host, one_by_one = Host(), Host()
    host.run(ModuleTask("t", calls))
    for number in range(6):
        (tmp_path / f"{number}").write_text("old\n")
        one_by_one.run(ModuleTask("t", calls[number : number + 1]))
    assert host.effects == one_by_one.effects


@pytest.mark.parametrize("kept", [0, 1, 40, 300, 900])
def test_answers_that_break_off_are_asked_for_again(tmp_path: Path, kept: int) -> None:
    calls = files(tmp_path, 5)
    Host().run(ModuleTask("t", calls))
    broken: list[Run] = []

    def answers(request: Run, reply: RunReply, output: bytes) -> tuple[RunReply, bytes]:
        if broken:
            return reply, output
        broken.append(request)
        return reply, output[:kept]

    results = Host(answers).run(ModuleTask("t", calls))
    assert [(each["changed"], each.get("failed", False)) for each in results] == [(False, False)] * 5


def test_more_than_is_asked_for_is_not_kept(tmp_path: Path) -> None:
    calls = files(tmp_path, 3)
    Host().run(ModuleTask("t", calls))
    asked: list[Run] = []

    def answers(request: Run, reply: RunReply, output: bytes) -> tuple[RunReply, bytes]:
        asked.append(request)
        return reply, output + b"x" * (2 << 20) if len(asked) == 1 else output

    steps = ModuleTask("t", calls).steps()
    request: Any = next(steps)
    while True:
        words = ["/bin/sh", "-c", program_of(request)]
        done = subprocess.run(words, capture_output=True, check=False)
        reply = RunReply(done.returncode, None, b"", done.stderr)
        reply, output = answers(request, reply, done.stdout)
        try:
            if request.into is not None:
                try:
                    request.into.feed(output)
                except Exception as error:
                    request = steps.throw(error)
                    continue
            else:
                reply = RunReply(reply.exit_code, None, output, reply.stderr)
            request = steps.send(reply)
        except StopIteration as end:
            assert [each["changed"] for each in end.value.result["results"]] == [False] * 3
            break
    assert len(asked) == 4


def test_a_connection_that_breaks_ends_the_task(tmp_path: Path) -> None:
    steps = ModuleTask("t", files(tmp_path, 5)).steps()
    assert next(steps).effect is Effect.QUERY
    with pytest.raises(Lost):
        steps.throw(Lost("gone", kind="connection_lost"))


def test_an_item_that_cannot_begin_fails_in_its_turn_alone(tmp_path: Path) -> None:
    good = files(tmp_path, 2)
    bad = Call("file", {"path": f"{tmp_path}/bad", "state": "directory", "mode": "no mode"})
    results = Host().run(ModuleTask("t", (good[0], bad, good[1])))
    assert [each.get("failed", False) for each in results] == [False, True, False]
    assert results[2]["changed"] and (tmp_path / "001").is_dir()


def test_one_program_has_an_end() -> None:
    by_words = [query("true", str(number), "x" * 30_000) for number in range(9)]
    by_names = [query("true", str(number)) for number in range(9)]
    by_names = [msgspec.structs.replace(each, env=(("A", "x" * 30_000),)) for each in by_names]
    assert (len(fitting(by_words)), len(fitting(by_names))) == (2, 2)
    assert len(fitting([query("true", "x" * 100_000), *by_words])) == 1
