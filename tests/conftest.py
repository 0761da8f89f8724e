"""Fixtures and guards for all tests."""

from __future__ import annotations

import os
import pwd
import secrets
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.farm import Sshd, processes

# Time is no measure of ours: a busy machine is slow at times.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")

NEEDS_ROOT = "needs root, not run here"
MARKER = "HOSTPOOL_TEST_SESSION"
# Whoever starts the tests may ignore these (nohup, a shell's "&"), and all that we start inherits it.
for _number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler if _number == signal.SIGINT else signal.SIG_DFL)
# helpers of multiprocessing that live as long as the interpreter; their children must not
RESIDENT = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")
REAL_HOME = Path(pwd.getpwuid(os.getuid()).pw_dir)
# The history is not among them: a person's own runs are written there at any time.
GUARDED = (
    ".ssh",
    ".config/hostpool",
    ".local/share/hostpool",
    ".local/state/hostpool/reports",
    ".cache/hostpool",
)


@pytest.fixture(scope="session", autouse=True)
def no_process_left() -> Iterator[None]:
    """Fail (the last test of) a session that leaves processes behind, orphans included."""
    marker = f"{MARKER}={secrets.token_hex(8)}"
    name, _, value = marker.partition("=")
    os.environ[name] = value
    yield
    left: list[int] = []

    def all_gone() -> bool:
        nonlocal left
        mine = os.getpid()
        found = {*processes.descendants(mine), *processes.marked(marker)} - {mine}
        left = [pid for pid in sorted(found) if not _is_resident(pid)]
        return not left

    try:
        processes.wait_until(all_gone, seconds=20)
    except AssertionError:
        named = "\n".join(f"  {pid} {processes.command(pid)}" for pid in left)
        processes.kill_all(left)
        pytest.fail(f"processes left behind by tests (killed now):\n{named}", pytrace=False)


def _is_resident(pid: int) -> bool:
    """Whether ``pid`` is multiprocessing's own helper; a worker forked from it has the same words."""
    return any(words in processes.command(pid) for words in RESIDENT) and processes.parent(pid) == os.getpid()


@pytest.fixture(autouse=True)
def real_home_is_untouched() -> Iterator[None]:
    """Fail a test during which ssh's or hostpool's files in the real home changed."""
    before = _fingerprint()
    yield
    changed = sorted(str(path) for path, _ in set(before.items()) ^ set(_fingerprint().items()))
    if changed:
        names = ", ".join(dict.fromkeys(changed))
        pytest.fail(f"the real home was written to: {names}; use the tmp_home fixture", pytrace=False)


def _fingerprint() -> dict[Path, tuple[int, int, int]]:
    found = {}
    for name in GUARDED:
        top = REAL_HOME / name
        for path in (top, *(top.iterdir() if top.is_dir() else ())):
            try:
                known = path.stat()
            except OSError:
                continue
            found[path] = (known.st_ino, known.st_mtime_ns, known.st_size)
    return found


@pytest.fixture
def tmp_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home: HOME and the XDG directories point below it, no agent, no settings of ours."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    for name in [name for name in os.environ if name.startswith("HOSTPOOL_") and name != MARKER]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.setenv("HOME", str(home))
    for name, below in (
        ("XDG_CONFIG_HOME", ".config"),
        ("XDG_DATA_HOME", ".local/share"),
        ("XDG_STATE_HOME", ".local/state"),
        ("XDG_CACHE_HOME", ".cache"),
        ("XDG_RUNTIME_DIR", ".run"),
    ):
        (home / below).mkdir(parents=True, mode=0o700)
        monkeypatch.setenv(name, str(home / below))
    return home


@pytest.fixture(scope="session")
def sshd() -> Iterator[Sshd]:
    """One real OpenSSH server for all tests of this process, with roomy limits."""
    with Sshd() as server:
        yield server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.geteuid() != 0:
        for item in items:
            if item.get_closest_marker("needs_root"):
                item.add_marker(pytest.mark.skip(reason=NEEDS_ROOT))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    names = [report.nodeid for report in skipped if NEEDS_ROOT in str(report.longrepr)]
    if names:
        terminalreporter.section(f"{NEEDS_ROOT}:")
        for name in names:
            terminalreporter.write_line(f"needs root, not run here: {name}")
