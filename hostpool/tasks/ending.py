"""A program for the host that ends what a command left running there, and says whether it did."""

from __future__ import annotations

from hostpool.tasks.base import Effect, Run

# Ends $roots (by default what else this connection runs) and all that descends from it: TERM, $tenths of
# a second of grace, KILL. The exit status is the number of processes and groups left, 125 when it is not
# certain what belongs to the connection: then nothing was sent to anybody.
_PROGRAM = r"""
list() {
  ps -A -o pid= -o ppid= -o pgid= -o stat= 2>/dev/null || ps -o pid= -o ppid= -o pgid= -o stat= 2>/dev/null ||
  for f in /proc/[0-9]*/stat; do
    read -r line < "$f" || continue
    pid=${line%% *}; set -- ${line##*) }; echo "$pid $2 $3 $1"
  done 2>/dev/null
}
each_line() { while read -r pid ppid pgid state; do "$1"; done <<END
$table
END
}
# Where the server is gone our parent is process 1, and a server may have one process for all connections:
# their other children are everybody's. So the parent must be a process of this connection alone.
title() { tr '\0' ' ' < "/proc/$1/cmdline" 2>/dev/null || ps -o args= -p "$1" 2>/dev/null; }
is_of_connection() {
  [ -n "$SSH_CONNECTION" ] && tr '\0' '\n' < "/proc/$1/environ" 2>/dev/null |
    grep -Fqx "SSH_CONNECTION=$SSH_CONNECTION"
}
parent() {
  [ "$pid" = "$$" ] && [ "$ppid" = "$PPID" ] && [ "$ppid" -gt 1 ] && same=1
  [ "$pid" = "$PPID" ] && foreign="$foreign$pgid "
}
child() {
  [ "$ppid" = "$PPID" ] && [ "$pid" != "$$" ] || return
  if [ -n "$alone" ] || is_of_connection "$pid"; then roots="$roots $pid"; else unsure=1; fi
}
grow() {
  case $seen in *" $pid "*) return;; esac
  case $seen in *" $ppid "*) seen="$seen$pid "; grew=1;; esac
}
# By group, which also finds those that were orphaned; never by one that is the server's or our own.
group() {
  case $seen in *" $pid "*) ;; *) return;; esac
  case $foreign in *" $pgid "*) set -- "$pid";; *) set -- "-$pgid";; esac
  case " $groups " in *" $1 "*) ;; *) groups="$groups $1";; esac
}
ours() { [ "$pid" = "$$" ] && foreign="$foreign$pgid "; }
table=$(list) foreign=" 0 1 "
each_line ours
if [ -z "$roots" ]; then
  same= unsure= alone=
  each_line parent
  [ -n "$same" ] || exit 125
  case $(title "$PPID") in *"[listener]"*) ;; sshd*": "*@*) alone=1;; esac
  each_line child
  [ -z "$unsure" ] || exit 125
fi
seen=" $roots " grew=1 groups=
while [ -n "$grew" ]; do grew=; each_line grow; done
each_line group
# BusyBox takes no --, dash needs it
send() { kill -s "$1" -- "$2" 2>/dev/null || kill -s "$1" "$2" 2>/dev/null; }
each() { for g in $groups; do send "$1" "$g"; done; }
# A process that is dead and only waits to be reaped still counts as one for kill.
living() {
  case $state in [ZX]*) return;; esac
  for g in "-$pgid" "$pid"; do
    case " $groups " in *" $g "*) ;; *) continue;; esac
    case " $left " in *" $g "*) ;; *) left="$left $g";; esac
  done
}
alive() {
  left=
  for g in $groups; do send 0 "$g" && left="$left $g"; done
  groups=$left left=
  [ -n "$groups" ] || return 1
  table=$(list)
  each_line living
  groups=$left
  [ -n "$groups" ]
}
doze() { sleep 0.1 2>/dev/null || sleep 1; }
each TERM; each CONT
n=0; while alive && [ "$n" -lt "$tenths" ]; do doze; n=$((n + 1)); done
each KILL
n=0; while alive && [ "$n" -lt 15 ]; do doze; n=$((n + 1)); done
set -- $groups; exit $#
"""


def ending(root: int | None, grace: float) -> Run:
    """Ends the process ``root`` and all below it; None: all that runs beside the program itself on its
    own SSH connection. Exit status 0: nothing is left."""
    roots = "" if root is None else root
    return Run(
        effect=Effect.CHANGE, program=f"tenths={int(grace * 10)} roots={roots}\n{_PROGRAM}", live=False
    )
