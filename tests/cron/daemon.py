"""Debian's cron with a spool, a mailer and system files of its own: in a mount namespace, so that nothing
of this machine is touched and its own cron sees none of it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from email import message_from_bytes
from email.message import Message
from pathlib import Path

from tests.farm.processes import descendants

SENDMAIL = Path("/usr/sbin/sendmail")  # compiled into cron
CRON = shutil.which("cron", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")

_SET_UP = """
set -e
mount --make-rprivate /
mount --bind "$1/spool" /var/spool/cron/crontabs
mount --bind "$1/run" /run
mount --bind "$1/cron.d" /etc/cron.d
mount --bind /dev/null /etc/crontab
if [ -e /usr/sbin/sendmail ]; then
    mount --bind "$1/sendmail" /usr/sbin/sendmail
else
    mount -t overlay overlay -o "lowerdir=/usr/sbin,upperdir=$1/upper,workdir=$1/work" /usr/sbin
fi
exec "$2" -f
"""


class Daemon:
    """``crontab`` is root's. Each start makes it new: its @reboot lines run at once."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.mails_directory = directory / "mails"
        for name in ("spool", "run", "cron.d", "upper", "work", "mails"):
            (directory / name).mkdir(parents=True)
        for sendmail in (directory / "sendmail", directory / "upper" / "sendmail"):
            # Named when it is whole, so that nobody reads half a mail.
            target = shlex.quote(str(self.mails_directory))
            sendmail.write_text(
                f"#!/bin/sh\ncat > {target}/.$$ && mv {target}/.$$ {target}/$(date +%s%N).$$\n"
            )
            sendmail.chmod(0o755)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, crontab: str) -> None:
        file = self._directory / "spool" / "root"
        file.write_text(crontab)
        file.chmod(0o600)
        (self._directory / "run" / "crond.reboot").unlink(missing_ok=True)
        assert CRON is not None
        self._process = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", _SET_UP, "cron", str(self._directory), CRON],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.communicate()
            self._process = None

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def idle(self) -> bool:
        """Whether no job runs and no mail is on its way."""
        return self._process is not None and not descendants(self._process.pid)

    def mails(self) -> list[Message]:
        """In the order in which they came."""
        files = sorted(path for path in self.mails_directory.iterdir() if not path.name.startswith("."))
        return [message_from_bytes(path.read_bytes()) for path in files]


def can_be_had() -> bool:
    """Whether there is a cron and this user may make mount namespaces."""
    if CRON is None or os.geteuid() != 0:
        return False
    tried = subprocess.run(
        ["unshare", "-m", "mount", "--make-rprivate", "/"], capture_output=True, check=False
    )
    return tried.returncode == 0
