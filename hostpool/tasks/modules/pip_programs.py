"""pip on the host: which one it is, what it has installed, and the change. Source: the manual of pip."""

from __future__ import annotations

_HEAD = r"""
set -f
chdir=$1 env=$2 executable=$3; shift 3
cd -- "${chdir:-${TMPDIR:-/tmp}}" || exit
missing() { printf '%s\n' "$1" >&2; exit 1; }
choose() { # the pip to use; python is set where it is a module of that
  python= pip=
  if [ -n "$env" ]; then
    for each in pip3 pip; do [ ! -x "$env/bin/$each" ] || { pip=$env/bin/$each; break; }; done
    [ -n "$pip" ] ||
      missing "Unable to find pip in the virtualenv, $env, under any of these names: pip3, pip. $present"
    PATH=$env/bin:$PATH
  elif [ -n "$executable" ]; then
    pip=$(command -v -- "$executable") ||
      missing "Unable to find any of $executable to use.  pip needs to be installed."
  elif python3 -m pip --version >/dev/null 2>&1; then python=$(command -v python3) pip=pip
  else pip=$(command -v pip3 || command -v pip) ||
      missing 'Unable to find any of pip3 to use.  pip needs to be installed.'
  fi
}
present='Make sure pip is present in the virtualenv.'
call() { if [ -n "$python" ]; then "$python" -m pip "$@"; else "$pip" "$@"; fi </dev/null; }
installed() {
  PIP_DISABLE_PIP_VERSION_CHECK=1 LC_ALL=C call list --format=freeze 2>/dev/null || call freeze
}
say() { printf '\001%s\n' "$1"; }
"""
LOOK = (
    _HEAD
    + r"""
if [ -n "$env" ] && [ ! -e "$env/bin/activate" ]; then say absent; exit 0; fi
choose
say pip; [ -z "$python" ] || printf '%s\n-m\n' "$python"; printf '%s\n' "$pip"
say list; installed || exit
[ $# -gt 0 ] || exit 0
said=$(mktemp) || exit
trap 'rm -f -- "$said"' EXIT
say dry; call "$@" --dry-run 2>"$said"; rc=$?
[ "$rc" != 0 ] || exit 0
if grep -q 'no such option: --dry-run' "$said"; then say unknown; else cat "$said" >&2; exit "$rc"; fi
"""
)
CHANGE = (
    _HEAD
    + r"""
umask=$1 system=$2 compare=$3 absent=$4 count=$5; shift 5
[ -z "$umask" ] || umask "$umask" || exit
[ -z "$system" ] || export PIP_BREAK_SYSTEM_PACKAGES=1
create() { # so many words of which the first count are the command
  done=0
  while [ "$done" -lt "$count" ]; do set -- "$@" "$1"; shift; done=$((done + 1)); done
  shift $(($# - count))
  command -v -- "$1" >/dev/null || missing "Failed to find required executable \"$1\" in paths: $PATH"
  "$@" </dev/null
}
if [ -n "$env" ] && [ ! -e "$env/bin/activate" ]; then say created; create "$@" || exit; fi
shift "$count"
choose
say pip; [ -z "$python" ] || printf '%s\n-m\n' "$python"; printf '%s\n' "$pip"
if [ -n "$compare" ]; then say before; installed || exit; fi
say output; call "$@"; rc=$?
if [ -n "$compare" ]; then say after; installed || exit; fi
exit "$rc"
"""
)
