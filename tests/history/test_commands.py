"""history, show and rerun on the command line, after runs on hosts that are processes of this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pexpect  # type: ignore[import-untyped]  # it ships no types
import pytest

from hostpool.history import History, HistoryError
from tests.cli.conftest import Ended, Hostpool
from tests.farm.processes import wait_until
from tests.history.conftest import Fleet, all_runs, last_run, results_of


def test_a_run_is_listed_and_shown_as_it_ended(hostpool: Hostpool, fleet: Fleet, file: Path) -> None:
    inventory = fleet("web1", "web2", "web3")
    ended = hostpool("run", "-i", inventory, "all", "echo out; echo err >&2; exit 3")
    assert ended.code == 3 and "(run 1)" in ended.err
    shown = hostpool("show", "1")
    assert shown.code == 0
    assert shown.out == ended.out
    heading, _, rest = shown.err.partition("\n")
    assert rest == ended.err
    assert heading.startswith("run 1: `echo out; echo err >&2; exit 3` on all, by ")
    listed = hostpool("history").out.splitlines()
    assert listed[0].split() == ["RUN", "BEGAN", "USER", "TOOK", "CODE", "HOSTS", "COMMAND"]
    assert "3 failed  echo out;" in listed[1]
    document = json.loads(hostpool("show", "-o", "json").out)
    assert set(document["hosts"]) == {"web1", "web2", "web3"} and document["exit_code"] == 3
    assert document["hosts"]["web2"]["stdout"] == "out\n" and document["counts"]["failed"] == 3
    (run,) = json.loads(hostpool("history", "-o", "json").out)
    assert (run["run"], run["exit_code"], run["hosts"], run["command"]) == (1, 3, 3, "run")
    one = hostpool("show", "web2")
    assert one.out == "web2 failed, exit code 3\n  out\n"
    assert hostpool("show", "1", "web9").code == 2 and hostpool("show", "7").code == 2
    assert hostpool("show", "web9").code == 2


def test_lists_by_filters(hostpool: Hostpool, fleet: Fleet, file: Path) -> None:
    hostpool("run", "-i", fleet("web1"), "all", "true")
    hostpool("run", "-i", fleet("db1"), "--cron", "job", "all", "false")

    def found(*filters: str) -> list[int]:
        ended = hostpool("history", "-o", "json", *filters)
        assert ended.code == 0, ended.err
        return [run["run"] for run in json.loads(ended.out)]

    assert found() == [2, 1] and found("-n", "1") == [2]
    assert found("--host", "web*") == [1] and found("--status", "failed") == [2]
    assert found("--command", "TRUE") == [1] and found("--name", "job") == [2]
    assert found("--since", "1h") == [2, 1] and found("--since", "2999-01-01") == []
    assert hostpool("history", "--since", "yesterday").code == 2
    assert hostpool("history", "--keep", "1d").code == 2
    pruned = hostpool("history", "prune", "--keep", "1ms")
    assert pruned.code == 0 and "2 runs forgotten" in pruned.err
    assert "no runs yet" in hostpool("history").err


def test_who_ran_it_and_with_which_code(hostpool: Hostpool, fleet: Fleet, file: Path) -> None:
    ended = hostpool("run", "-S", "-i", fleet("web1"), "all", "exit 7", SUDO_USER="alice")
    assert ended.code == 7
    run = last_run(file)
    assert (run.sudo_user, run.exit_code) == ("alice", 7)
    assert "(alice)" in hostpool("history").out


def test_what_changed_between_two_runs(hostpool: Hostpool, fleet: Fleet, workdir: Path) -> None:
    here = f"cat {workdir}/said-* 2>/dev/null; echo same"
    hostpool("run", "-i", fleet("web1", "web2", "web3"), "all", here)
    (workdir / "said-1").write_text("more\n")
    hostpool("run", "-i", fleet("web1", "web2", "db1"), "all", here)
    ended = hostpool("show", "2", "--compare", "1")
    assert ended.out.splitlines() == [
        "web[1-2] (2) ok",
        "  --- stdout of run 1",
        "  +++ stdout of run 2",
        "  @@ -1 +1,2 @@",
        "  +more",
        "   same",
        "web3 only in run 1",
        "db1 only in run 2",
        "2 hosts changed, 0 as in run 1",
    ]


def start(environment: dict[str, str], *args: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "hostpool", *args],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=environment, start_new_session=True,
    )  # fmt: skip


def test_a_run_that_is_killed_leaves_last_known_states_and_rerun_finishes_it(
    hostpool: Hostpool, fleet: Fleet, environment: dict[str, str], file: Path, workdir: Path
) -> None:
    inventory = fleet(*(f"web{n}" for n in range(1, 7)))
    go = workdir / "go"
    command = f"n=0; until [ -e {go} ] || [ $n = 100 ]; do sleep 0.1; n=$((n+1)); done; echo done"
    running = start(environment, "run", "-i", inventory, "-f", "2", "all", command)
    try:
        wait_until(lambda: file.exists() and len(still_running(file)) == 2, seconds=20)
        assert "it is still going on" in hostpool("show").err
        assert hostpool("rerun", "1", "--all").code == 2
    finally:
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
    shown = hostpool("show", "1")
    assert "it was killed" in shown.err
    assert "web[1-2] (2) lost: the run was killed while this host's task ran" in shown.err
    assert "web[3-6] (4) not run" in shown.err
    document = json.loads(hostpool("show", "-o", "json").out)
    assert [each["status"] for each in document["hosts"].values()] == ["lost"] * 2 + ["not_run"] * 4
    assert "killed" in hostpool("history").out
    go.touch()
    plan = hostpool("rerun")
    assert plan.code == 2
    assert "--lost         web[1-2] (2)" in plan.err and "--not-run      web[3-6] (4)" in plan.err
    finished = hostpool("rerun", "1", "--not-run")
    assert finished.code == 0, finished.err
    assert finished.out == "web[3-6] (4): done\n"
    assert hostpool("rerun", "1", "--lost", "-q").code == 0
    assert list(results_of(file)) == ["web1", "web2"]
    assert last_run(file).pattern == "rerun of 1"


def still_running(file: Path) -> list[str]:
    with History(file) as history:
        try:
            return [each.host for each in history.results(history.run()) if each.still_running]
        except HistoryError:  # the file is there, the run not yet
            return []


def test_a_rerun_is_the_same_task_from_anywhere(
    hostpool: Hostpool, fleet: Fleet, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet("web1", "web2")
    (workdir / "say.sh").write_text('#!/bin/sh\necho "$1 $NAME"; [ ! -e "$2" ] || exit 4\n')
    flag = workdir / "flag"
    flag.touch()
    options = "-i", "hosts.yml", "--env", "NAME=it is", "--ok-codes", "0,5"
    first = hostpool("script", *options, "all", "say.sh", "a b", str(flag))
    assert first.code == 3
    flag.unlink()
    elsewhere = workdir / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert hostpool("rerun", "--failed").out == "web[1-2] (2): a b it is\n"
    assert hostpool("rerun", "--failed").code == 2, "the last run has none that failed"
    (workdir / "say.sh").write_text("#!/bin/sh\necho other\n")
    refused = hostpool("rerun", "1", "--all")
    assert refused.code == 2 and "changed since run 1" in refused.err and "--changed-ok" in refused.err
    assert hostpool("rerun", "1", "--all", "--changed-ok").out == "web[1-2] (2): other\n"
    assert hostpool("rerun", "1", "--all", "--list-hosts").out == "web1\nweb2\n"
    (workdir / "hosts.yml").write_text("all:\n  hosts:\n    web1: {ansible_connection: local}\n")
    gone = hostpool("rerun", "1", "--all", "--changed-ok")
    assert gone.code == 2 and "'web2' is no longer in the inventory" in gone.err


def test_ping_and_a_list_of_hosts_are_repeated(hostpool: Hostpool) -> None:
    hosts = "-i", "h1,h2,", "-e", "ansible_connection=local"
    assert hostpool("ping", *hosts, "all").code == 0
    assert "h[1-2] (2)" in hostpool("rerun", "--all").out + hostpool("show").err


@pytest.fixture
def secret_run(hostpool: Hostpool, fleet: Fleet, workdir: Path) -> Ended:
    password = workdir / "password"
    password.write_text("correct-horse\n")
    password.chmod(0o600)
    (workdir / "secret.yml").write_text("ansible_become_password: battery-staple\n")
    return hostpool(
        "run", "-i", fleet("web1"), "--connection-password-file", str(password),
        "-e", "@secret.yml", "--env", "API_TOKEN=hunter22222",
        "all", "echo correct-horse battery-staple; echo battery-staple >&2; DB_PASSWORD=swordfish9 true",
    )  # fmt: skip


def test_no_secret_is_in_the_files(secret_run: Ended, state: Path, hostpool: Hostpool) -> None:
    assert secret_run.code == 0, secret_run.err
    stored = b"".join(path.read_bytes() for path in state.rglob("*") if path.is_file())
    shown = hostpool("show", "-o", "json").out + hostpool("history", "-o", "json").out
    for secret in ("correct-horse", "battery-staple", "hunter22222", "swordfish9"):
        assert secret.encode() not in stored, secret
        assert secret not in shown, secret
    assert "********" in json.loads(hostpool("show", "-o", "json").out)["hosts"]["web1"]["stdout"]


def test_what_was_secret_is_asked_for_again(secret_run: Ended, hostpool: Hostpool) -> None:
    ended = hostpool("rerun", "--all")
    assert ended.code == 2
    assert "there is none" in ended.err and "rerun" in ended.err


def test_secrets_are_typed_in_again_at_a_terminal(
    hostpool: Hostpool, fleet: Fleet, environment: dict[str, str]
) -> None:
    hostpool(
        "run", "-i", fleet("web1"), "--env", "API_TOKEN=hunter22222", "all", "printf %s $API_TOKEN | wc -c"
    )
    child = pexpect.spawn(
        sys.executable,
        ["-m", "hostpool", "rerun", "--all", "-o", "plain"],
        env={**environment, "NO_COLOR": "1"},
        timeout=100,
    )
    child.expect("API_TOKEN: ")
    child.sendline("seven77")
    child.expect("web1: 7")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_a_playbook_is_kept_and_shown(
    hostpool: Hostpool, fleet: Fleet, workdir: Path, file: Path, state: Path
) -> None:
    inventory = fleet("web1", "web2")
    (workdir / "site.yml").write_text(
        "- hosts: all\n  gather_facts: false\n  tasks:\n"
        "    - {name: says, command: echo spoken}\n"
        "    - {name: hides, command: echo very-hidden, no_log: true}\n"
        "    - {name: fails, command: 'false', when: inventory_hostname == 'web2'}\n"
    )
    ended = hostpool("play", "-i", inventory, "site.yml")
    assert ended.code == 3, ended.err
    assert "(run 1)" in ended.err + ended.out
    document = json.loads(hostpool("show", "-o", "json").out)
    assert document["recap"]["web2"]["failed"] == 1 and document["recap"]["web1"]["failed"] == 0
    assert "fails" in hostpool("show").out + hostpool("show").err
    stored = b"".join(path.read_bytes() for path in state.iterdir())
    assert b"very-hidden" not in stored and "very-hidden" not in json.dumps(document)
    assert hostpool("rerun", "--failed", "--list-hosts").out == "web2\n"
    rerun = hostpool("rerun", "--failed", "-o", "json")
    assert [task["task"] for task in json.loads(rerun.out)["plays"][0]["tasks"]] == ["fails"]
    mail = hostpool("play", "--cron", "site", "-i", inventory, "site.yml")
    assert mail.code == 3 and mail.out.startswith("hostpool site: 1 of 2 hosts failed: web2\n")
    assert mail.err == ""


def test_output_is_not_kept_when_it_is_off(hostpool: Hostpool, fleet: Fleet, file: Path, state: Path) -> None:
    hostpool("run", "-i", fleet("web1"), "all", "echo private-matter", HOSTPOOL_HISTORY_OUTPUT="off")
    (result,) = results_of(file).values()
    assert (result.status, result.stdout, result.stdout_bytes) == ("ok", "", 15)
    assert hostpool("run", "--no-history", "-i", fleet("web1"), "all", "true").code == 0
    assert len(all_runs(file)) == 1


def test_hostile_names_and_output(hostpool: Hostpool, fleet: Fleet, file: Path, workdir: Path) -> None:
    names = ["../../x", "a b", "'; DROP TABLE run; --", ".hidden", "\u202eevil"]
    ended = hostpool(
        "run", "-i", fleet(*names), "--outdir", "out/deep", "all",
        r"printf '\033[2J\033]0;title\007\377\nrun 1: forged\n'",
    )  # fmt: skip
    assert ended.code == 0
    assert list(results_of(file)) == names
    shown = hostpool("show")
    for text in (shown.out, shown.err, hostpool("history").out, hostpool("show", "--compare", "1").out):
        assert not {"\x1b", "\x07", "\u202e"} & set(text)
    written = sorted(path.relative_to(workdir).as_posix() for path in workdir.rglob("*") if path.is_file())
    assert all(path.startswith("out/deep/") for path in written if path != "hosts.yml")
    assert "out/deep/%2E.%2F..%2Fx.stdout" in written and "out/deep/%2Ehidden.json" in written
    data = (workdir / "out/deep/a%20b.stdout").read_bytes()
    assert data == b"\x1b[2J\x1b]0;title\x07\xff\nrun 1: forged\n"


def test_outdir_is_written_as_it_comes(fleet: Fleet, environment: dict[str, str], workdir: Path) -> None:
    stale = workdir / "out"
    stale.mkdir()
    (stale / "web2.stdout").write_text("of an earlier run")
    go = workdir / "go"
    command = f"echo one; echo err >&2; until [ -e {go} ]; do sleep 0.1; done; echo two"
    running = start(
        environment, "run", "-f", "1", "-i", fleet("web1", "web2"), "--outdir", "out", "all", command
    )
    first = workdir / "out/web1.stdout"
    try:
        wait_until(lambda: first.exists() and first.read_text() == "one\n", seconds=20)
        assert not (workdir / "out/web2.stdout").exists() and not (workdir / "out/web1.json").exists()
    finally:
        go.touch()
        running.wait(60)
    assert first.read_text() == "one\ntwo\n" and (workdir / "out/web2.stderr").read_text() == "err\n"
    result = json.loads((workdir / "out/web2.json").read_text())
    assert (result["event"], result["status"], result["host"]) == ("host_finished", "ok", "web2")


def test_compare_shows_what_differs_from_most(hostpool: Hostpool, fleet: Fleet) -> None:
    inventory = fleet("web1", "web2", "web3")
    command = "echo usual; [ %n != web3 ] || echo odd"
    ended = hostpool("run", "-i", inventory, "--compare", "--subst", "all", command)
    assert ended.code == 0
    assert "web[1-2] (2): usual" in ended.out and "+odd" in ended.out and "-usual" not in ended.out


def test_diffs_are_shown_again(hostpool: Hostpool, fleet: Fleet, workdir: Path) -> None:
    inventory = fleet("web1", "web2", "web3")
    place = workdir / "on"
    for host, text in (("web1", "old\n"), ("web2", "old\n"), ("web3", "older\n")):
        (place / host).mkdir(parents=True)
        (place / host / "app.conf").write_text(text)
    (workdir / "app.conf").write_text("new\n")
    ended = hostpool("put", "-i", inventory, "-D", "--subst", "all", "app.conf", f"{place}/%n/app.conf")
    assert ended.code == 0, ended.err
    assert ended.out.count("-old\n") == ended.out.count("-older\n") == 1
    assert "web[1-2] (2) diff\n" in ended.out and "web3 diff\n" in ended.out
    assert hostpool("show").out == ended.out


def test_fifty_runs_at_once(fleet: Fleet, environment: dict[str, str], file: Path) -> None:
    inventory = fleet("web1", "web2")
    began = time.monotonic()
    running = [
        start(environment, "run", "--workers", "1", "-i", inventory, "all", f"echo number {n}")
        for n in range(50)
    ]
    codes = [each.wait(100) for each in running]
    assert codes == [0] * 50, time.monotonic() - began
    runs = all_runs(file)
    assert sorted(run.run for run in runs) == list(range(1, 51))
    assert {run.task for run in runs} == {f"echo number {n}" for n in range(50)}
    assert all(run.counts["ok"] == 2 and run.exit_code == 0 for run in runs)


@pytest.mark.parametrize("what", ["damaged", "newer", "no place", "full"])
def test_what_is_wrong_with_the_history_is_one_warning(
    hostpool: Hostpool, fleet: Fleet, file: Path, state: Path, what: str
) -> None:
    import sqlite3

    command = [
        "run",
        "-i",
        fleet("web1", "web2"),
        "all",
        "head -c 40000 /dev/urandom | od -x | head -c 60000",
    ]
    extra: dict[str, str] = {}
    if what == "damaged":
        state.mkdir()
        file.write_bytes(b"no database" * 1000)
    elif what == "newer":
        assert hostpool(*command).code == 0
        connection = sqlite3.connect(file)
        connection.execute("PRAGMA user_version = 99")
        connection.close()
    elif what == "no place":
        extra["HOSTPOOL_STATE_DIR"] = "/proc/nowhere"
    else:
        file = limited_file(hostpool, command, file)
        return
    ended = hostpool(*command, **extra)
    assert ended.code == 0
    assert ended.err.count("warning: ") == 1 and "histor" in ended.err and "hint: " in ended.err
    assert "2 hosts: 2 ok" in ended.err


def limited_file(hostpool: Hostpool, command: list[str], file: Path) -> Path:
    """A disk that is full once the file has 96 KiB: what was committed stays readable."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (96 * 1024, before[1]))
    try:
        ended = hostpool(*command)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert ended.code == 0, ended.err
    assert ended.err.count("warning: ") == 1 and "cannot be written" in ended.err, ended.err
    assert last_run(file).hosts == 2
    assert hostpool("show").code == 0
    return file
