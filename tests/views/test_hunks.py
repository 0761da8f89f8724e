"""Diffs of many hosts: each hunk once, with all of its hosts, and nobody's lost."""

from __future__ import annotations

import random
import re
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from hostpool.events import PlayStarted, TaskFinished, TaskStarted
from hostpool.secrets import Masker
from hostpool.sync.diffs import unified_texts
from hostpool.views import make_view
from hostpool.views.hunks import Hunks, hunks
from hostpool.views.patches import LONGEST, MOST
from tests.views.support import START, feed, finished, pipes, whole_run

HOSTS = [f"web{n}" for n in range(1, 7)]
LINES = st.sampled_from(
    ["a", "b", "--- c", "+++ c", "@@ -1 +1 @@", "\\ d", "", " e", "f\r", "g\x0ch", "\u2028"]
)
TEXTS = st.lists(LINES, max_size=30).map("\n".join)


def named(file: str, before: str, after: str) -> str:
    return unified_texts(before, after, f"{file} (on the host)", f"{file} (here)")


DIFFS = st.lists(st.builds(named, st.sampled_from(["etc/a", "etc/b", "c"]), TEXTS, TEXTS), max_size=3).map(
    "".join
)


@given(DIFFS)
def test_taken_apart_nothing_is_lost(diff: str) -> None:
    found = list(hunks(diff))
    assert all(hunk.file and hunk.place for hunk in found)
    # Every line is in one of them, each file's name once for all of its hunks.
    names = {hunk.file for hunk in found}
    rest = diff
    for hunk in found:
        before, whole, rest = rest.partition(hunk.place + hunk.body)
        assert whole and (not before or before in names)
    assert rest == ""


@given(st.text(alphabet="-+@ \\1,\na", max_size=60))
def test_what_is_no_diff_stays_as_it_is(text: str) -> None:
    told = "".join(hunk.place + hunk.body for hunk in hunks(text))
    assert told == text or re.search(r"(?m)^--- .*\n\+\+\+ ", text)


@given(
    st.dictionaries(st.sampled_from(HOSTS), DIFFS),
    st.integers(0, 999),
    st.booleans(),
)
def test_every_hunk_of_every_host_is_there_exactly_once(
    diffs: dict[str, str], seed: int, together: bool
) -> None:
    each = {host: Counter((hunk.file, hunk.body) for hunk in hunks(diff)) for host, diff in diffs.items()}
    arrived = list(diffs)
    random.Random(seed).shuffle(arrived)
    collected, in_order = Hunks(together=together), Hunks(together=together)
    for host in arrived:
        collected.add(HOSTS.index(host), host, diffs[host])
    for host in sorted(diffs):
        in_order.add(HOSTS.index(host), host, diffs[host])
    blocks = list(collected.blocks())
    found: dict[str, Counter[tuple[str, str]]] = {host: Counter() for host in diffs}
    shown: Counter[tuple[str, str]] = Counter()
    for block in blocks:
        for shared in block.hunks:
            hunk = (shared.file, collected.body(shared))
            shown[hunk] += 1
            for host in block.hosts:
                found[host][hunk] += 1
    assert found == each
    if together:
        once: Counter[tuple[str, str]] = Counter()
        for wanted in each.values():
            once |= wanted
        assert shown == once, "a hunk that several hosts have is shown once"
    assert [(block.hosts, [hunk.place for hunk in block.hunks]) for block in blocks] == [
        (block.hosts, [hunk.place for hunk in block.hunks]) for block in in_order.blocks()
    ], "the order in which hosts end says nothing"
    collected.close()
    in_order.close()


def sync_of(diffs: dict[str, str]) -> list[object]:
    return [
        *whole_run(
            [
                finished(host, status="changed", stdout="~ etc/app.conf\n", result={"sent": 1, "diff": diff})
                for host, diff in diffs.items()
            ]
        )
    ]


def shown(events: list[object], **options: object) -> tuple[str, str]:
    settings, out, err = pipes(**options)
    feed(make_view("plain", settings), events)  # type: ignore[arg-type]  # lists are invariant
    return out.text(), err.text()


OLD = "".join(f"{n}\n" for n in range(40))
USUAL = named("etc/app.conf", OLD, OLD.replace("\n5\n", "\nfive\n").replace("\n30\n", "\nthirty\n"))
ODD = named("etc/app.conf", OLD, OLD.replace("\n5\n", "\nV\n").replace("\n30\n", "\nthirty\n"))


def test_equal_on_all_hosts_it_stands_below_them() -> None:
    out, _ = shown(sync_of(dict.fromkeys(HOSTS, USUAL)))
    assert out.startswith(
        "web[1-6] (6) changed\n"
        "  ~ etc/app.conf\n"
        "  --- etc/app.conf (on the host)\n"
        "  +++ etc/app.conf (here)\n"
        "  @@ -3,7 +3,7 @@\n"
    )
    assert out.count("+five") == out.count("+thirty") == out.count("web") == 1


def test_what_differs_stands_apart() -> None:
    out, _ = shown(sync_of({**dict.fromkeys(HOSTS, USUAL), "web4": ODD}))
    headings = [line for line in out.splitlines() if not line.startswith(" ")]
    assert headings == ["web[1-6] (6) changed", "web[1-3,5-6] (5) diff", "web4 diff"]
    assert out.count("+thirty") == 1
    common, usual, odd = re.split(r"\n(?=web)", out)
    assert "+thirty" in common and "+five" in usual and "+V" in odd
    assert all("  --- etc/app.conf (on the host)\n" in part for part in (common, usual, odd))


def test_the_same_change_at_other_lines_is_the_same_change() -> None:
    further = named("etc/app.conf", "x\n" + OLD, "x\n" + OLD.replace("\n30\n", "\nthirty\n"))
    nearer = named("etc/app.conf", OLD, OLD.replace("\n30\n", "\nthirty\n"))
    out, _ = shown(sync_of({"web1": nearer, "web2": further}))
    assert out.count("+thirty") == 1 and "  @@ at different lines @@\n" in out


def test_not_folded_each_host_has_its_own() -> None:
    out, _ = shown(sync_of(dict.fromkeys(HOSTS, USUAL)), fold=False)
    assert out.count("+five") == 6
    bare, _ = shown(sync_of(dict.fromkeys(HOSTS[:2], USUAL)), no_prefix=True)
    assert bare == f"~ etc/app.conf\n{USUAL}" * 2


def test_secrets_and_escapes_are_in_no_diff() -> None:
    diff = named("etc/app.conf", "key = old\n", "key = hunter22\x1b[2J\n")
    other = named("etc/app.conf", "key = old\n", "key = hun\x1b[0mter22\x1b[2J\n")
    out, _ = shown(sync_of({"web1": diff, "web2": other}), masker=Masker(["hunter22"]))
    assert "hunter22" not in out and "\x1b" not in out
    assert out.count("+key = ********^[[2J") == 1


def test_what_is_too_long_is_counted() -> None:
    new = "".join(f"new {n}\n" for n in range(3 * LONGEST))
    out, _ = shown(sync_of({"web1": named("a", "", new)}))
    assert f"  +new {LONGEST - 1}\n  … {2 * LONGEST} more lines\n" in out
    everything, _ = shown(sync_of({"web1": named("a", "", new)}), fold=False)
    assert everything.count("+new") == 3 * LONGEST
    many = {f"h{n}": named("a", "old\n", f"new {n}\n") for n in range(MOST)}
    out, _ = shown(sync_of(many))
    assert len(out.splitlines()) < 1.5 * MOST
    assert re.search(r"^h\[\d+-999\] \(\d+\) diff: \d+ more hunks; --no-fold shows all$", out, re.MULTILINE)


def test_a_plays_diffs_stand_below_their_task() -> None:
    def ended(host: str, diff: str) -> TaskFinished:
        return TaskFinished(ts=START, host=host, play="p", task="t", status="changed", diff=diff)

    task = [
        PlayStarted(ts=START, play="p", hosts=tuple(HOSTS)),
        TaskStarted(ts=START, play="p", task="t"),
        *(ended(host, ODD if host == "web4" else USUAL) for host in reversed(HOSTS)),
    ]
    start, *rest = whole_run([finished(host, result={"recap": {"changed": 1}}) for host in HOSTS])
    _, err = shown([start, *task, *rest])
    headings = [line for line in err.splitlines() if not line.startswith(" ")][1:5]
    assert headings == ["TASK [t]", "web[1-6] (6) changed", "web[1-3,5-6] (5) diff", "web4 diff"]
    assert err.count("+thirty") == err.count("+five") == err.count("+V") == 1
