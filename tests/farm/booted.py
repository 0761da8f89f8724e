"""A throw-away machine that systemd has booted: it is process 1 of the machine's own namespaces.

As :class:`Machine`, with a /dev, /sys and control groups of its own, and /proc/sys for reading only, so
that systemd and what it starts can neither change nor see this machine's. Only the units a test starts
run, and D-Bus. Needs root, systemd on this machine, and a control group that may have children
(cgroups(7): version 2, or the name=systemd hierarchy).
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from tests.farm.machine import BOUNDED, LEAVE, OVERLAY, Machine
from tests.farm.processes import wait_until

SYSTEMD = "/lib/systemd/systemd"

_GROUP = 'echo $$ > "$1"/cgroup.procs && shift && exec "$@"'
"""The control group must be entered before it becomes the root of a namespace."""

_BOOT = (
    OVERLAY
    + """
mount --bind proc/sys proc/sys
mount -o remount,ro,bind proc/sys
mount -t tmpfs -o mode=755 dev dev
for name in null zero full random urandom tty; do : > dev/$name; mount --bind /dev/$name dev/$name; done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
for number in 0:stdin 1:stdout 2:stderr; do ln -s "fd/${number%:*}" "dev/${number#*:}"; done
mount -t sysfs -o ro sysfs sys
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  mount -t cgroup2 cgroup sys/fs/cgroup
else
  mount -t tmpfs -o mode=755 cgroup sys/fs/cgroup
  mkdir sys/fs/cgroup/systemd
  mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd
fi
mount -t tmpfs -o mode=755 run run
mkdir -p run/sshd run/lock run/systemd/system/service.d run/systemd/system/socket.d
printf '[Unit]\\nWants=dbus.socket\\n' > run/systemd/system/booted.target
for kind in service socket; do
  printf '[Unit]\\nDefaultDependencies=no\\n' > run/systemd/system/$kind.d/alone.conf
done
printf '#subsys_name\\thierarchy\\tnum_cgroups\\tenabled\\n' > run/cgroups
mount --bind run/cgroups proc/cgroups
"""
    + LEAVE
    + """
( until systemctl --quiet is-active booted.target 2>/dev/null; do sleep 0.05; done; exec "$@" ) &
container=lxc exec """
    + SYSTEMD
    + """ --unit=booted.target --log-target=null --show-status=no
"""
)


class Booted(Machine):
    """As :class:`Machine`; its state is asked for and changed with systemctl."""

    def __init__(self, **settings: object) -> None:
        if not Path(SYSTEMD).exists():
            raise RuntimeError("a booted machine needs systemd on this one: apt-get install systemd")
        self.group = _own_group() / f"hostpool-{uuid.uuid4().hex[:12]}"
        self.group.mkdir()
        super().__init__(**settings)

    def _within(self) -> list[str]:
        namespaces = ("--mount", "--uts", "--ipc", "--pid", "--cgroup", "--fork", "--kill-child")
        enter = ["sh", "-c", _GROUP, "group", str(self.group)]
        return [*enter, *BOUNDED, "unshare", *namespaces, "sh", "-c", _BOOT, "booted", str(self._place)]

    def stop(self) -> None:
        super().stop()
        wait_until(self._removed, seconds=20, what=f"{self.group} is left by all")

    def _removed(self) -> bool:
        for directory, _, _ in os.walk(self.group, topdown=False):
            try:
                Path(directory).rmdir()
            except OSError:
                return False
        return not self.group.exists()


def _own_group() -> Path:
    """The directory of the control group these tests run in."""
    groups = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    top = Path("/sys/fs/cgroup")
    if (top / "cgroup.controllers").exists():
        found = next((path for _, names, path in groups if names == ""), None)
    else:
        top /= "systemd"
        found = next((path for _, names, path in groups if names == "name=systemd"), None)
    if found is None or not top.is_dir():
        raise RuntimeError("a booted machine needs cgroup version 2, or the hierarchy name=systemd")
    return top / found.lstrip("/")
