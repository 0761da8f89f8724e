"""Throw-away local accounts, for tests of logins and of become. They need root."""

from __future__ import annotations

import os
import pwd
import secrets
import subprocess
from pathlib import Path
from types import TracebackType

from tests.farm import processes


class ThrowAwayUser:
    """An ordinary account with a random name, a home, a password and no groups but its own.

    ``stop()`` kills its processes and removes account, home and sudo rules.
    Raises PermissionError unless we are root: mark such tests ``needs_root``.
    """

    def __init__(self, *, shell: str = "/bin/sh") -> None:
        if os.geteuid() != 0:
            raise PermissionError("a throw-away user needs root: mark the test @pytest.mark.needs_root")
        self.name = f"hp{secrets.token_hex(4)}"
        self.password = secrets.token_hex(8)
        self._rules = Path("/etc/sudoers.d") / f"hostpool-test-{self.name}"
        _run("useradd", "--create-home", "--user-group", "--shell", shell, self.name)
        entry = pwd.getpwnam(self.name)
        self.uid, self.gid, self.home = entry.pw_uid, entry.pw_gid, Path(entry.pw_dir)
        try:
            _run("chpasswd", stdin=f"{self.name}:{self.password}\n")
        except BaseException:
            self.stop()
            raise

    def allow_sudo(self, rule: str) -> None:
        """Add a sudo rule, as after ``name`` in sudoers(5): ``ALL=(ALL) NOPASSWD: ALL``."""
        old = self._rules.read_text() if self._rules.exists() else ""
        self._rules.write_text(f"{old}{self.name} {rule}\n")
        self._rules.chmod(0o440)
        _run("visudo", "-cq", "-f", str(self._rules))

    def stop(self) -> None:
        """Remove the account and all that is its own. Idempotent."""
        self._rules.unlink(missing_ok=True)
        try:
            pwd.getpwnam(self.name)
        except KeyError:
            return
        while mine := _processes_of(self.uid):
            processes.kill_all(mine)
            processes.wait_gone(mine)
        _run("userdel", "--remove", "--force", self.name)

    def __enter__(self) -> ThrowAwayUser:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _processes_of(uid: int) -> list[int]:
    found = []
    for pid in processes.pids():
        try:
            owner = (processes.PROC / str(pid)).stat().st_uid
        except OSError:
            continue
        if owner == uid and processes.alive(pid):
            found.append(pid)
    return found


def _run(*words: str, stdin: str = "") -> None:
    done = subprocess.run(words, input=stdin, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: exit {done.returncode}: {done.stderr.strip()}")
