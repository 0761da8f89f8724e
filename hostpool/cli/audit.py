"""One line per run in the system's log: who ran what on how many hosts. It never fails a run."""

from __future__ import annotations

import json
import os
import pwd
import syslog
from collections.abc import Mapping

from hostpool.cli.secrecy import mask_text

_LONGEST = 800
"""Characters of the task: syslog daemons cut lines off at 1 KiB (RFC 3164, 4.1)."""


def write(run: str, task: str, hosts: int, *, become: str | None, check: bool) -> None:
    """Facility ``auth``'s neighbour ``user``, level notice: read with ``journalctl -t hostpool``."""
    text = line(run, task, hosts, become=become, check=check, who=who(os.environ))
    try:
        syslog.openlog("hostpool", syslog.LOG_PID, syslog.LOG_USER)
        syslog.syslog(syslog.LOG_NOTICE, text)
        syslog.closelog()
    except (OSError, ValueError):
        pass


def line(run: str, task: str, hosts: int, *, become: str | None, check: bool, who: Mapping[str, str]) -> str:
    """``run=… user=… [sudo_user=…] hosts=… [become=…] [check=yes] task="…"``: values quoted as JSON."""
    fields = {"run": run, **who, "hosts": str(hosts)}
    if become is not None:
        fields["become"] = become
    if check:
        fields["check"] = "yes"
    shown = mask_text(task)
    fields["task"] = shown if len(shown) <= _LONGEST else shown[:_LONGEST] + "…"
    return " ".join(f"{name}={_quoted(value)}" for name, value in fields.items())


def who(environ: Mapping[str, str]) -> dict[str, str]:
    """Our user, and behind sudo the one who called it."""
    uid = os.getuid()
    try:
        user = pwd.getpwuid(uid).pw_name
    except KeyError:
        user = str(uid)
    found = {"user": user}
    if environ.get("SUDO_USER"):
        found["sudo_user"] = environ["SUDO_USER"]
    return found


def _quoted(value: str) -> str:
    """A value that could be taken for more than one, or forge a line, is quoted."""
    return (
        value if value.isascii() and value.replace("-", "").replace("_", "").isalnum() else json.dumps(value)
    )
