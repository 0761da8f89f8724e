"""Hostile arguments and hosts, for all modules: no value ever becomes part of a program, no secret stands
where others can read it, and whatever comes in, a result comes out."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from hostpool.tasks.base import Moment, Run, RunReply, Sleep
from hostpool.tasks.modules.job import MARK, Call, perform
from hostpool.tasks.modules.registry import HOST, module
from hostpool.tasks.modules.spec import Param, Spec
from hostpool.tasks.modules.writing import Content
from hostpool.tasks.shell import invocation
from tests.modules.cases import cases, info

MODULES = sorted(HOST)
TOKEN, SECRET = "hpzq", "hpsecret"
"""What no honest program contains: in every hostile word, and in every secret."""
THEIR_OWN = frozenset(["command", "shell", "script", "raw"])
"""Their argument is a program; test_cases.py proves that its words arrive as they are."""
MOST = 60
"""Requests after which a module that is told nonsense may go on asking without our listening."""

ugly = st.text(st.sampled_from("ab '\"$`\\\n;&|<>(){}[]*?~!#-=:,/.%@é\t\x7f\u2028\U0001f600"), max_size=10)
forms = st.sampled_from(
    ["$(id){}", "`id`{}", "'; id; '{}", '"; id; "{}', "-{}", "--{}", "\n{}\n", "{}\nEOF\nid\n", "../{}",
     "{} = x", "/{}", "~/{}", "${{HOME}}{}", "%s{}", "http://[{}", "file:///{}", "@{}", "{}=",
     "{}>=1", "^{}(", "${}"]
)  # fmt: skip
hostile = st.one_of(
    st.tuples(forms, ugly).map(lambda pair: pair[0].format(TOKEN) + pair[1]),
    ugly.map(lambda text: TOKEN + text),
)


def value(param: Param) -> st.SearchStrategy[Any]:
    """Anything that a playbook may hand over for it."""
    if param.secret:
        return ugly.map(lambda text: SECRET + text)
    if param.choices:
        return st.sampled_from(param.choices)
    if param.kind == "bool":
        return st.booleans()
    if param.kind in ("int", "float"):
        return st.integers(-1, 3)
    if param.kind == "mode":
        return st.sampled_from(["0644", "u+x", "preserve", "7777"])
    if param.kind == "list":
        return st.one_of(st.lists(hostile, max_size=3), hostile)
    if param.kind == "dict":
        return st.dictionaries(hostile, hostile, max_size=2)
    if param.kind == "raw":
        return st.one_of(
            hostile, st.lists(hostile, max_size=2), st.dictionaries(hostile, hostile, max_size=2)
        )
    return hostile


@cache
def arguments(name: str) -> st.SearchStrategy[dict[str, Any]]:
    spec: Spec = module(name).spec
    own = {name: param for name, param in spec.params.items() if not name.startswith("_")}
    needed = {name: value(param) for name, param in own.items() if param.required}
    may = {name: value(param) for name, param in own.items() if not param.required}
    made = st.fixed_dictionaries(needed, optional=may)
    inner = {"_content": Content.of(b"x"), "_data": b"#!/bin/sh\n", "_place": "/tmp/fetched", "_host": "h"}
    given_ = {name: data for name, data in inner.items() if name in spec.params}
    if spec.free_form is not None:
        return st.tuples(made, hostile).map(lambda pair: {**pair[0], spec.free_form: pair[1], **given_})
    return made.map(lambda args: {**args, **given_})


@cache
def seen_replies(name: str) -> list[RunReply]:
    """What real hosts answer, from the module's cases."""
    found = []
    for _, case in cases():
        if case["module"] == name:
            for reply in case.get("replies", ()):
                parts = [f"{reply['name']}\n\x01end\n"] if "name" in reply else []
                parts += [info(each) for each in reply.get("info", ())]
                parts.append(str(reply.get("stdout", "")))
                found.append(RunReply(reply.get("exit", 0), stdout="".join(parts).encode()))
    return found


@cache
def replies(name: str) -> st.SearchStrategy[RunReply]:
    """Plausible, empty, cut off, or rubbish; well or failed."""
    garbage = st.binary(max_size=40).map(lambda data: RunReply(0, stdout=data))
    lies = hostile.map(lambda text: RunReply(0, stdout=text.encode() + b"\n\x01end\n" + text.encode()))
    failed = hostile.map(lambda text: RunReply(2, stderr=text.encode()))
    killed = st.just(RunReply(None, signal="KILL"))
    known = seen_replies(name)
    if not known:
        return st.one_of(garbage, lies, failed, killed)
    plausible = st.sampled_from(known)
    cut = st.tuples(plausible, st.integers(0, 200)).map(
        lambda pair: RunReply(0, stdout=pair[0].stdout[: pair[1]])
    )
    return st.one_of(plausible, plausible, plausible, cut, garbage, lies, failed, killed)


def drive(call: Call, answers: list[RunReply]) -> tuple[list[Run], dict[str, Any] | None]:
    """The requests that were made, and the result (None: it would have asked on)."""
    steps = perform(call)
    made: list[Run] = []
    try:
        request = next(steps)
        for number in range(MOST):
            reply: Any = None
            if isinstance(request, Run):
                made.append(request)
                answer = answers[number % len(answers)]
                marked = RunReply(
                    answer.exit_code, answer.signal, b"login\n" + MARK + answer.stdout, answer.stderr
                )
                if request.into is not None:
                    request.into.feed(marked.stdout)
                reply = marked
            elif isinstance(request, Moment):
                reply = float(number * 1000)
            elif not isinstance(request, Sleep):
                break  # files carried by the workers, or a new login: nothing of a program in it
            request = steps.send(reply)
    except StopIteration as end:
        result: dict[str, Any] = end.value
        return made, result
    steps.close()
    return made, None


def check(request: Run, name: str) -> None:
    program = request.program or ""
    if name not in THEIR_OWN:
        assert request.command == ""
        assert TOKEN not in program, f"{name}: an argument stands in the program:\n{program}"
    seen = (program, request.command, *request.args, *(text for pair in request.env for text in pair))
    assert not any(SECRET in text for text in seen), f"{name}: a secret stands where others can read it"
    invocation(request, shell=True)  # it can be sent: no NUL, no impossible name


@pytest.mark.parametrize("name", MODULES)
@given(st.data())
@settings(
    max_examples=25, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)  # fmt: skip
def test_whatever_comes_in(name: str, data: st.DataObject) -> None:
    args = data.draw(arguments(name), label="arguments")
    answers = data.draw(st.lists(replies(name), min_size=1, max_size=4), label="replies")
    requests, result = drive(Call(name, args, diff=data.draw(st.booleans())), answers)
    for request in requests:
        check(request, name)
    if result is not None:
        assert isinstance(result["changed"], bool)


CASES = [(label, case) for label, case in cases() if case["module"] not in THEIR_OWN]


@pytest.mark.parametrize("name", sorted({case["module"] for _, case in CASES}))
def test_cases_with_hostile_values(name: str) -> None:
    """The module's own cases, every text in their arguments made hostile: they get as far as honest ones."""
    for _, case in CASES:
        if case["module"] != name:
            continue
        spec = module(name).spec
        args = {
            key: _spoilt(spec.params.get(spec.canonical(key) or key), each)
            for key, each in case.get("args", {}).items()
        }
        if "content" in case:
            args |= {"_content": Content.of(case["content"].encode()), "src": args.get("src", "")}
        answers = seen_replies(name) or [RunReply(0)]
        for request in drive(Call(name, args), answers)[0]:
            check(request, name)


def _spoilt(param: Param | None, given_: Any) -> Any:
    if param is not None and (param.choices or param.kind in ("bool", "int", "float", "mode")):
        return given_
    if param is not None and param.secret:
        return f"{SECRET}$(id)'"
    if isinstance(given_, str):
        return f"{given_}{TOKEN}'\"$(id)`id`\\"
    if isinstance(given_, list):
        return [_spoilt(None, each) for each in given_]
    return given_


@pytest.mark.parametrize("name", MODULES)
def test_a_nul_is_refused_before_anything_is_sent(name: str) -> None:
    spec = module(name).spec
    for own, param in spec.params.items():
        if own.startswith("_") or param.choices or param.kind not in ("str", "path", "list"):
            continue
        for bad in ("a\0b", ["x", "a\0b"]) if param.kind == "list" else ("a\0b",):
            others = {
                each: other.choices[0] if other.choices else "1"
                for each, other in spec.params.items()
                if other.required and each != own
            }
            requests, result = drive(Call(name, {**others, own: bad}), [RunReply(0)])
            assert requests == [], f"{name}: {own}"
            assert result is not None
            assert result["failed"], f"{name}: {own}"
            assert "NUL" in result["msg"], f"{name}: {own}: {result['msg']}"
