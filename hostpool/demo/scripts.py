"""Commands that answer in character: small sh scripts, first on the PATH of every demo host.

They read the host's facts from ``$DEMO_HOST/facts``. What they do not know they leave to the real
command, further on the PATH. A fleet's hosts share one machine, so what would stop or restart that
machine is answered by a refusal.
"""

from __future__ import annotations

_HEAD = '#!/bin/sh\n. "$DEMO_HOST/facts"\nreal() { PATH=${PATH#*:}; export PATH; exec "$@"; }\n'

COMMANDS = {
    "hostname": """
case "$*" in
  ""|-s) echo "$name" ;;
  -f|--fqdn) echo "$name.example.com" ;;
  -d) echo example.com ;;
  *) echo "hostname: the demo's hosts keep their names" >&2; exit 1 ;;
esac
""",
    "uname": """
case "$*" in
  -n) echo "$name" ;;
  -r) echo "$kernel" ;;
  -a) echo "Linux $name $kernel #1 SMP PREEMPT_DYNAMIC Debian x86_64 GNU/Linux" ;;
  *) real uname "$@" ;;
esac
""",
    "uptime": """
case "$*" in
  "") echo " $(date +%T) up $days days, $clock,  1 user,  load average: $load" ;;
  -p) echo "up $days days" ;;
  *) real uptime "$@" ;;
esac
""",
    "nproc": """
[ $# = 0 ] || real nproc "$@"
echo "$cpus"
""",
    "df": """
case "$*" in
  ""|-h|/|"-h /")
    printf '%-15s %5s %5s %5s %4s %s\\n' Filesystem Size Used Avail Use% 'Mounted on'
    printf '%-15s %5s %5s %5s %4s %s\\n' /dev/vda1 $disk_size $disk_used $disk_free $disk_percent / ;;
  *) real df "$@" ;;
esac
""",
    "systemctl": """
verb=$1 unit=${2%.service}
case $unit in
  "$service"|ssh|cron) ;;
  "") echo "systemctl: the demo's hosts know: is-active status start stop restart reload" >&2; exit 1 ;;
  *) [ "$verb" = is-active ] && { echo inactive; exit 3; }
     echo "Failed to $verb $unit.service: Unit $unit.service not found." >&2; exit 5 ;;
esac
stopped=$DEMO_HOST/stopped.$unit
[ -e "$stopped" ] && state=inactive || state=active
case $verb in
  is-active) echo "$state"; [ "$state" = active ] || exit 3 ;;
  status)
    echo "$unit.service - $unit on $name"
    echo "     Active: $state"
    [ "$state" = active ] || exit 3 ;;
  start|restart) rm -f "$stopped" ;;
  reload) [ "$state" = active ] || { echo "$unit.service is not active, cannot reload." >&2; exit 1; } ;;
  stop) : >"$stopped" ;;
  *) echo "systemctl: the demo's hosts know: is-active status start stop restart reload" >&2; exit 1 ;;
esac
""",
} | dict.fromkeys(
    ("reboot", "shutdown", "poweroff", "halt"),
    """
echo "$name: the demo's hosts share this machine: it is not stopped or restarted" >&2
exit 1
""",
)

# the login shells of hosts with a quirk: sshd runs every command as `SHELL -c COMMAND`
SLOW_SHELL = '#!/bin/sh\nsleep 2\nexec /bin/sh "$@"\n'
FAILING_SHELL = '#!/bin/sh\n. "$DEMO_HOST/facts"\necho "$name: /var: No space left on device" >&2\nexit 1\n'


def commands() -> dict[str, str]:
    """Name and text of every script."""
    return {name: _HEAD + body.lstrip("\n") for name, body in COMMANDS.items()}
