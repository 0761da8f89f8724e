"""What an operator reads in a pipe, a file, a mail."""

from __future__ import annotations

import pytest

from hostpool.errors import ErrorInfo
from hostpool.events import HostRetry, Output, PlayStarted, TaskFinished, TaskStarted, Warning
from hostpool.secrets import Masker
from hostpool.views import make_view, needs_output
from tests.views.support import START, Pipe, feed, finished, pipes, whole_run

SUMMARY = "3 hosts: 3 ok in 2.3 s (run 3f9a2c)\n"


def shown(events: list[object], **options: object) -> tuple[str, str]:
    settings, out, err = pipes(**options)
    feed(make_view("plain", settings), events)  # type: ignore[arg-type]  # lists are invariant
    return out.text(), err.text()


def run_of(*results: object, between: tuple[object, ...] = ()) -> list[object]:
    return [*whole_run(results, *between)]  # type: ignore[arg-type]  # as above


WEB = [finished(f"web{n}", stdout="14:02 up 3 days\n") for n in (1, 2, 3)]
FAILED = finished(
    "db1",
    status="failed",
    exit_code=2,
    stdout="some\n",
    stderr="ls: no such file\n",
    error=ErrorInfo("exit_status", "the command exited with status 2", "look at it"),
)
GONE = [
    finished(
        f"web{n}", status="unreachable", error=ErrorInfo("unreachable", "connection refused", "is sshd up?")
    )
    for n in (8, 9)
]


def test_one_line_for_equal_one_line_outputs() -> None:
    assert shown(run_of(*WEB)) == ("web[1-3] (3): 14:02 up 3 days\n", SUMMARY)


def test_longer_output_is_indented_below_the_names() -> None:
    out, _ = shown(run_of(*(finished(f"web{n}", stdout="a\n\nb") for n in (1, 2, 3))))
    assert out == "web[1-3] (3)\n  a\n\n  b\n"


def test_hosts_without_output_are_named_too() -> None:
    results = [finished("web1"), finished("web2"), finished("db1", status="changed")]
    assert shown(run_of(*results)) == (
        "",
        "web[1-2] (2) ok\ndb1 changed\n3 hosts: 2 ok, 1 changed in 2.3 s (run 3f9a2c)\n",
    )


def test_failures_come_last_with_reason_and_hint_and_output_goes_to_its_own_stream() -> None:
    out, err = shown(run_of(FAILED, *GONE, *WEB))
    assert out == "web[1-3] (3): 14:02 up 3 days\ndb1 failed, exit code 2\n  some\n"
    assert err == (
        "db1 failed, exit code 2\n"
        "  ls: no such file\n"
        "  hint: look at it\n"
        "web[8-9] (2) unreachable: connection refused\n"
        "  hint: is sshd up?\n"
        "6 hosts: 3 ok, 1 failed, 2 unreachable in 2.3 s (run 3f9a2c)\n"
    )


def test_where_both_streams_end_in_one_place_nothing_is_said_twice() -> None:
    settings, out, _ = pipes()
    settings = type(settings)(stdout=out, stderr=out)
    feed(make_view("plain", settings), whole_run([FAILED]))
    assert out.text() == (
        "db1 failed, exit code 2\n  some\n  ls: no such file\n  hint: look at it\n"
        "1 host: 1 failed in 2.3 s (run 3f9a2c)\n"
    )


def test_quiet_shows_only_what_is_not_ok_or_changed() -> None:
    changed = finished("web7", status="changed", stdout="new\n")
    out, err = shown(run_of(*WEB, changed, *GONE), quiet=True)
    assert out == ""
    assert err.startswith("web[8-9] (2) unreachable: connection refused\n")
    out, _ = shown(run_of(*WEB, changed), quiet=True, show_changed=True)
    assert out == "web7 changed: new\n"


def test_silent_says_nothing_unless_there_is_something_to_say() -> None:
    assert shown(run_of(*WEB), quiet=True, silent=True) == ("", "")
    assert shown(run_of(*GONE), quiet=True, silent=True)[1].endswith("2 unreachable in 2.3 s (run 3f9a2c)\n")


def test_no_prefix_gives_the_raw_output_of_each_host() -> None:
    assert shown(run_of(*WEB), no_prefix=True) == ("14:02 up 3 days\n" * 3, SUMMARY)


def test_no_fold_gives_each_host_its_own_entry() -> None:
    out, _ = shown(run_of(*WEB), fold=False)
    assert out == "".join(f"web{n}: 14:02 up 3 days\n" for n in (1, 2, 3))


def test_a_host_cannot_imitate_us() -> None:
    out, err = shown(run_of(finished("evil", stdout="ok\nweb1 failed, exit code 2\n\x1b[2J\r\x00\n")))
    assert out == "evil\n  ok\n  web1 failed, exit code 2\n  ^[[2J^M^@\n"
    out, err = shown(
        run_of(finished("evil", status="failed", error=ErrorInfo("x", "a\nweb1 ok", "b\nweb1 ok")))
    )
    assert err.startswith("evil failed: a\n  web1 ok\n  hint: b\n  web1 ok\n")


def test_stream_shows_whole_lines_as_they_come_and_the_report_does_not_repeat_them() -> None:
    settings, out, err = pipes(stream=True)
    view = make_view("plain", settings)
    start, *_, end = whole_run([finished("web1", stdout="one\ntwo\nthree")])
    view.handle(start)
    for text in ("on", "e\ntw", "o\nthr"):
        view.handle(Output(ts=START, host="web1", stream="stdout", text=text))
    view.handle(Output(ts=START, host="web1", stream="stderr", text="oops\r\n"))
    assert (out.text(), err.text()) == ("web1: one\nweb1: two\n", "web1: oops\n")
    feed(
        view, [Output(ts=START, host="web1", stream="stdout", text="ee"), finished("web1", stdout="one"), end]
    )
    assert out.text() == "web1: one\nweb1: two\nweb1: three\n"
    assert err.text() == "web1: oops\nweb1 ok\n1 host: 1 ok in 2.3 s (run 3f9a2c)\n"
    assert needs_output("plain", settings)


def test_a_line_without_an_end_fills_no_memory() -> None:
    settings, out, _ = pipes(stream=True, no_prefix=True)
    view = make_view("plain", settings)
    for _ in range(10):
        view.handle(Output(ts=START, host="web1", stream="stdout", text="x" * 50_000))
    assert len(out.getvalue()) >= 500_000 - 64 * 1024
    view.close()
    assert out.text().replace("\n", "") == "x" * 500_000


def test_verbose_tells_of_every_host_as_it_ends() -> None:
    retry = HostRetry(ts=START, host="web1", attempt=1, error="refused", delay=2.0)
    _, err = shown(run_of(*WEB[:1], *GONE[:1], between=(retry,)), verbose=True)
    assert err.startswith(
        "web1 attempt 1 failed: refused; next in 2.0 s\n"
        "web1 ok in 0.5 s\n"
        "web8 unreachable in 0.5 s: connection refused\n"
    )


def test_warnings_are_shown_once_and_folded() -> None:
    general = Warning(ts=START, message="a short secret", hint="use a longer one")
    own = [Warning(ts=START, message="old key type", host=f"web{n}") for n in (1, 2, 3)]
    _, err = shown(run_of(*WEB, between=(general, general, *own)))
    assert err == (
        "warning: a short secret\n  hint: use a longer one\nwarning: web[1-3] (3): old key type\n" + SUMMARY
    )


def test_compare_shows_what_differs_from_the_most_frequent_output() -> None:
    other = finished("web4", stdout="a\nB\n")
    out, _ = shown(run_of(*(finished(f"web{n}", stdout="a\nb\n") for n in (1, 2, 3)), other), compare=True)
    usual, difference = out.split("web4\n", 1)
    assert usual == "web[1-3] (3)\n  a\n  b\n"
    assert difference == "  --- web[1-3] (3)\n  +++ web4\n  @@ -1,2 +1,2 @@\n   a\n  -b\n  +B\n"


def test_secrets_are_masked_even_where_colours_split_them() -> None:
    masker = Masker(["hunter22"])
    results = [finished("web1", stdout="it is hunt\x1b[1mer22!\n", result={"x": "hunter22"})]
    assert shown(run_of(*results), masker=masker)[0] == "web1: it is ********!\n"


def test_results_of_modules_are_shown() -> None:
    out, _ = shown(run_of(finished("web1", result={"os": "debian", "cpus": 2})))
    assert out == 'web1\n  {\n    "cpus": 2,\n    "os": "debian"\n  }\n'


def test_plays_and_tasks_have_headings_and_folded_outcomes() -> None:
    events = [
        PlayStarted(ts=START, play="web servers", hosts=("web1", "web2")),
        TaskStarted(ts=START, play="web servers", task="install nginx"),
        TaskFinished(ts=START, host="web1", play="web servers", task="install nginx", status="changed"),
        TaskFinished(ts=START, host="web2", play="web servers", task="install nginx", status="changed"),
        TaskStarted(ts=START, play="web servers", task="check"),
        TaskFinished(
            ts=START, host="web1", play="p", task="check", status="failed", result={"msg": "no\nway"}
        ),
        TaskFinished(ts=START, host="web2", play="p", task="check", status="ok"),
    ]
    _, err = shown(run_of(finished("web1"), finished("web2"), between=tuple(events)))
    assert err.startswith(
        "PLAY [web servers]\nTASK [install nginx]\nweb[1-2] (2) changed\n"
        "TASK [check]\nweb1 failed\n  no\n  way\nweb2 ok\n"
    )
    _, err = shown(run_of(finished("web1"), finished("web2"), between=tuple(events)), quiet=True)
    assert err.startswith("PLAY [web servers]\nTASK [check]\nweb1 failed\n  no\n  way\n2 hosts")


def test_a_broken_off_run_says_so_and_accounts_for_every_host() -> None:
    _, err = shown(run_of(*WEB)[:-2])
    assert "web3 lost: the run ended without a result of this host\n" in err
    assert err.endswith("3 hosts: 2 ok, 1 lost; the run was broken off (run 3f9a2c)\n")


def test_an_output_that_nobody_reads_raises_once() -> None:
    class Closed:
        def write(self, data: bytes) -> int:
            raise BrokenPipeError

        def flush(self) -> None:
            raise AssertionError("nothing was written")

    settings, _, err = pipes()
    view = make_view("plain", type(settings)(stdout=Closed(), stderr=err))
    *before, end = whole_run(WEB)
    for event in before:
        view.handle(event)
    with pytest.raises(BrokenPipeError):
        view.handle(end)
    view.close()
    assert err.text() == ""


def test_what_a_view_missed_after_an_error_it_does_not_report_as_missing() -> None:
    class Full(Pipe):
        def write(self, data: object, /) -> int:
            raise OSError(28, "No space left on device")

    settings, _, err = pipes(stream=True)
    view = make_view("plain", type(settings)(stdout=Full(), stderr=err, stream=True))
    start, *_ = whole_run(WEB)
    view.handle(start)
    with pytest.raises(OSError, match="No space"):
        view.handle(Output(ts=START, host="web1", stream="stdout", text="x\n"))
    view.handle(WEB[0])
    view.close()
    assert err.text() == ""


def test_the_recap_is_folded() -> None:
    def host(name: str, **counts: int) -> object:
        return finished(
            name, status="failed" if counts.get("failed") else "changed", result={"recap": counts}
        )

    well = [host(f"web{n}", ok=3, changed=1, skipped=2) for n in range(1, 6)]
    results = [*well, host("web6", ok=1, failed=1)]
    _, err = shown(run_of(*results))
    assert err.startswith(
        "PLAY RECAP\n"
        "web[1-5] (5) : ok=3 changed=1 unreachable=0 failed=0 skipped=2\n"
        "web6         : ok=1 changed=0 unreachable=0 failed=1\n"
    )
    assert shown(run_of(*results), fold=False)[1].count(" : ok=3") == 5
    assert "web[1-5]" not in shown(run_of(*results), quiet=True)[1]
