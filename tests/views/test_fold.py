"""Hosts that ended alike are one entry; memory and time stay flat."""

from __future__ import annotations

import time
import tracemalloc
from contextlib import closing
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hostpool.errors import ErrorInfo
from hostpool.results import HostResult
from hostpool.views.fold import Folder, names
from hostpool.views.reasons import generalised, particular
from tests.views.support import finished


def folded(*results: HostResult, order: tuple[str, ...] = ()) -> list[list[str]]:
    with closing(Folder()) as folder:
        folder.expect(order)
        for result in results:
            folder.add(result)
        return [group.names() for group in folder.groups()]


def test_equal_results_fold() -> None:
    assert names([f"web{n}" for n in (*range(1, 41), 42)]) == "web[1-40,42] (41)"
    assert names(["web7"]) == "web7"
    assert folded(finished("a", stdout="x"), finished("b", stdout="y"), finished("c", stdout="x")) == [
        ["a", "c"],
        ["b"],
    ]


def test_everything_that_a_person_would_tell_apart_keeps_hosts_apart() -> None:
    error = ErrorInfo("unreachable", "refused")
    different: list[dict[str, Any]] = [
        {"stdout": "x"},
        {"stderr": "x"},
        {"status": "changed"},
        {"status": "failed", "exit_code": 1},
        {"status": "failed", "exit_code": 2},
        {"status": "failed", "signal": "KILL"},
        {"status": "unreachable", "error": error},
        {"status": "unreachable", "error": ErrorInfo("unreachable", "no route")},
        {"status": "unreachable", "error": ErrorInfo("unreachable", "refused", hint="try again")},
        {"status": "skipped"},
        {"status": "skipped", "would_run": True},
        {"result": {"a": 1}},
    ]
    results = [finished(f"h{n}", **fields) for n, fields in enumerate(different)]
    assert len(folded(*results)) == len(different)


def test_groups_and_their_hosts_stand_in_inventory_order() -> None:
    order = ("c", "b", "a", "d")
    results = [finished("d", stdout="x"), finished("a"), finished("b", stdout="x"), finished("c")]
    assert folded(*results, order=order) == [["c", "a"], ["b", "d"]]


def test_a_hosts_own_name_in_its_error_does_not_keep_it_apart() -> None:
    folder = Folder()
    for host in ("web1", "web2", "web3"):
        hint = f"hostpool keys accept {host}"
        folder.add(
            finished(host, status="unreachable", error=ErrorInfo("host_key", f"unknown key of {host}", hint))
        )
    folder.add(finished("web", status="unreachable", error=ErrorInfo("host_key", "webserver down", None)))
    first, second = folder.groups()
    folder.close()
    assert first.error() == ErrorInfo("host_key", "unknown key of web[1-3]", "hostpool keys accept web[1-3]")
    assert second.error() == ErrorInfo("host_key", "webserver down", None)


def test_nor_does_its_address() -> None:
    with closing(Folder()) as folder:
        for n, host in enumerate(("db", "web", "mail"), 7):
            error = ErrorInfo("refused", f"10.0.0.{n}:22 refused (via gate:2222)", f"try ssh -v {host}")
            folder.add(finished(host, status="unreachable", error=error))
        folder.add(finished("v6", status="unreachable", error=ErrorInfo("refused", "[::1]:22 refused", None)))
        folder.add(finished("v7", status="unreachable", error=ErrorInfo("refused", "[::2]:22 refused", None)))
        first, second = folder.groups()
    assert first.error() == ErrorInfo(
        "refused", "10.0.0.[7-9]:22 refused (via gate:2222)", "try ssh -v db,mail,web"
    )
    assert second.error() == ErrorInfo("refused", "[::1]:22 and 1 more refused", None)


@given(st.text(max_size=30), st.text(max_size=30), st.sampled_from(["web1", "10.0.0.1", "a.b", ""]))
def test_a_reason_of_one_host_is_told_as_it_is(message: str, hint: str, host: str) -> None:
    error = ErrorInfo(
        "x", f"{message} {host} [::1]:22,{host}:22 {message}".replace("\0", "").replace("\1", ""), hint
    )
    general, places = generalised(error, host)
    assert general is not None
    told = particular(general, [host], [places])
    assert (told.message, told.hint) == (error.message, hint.replace("\0", "").replace("\1", ""))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["", "x", "y"])),
        unique_by=lambda pair: pair[0],
    )
)
def test_every_host_is_in_exactly_one_group(pairs: list[tuple[str, str]]) -> None:
    groups = folded(*(finished(host, stdout=text) for host, text in pairs))
    assert sorted(host for group in groups for host in group) == sorted(host for host, _ in pairs)
    assert len(groups) == len({text for _, text in pairs})


def test_two_thousand_different_outputs_take_little_time_and_memory() -> None:
    filler = "x" * 40_000
    tracemalloc.start()
    began = time.process_time()
    folder = Folder()
    for n in range(2000):
        folder.add(finished(f"web{n}", stdout=f"{n} {filler}"))
    first = next(iter(folder.groups()))
    took = time.process_time() - began
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert folder.text(first.stdout) == f"0 {filler}"
    folder.close()
    assert took < 5
    assert peak < 24 * 1024 * 1024, "80 MB of output must not stay in memory"
