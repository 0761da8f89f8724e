"""Starting up is cheap: what is not needed is not imported."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEAR = (
    "paramiko",
    "jinja2",
    "rich",
    "yaml",
    "cryptography",
    "platformdirs",
    "sqlite3",
    "pydantic",
    "asyncio",
    "ssl",
)
LOADED = """
import sys
sys.argv = ["hostpool", *{words!r}]
from hostpool.cli.app import main
main(sys.argv[1:])
sys.stdout.flush()
sys.stderr.write(" ".join(sys.modules))
"""


def loaded(words: list[str], environment: dict[str, str]) -> set[str]:
    program = LOADED.format(words=words)
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=100
    )
    return set(done.stderr.split())


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["--version"]])
def test_help_imports_nothing_dear(words: list[str], workdir: Path, environment: dict[str, str]) -> None:
    modules = loaded(words, environment)
    assert "typer" in modules
    assert not modules & {
        *DEAR,
        "hostpool.inventory",
        "hostpool.pool.pool",
        "hostpool.runner",
        "hostpool.views",
    }


def test_a_run_waits_for_nothing_it_does_not_need(workdir: Path, environment: dict[str, str]) -> None:
    modules = loaded(["run", "-i", "h1,", "all", "--list-hosts"], environment)
    assert "hostpool.inventory" in modules
    assert not modules & {*DEAR, "typer", "hostpool.pool.pool", "hostpool.runner"}


def test_help_costs_little(workdir: Path, environment: dict[str, str]) -> None:
    """CPU time, the best of several: what the design allows as wall time, and half as much for slow
    and busy machines."""
    program = (
        "import sys; from hostpool.__main__ import main; sys.argv = ['hostpool', '--help']; sys.exit(main())"
    )

    def once() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, "-c", program],
            env=environment,
            stdout=subprocess.DEVNULL,
            check=True,
            timeout=100,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(once() for _ in range(5)) < 0.12 * 1.5


PATTERNS = """
import re, sys
import hostpool.worker.preload, hostpool.worker.preload_all, hostpool.playrunner, hostpool.runner
import hostpool.cli.job, hostpool.cli.settings, hostpool.cli.play, hostpool.cli.run, hostpool.cli.again
import hostpool.history, hostpool.views.plain, hostpool.inventory, hostpool.openssh.route
import hostpool.tasks.modules.command, hostpool.tasks.modules.copy, hostpool.tasks.modules.file

for name, module in sorted(sys.modules.items()):
    if name.startswith("hostpool."):
        print(*(f"{name}.{key}" for key, value in vars(module).items() if isinstance(value, re.Pattern)))
"""
USED = {
    "hostpool.cli.secrecy",
    "hostpool.inventory.addresses",
    "hostpool.inventory.ini",
    "hostpool.inventory.patterns",
    "hostpool.inventory.ranges",
    "hostpool.openssh.target_names",
    "hostpool.playbook.arguments",
    "hostpool.sync.filters",
    "hostpool.tasks.files_once",
    "hostpool.tasks.mirror.script",
    "hostpool.tasks.shell",
    "hostpool.views.neutralise",
    "hostpool.worker.over_sftp",
}
"""Where a run looks for something, or a transfer at each file; elsewhere re compiles when it is used."""


def test_no_expression_is_compiled_that_a_usual_run_has_no_use_for(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PATTERNS],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    found = {name.rpartition(".")[0]: name for name in done.stdout.split()}
    assert not found.keys() - USED, sorted(found.values())


ENDING = """
import atexit, sys, threading
from hostpool import __main__ as program

class Dear:
    def __del__(self):
        print("taken apart")

def main():
    program.dear = Dear()
    atexit.register(print, "registered")
    threading.Thread(target=print, args=("waited for\\n",), kwargs={"end": ""}).start()
    print("the work\\n", end="")
    return 3

program.main = main
program.console()
"""


def test_at_the_end_what_is_registered_is_done_and_nothing_is_taken_apart() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", ENDING], capture_output=True, text=True, timeout=100, cwd=ROOT
    )
    assert (ended.returncode, ended.stderr) == (3, "")
    assert sorted(ended.stdout.splitlines()) == ["registered", "the work", "waited for"]
