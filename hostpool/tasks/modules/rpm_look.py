"""What rpm has, and dnf or yum called: the programs for the host. Source: dnf(8), dnf5(8), rpm(8)."""

from __future__ import annotations

_HEAD = r"""
set -f
export LC_ALL=C LANG=C
hp_tool= hp_root=$2 hp_wait=$3 hp_fresh=$4
for hp_each in $1 dnf5 dnf yum; do
  command -v "$hp_each" >/dev/null && { hp_tool=$hp_each; break; }
done
shift 4
[ -n "$hp_tool" ] || { echo "neither dnf nor yum is on this host" >&2; exit 127; }
hp_dir=$(mktemp -d) || exit
trap 'rm -rf -- "$hp_dir"' EXIT; trap 'exit 129' HUP; trap 'exit 130' INT; trap 'exit 143' TERM
hp_rpm() { # format, what is asked
  hp_format=$1; shift; rpm --root "$hp_root" --qf "$hp_format" "$@" 2>/dev/null
}
[ -z "$hp_fresh" ] || "$hp_tool" -q clean expire-cache </dev/null >/dev/null 2>&1
"""
LOOK = (
    _HEAD
    + r"""
hp_full='%{NAME}|%{EPOCHNUM}:%{VERSION}-%{RELEASE}|%{ARCH}\n'
hp_look() { # a specification; leaves what fits it in found, or what stands in its place in other
  : > "$hp_dir/found"; : > "$hp_dir/other"
  case $1 in
    @*|*://*|'*') return ;;
    *.rpm) hp_that=$(rpm -qp --qf '%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}' -- "$1" 2>/dev/null) &&
      hp_rpm "$hp_full" -q -- "$hp_that" > "$hp_dir/found" ;;
    /*) hp_rpm "$hp_full" -q --whatprovides -- "$1" > "$hp_dir/found" ;;
    *[*?]*) hp_rpm "$hp_full" -qa -- "$1" > "$hp_dir/found" ;;
    *) hp_rpm "$hp_full" -q -- "$1" > "$hp_dir/found" && return
      hp_rpm "$hp_full" -q --whatprovides -- "$1" > "$hp_dir/found" && return
      hp_base=$1
      while [ "$hp_base" != "${hp_base%-*}" ]; do
        hp_base=${hp_base%-*}
        hp_rpm "$hp_full" -q -- "$hp_base" > "$hp_dir/other" && return
      done ;;
  esac
}
hp_say() { # rpm also says on stdout what it does not have
  while IFS= read -r hp_line; do
    case $hp_line in *'|'*'|'*) printf '%s\t%s\t%s\n' "$1" "$2" "$hp_line" ;; esac
  done
}
state=$1 count=$2; shift 2
while [ "$count" -gt 0 ]; do
  hp_look "$1"; hp_say I "$1" < "$hp_dir/found"
  hp_say O "$1" < "$hp_dir/other"
  shift; count=$((count - 1))
done
case $state in
  latest) "$hp_tool" -q check-update "$@" </dev/null > "$hp_dir/out" 2>"$hp_dir/err"; rc=$?
    [ "$rc" = 0 ] || [ "$rc" = 100 ] || { cat "$hp_dir/err" >&2; exit 1; }
    awk '/^Obsoleting/ { exit } NF == 3 && $1 ~ /\./ { print "U\t" $1 }' "$hp_dir/out" ;;
  autoremove) "$hp_tool" -q repoquery --unneeded "$@" </dev/null > "$hp_dir/out" 2>"$hp_dir/err" ||
      { cat "$hp_dir/err" >&2; exit 1; }
    awk 'NF == 1 { print "U\t" $1 }' "$hp_dir/out" ;;
esac
"""
)
"""Arguments: tool, root, seconds for a lock, whether to read repositories anew; state, count, that many
specifications, options. Answers ``I``, the specification, a full name for what is installed, ``O`` for
other versions, ``U`` for what can be updated (or is not needed)."""

CHANGE = (
    _HEAD
    + r"""
hp_all() { hp_rpm '%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}\n' -qa | sort; }
hp_run() { # count, words of which the first so many are the command
  hp_count=$1 hp_done=0; shift
  while [ "$hp_done" -lt "$hp_count" ]; do set -- "$@" "$1"; shift; hp_done=$((hp_done + 1)); done
  shift $(($# - hp_count))
  [ "$hp_tool" = dnf5 ] || set -- --setopt=exit_on_lock=True "$@"
  hp_until=$(($(date +%s) + hp_wait))
  while :; do
    "$hp_tool" "$@" </dev/null >"$hp_dir/out" 2>"$hp_dir/err"; hp_rc=$?
    [ "$hp_rc" != 0 ] && [ "$(date +%s)" -lt "$hp_until" ] &&
      grep -q 'already locked by\|another copy is running' "$hp_dir/out" "$hp_dir/err" || break
    sleep 1
  done
  return "$hp_rc"
}
hp_all > "$hp_dir/before"; rc=0
while [ $# -gt 0 ]; do
  count=$1; shift
  hp_run "$count" "$@" || { rc=$?; break; }
  shift "$count"
done
hp_all > "$hp_dir/after"
comm -13 "$hp_dir/before" "$hp_dir/after" | sed 's/^/Installed: /'
comm -23 "$hp_dir/before" "$hp_dir/after" | sed 's/^/Removed: /'
[ "$rc" = 0 ] || cat "$hp_dir/out" "$hp_dir/err" >&2
exit "$rc"
"""
)
"""Arguments: the first four of LOOK; then for each call of dnf its number of words and the words."""
