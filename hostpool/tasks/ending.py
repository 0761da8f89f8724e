"""A program for the host that ends what a command left running there, and says whether it did."""

from __future__ import annotations

from hostpool.tasks.base import Effect, Run

# Ends $roots (by default our parent's other children) and all that descends from them, by process
# group: TERM, $tenths of a second of grace, KILL. The exit status is the number of groups left.
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
child() { [ "$ppid" = "$PPID" ] && [ "$pid" != "$$" ] && roots="$roots $pid"; }
grow() {
  case $seen in *" $pid "*) return;; esac
  case $seen in *" $ppid "*) seen="$seen$pid "; grew=1;; esac
}
group() {
  case $seen in *" $pid "*) ;; *) return;; esac
  case " $groups " in *" $pgid "*) return;; esac
  [ "$pgid" -gt 1 ] && groups="$groups $pgid"
}
table=$(list)
[ -n "$roots" ] || each_line child
seen=" $roots " grew=1 groups=
while [ -n "$grew" ]; do grew=; each_line grow; done
each_line group
# BusyBox takes no --, dash needs it
send() { kill -s "$1" -- "-$2" 2>/dev/null || kill -s "$1" "-$2" 2>/dev/null; }
each() { for g in $groups; do send "$1" "$g"; done; }
# A process that is dead and only waits to be reaped still counts as one for kill.
living() {
  case $state in [ZX]*) return;; esac
  case " $groups " in *" $pgid "*) ;; *) return;; esac
  case " $left " in *" $pgid "*) return;; esac
  left="$left $pgid"
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
    """Ends the process ``root`` and all below it; None: all that runs beside the program itself,
    below its own parent. Exit status 0: nothing is left."""
    roots = "" if root is None else root
    return Run(
        effect=Effect.CHANGE, program=f"tenths={int(grace * 10)} roots={roots}\n{_PROGRAM}", live=False
    )
