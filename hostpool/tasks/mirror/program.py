"""The sh programs that unpack what comes beside its place, and then put it there.

PROGRAM unpacks and goes on with the stream's last member, the script, which begins with FUNCTIONS: a shell
reads a program from a pipe byte by byte, so what can come in a file does. They go into each directory by
``cd -P`` and look where they are: a symlink on the host never leads them elsewhere.
One that leads nowhere goes first where mv fails: BusyBox's looks through it.
GNU tar reads and writes 10 KiB at a time unless its own variable says more: a tenth of its CPU for small
files. It does not say why it could write a part only, so ``room`` writes too: a full disk, a quota, a limit?
"""

from __future__ import annotations

MARK = b"hostpool:apply:1"

# $1 DEST, $2 the directory below it that holds all changes ("" for DEST), $3 "make" if DEST may be made,
# $4 a random word. Replies: a letter and a text, NUL, a reason, NUL.
PROGRAM = r"""umask 022
printf '%s\n' '@MARK@'
die() { printf 'X\0%s\0' "$1"; exit 0; }
if [ "$3" = make ] && ! [ -d "$1" ]; then why=$(mkdir -p -- "$1" 2>&1) || die "$why"; fi
CDPATH= cd -P -- "$1" 2>/dev/null || die "cannot enter $1"
R=$PWD
[ "$R" = / ] && R=
if [ -n "$2" ]; then
  CDPATH= cd -P -- "$R/$2" 2>/dev/null && [ "$PWD" = "$R/$2" ] || die "cannot enter $R/$2"
fi
S=${PWD%/}/.hostpool-$$.$4
umask 077
why=$(mkdir "$S" 2>&1) || die "$why"
umask 022
N='
'
clean() { cd / && rm -rf "$S" 2>/dev/null || { chmod -R u+rwx "$S"; rm -rf "$S"; }; }
trap clean EXIT
trap '' PIPE
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
room() {
  if why=$(LC_ALL=C dd if=/dev/zero of="$S/room" bs=65536 count=16 2>&1); then why="no room: $line"
  else why=${why%%"$N"*} why="${line%: *}: ${why##*: }"; fi
}
first() {
  text=$1 why='failed without a word'
  while [ -n "$text" ]; do
    line=${text%%"$N"*}
    case $line in
      *'time stamp'*) ;;
      *'Wrote only '*) room; return ;;
      *) why=$line; return ;;
    esac
    text=${text#"$line"}
    text=${text#"$N"}
  done
}
text=$(LC_ALL=C TAR_OPTIONS=-b128 tar -xpof - -C "$S" 2>&1) || { first "$text"; die "unpacking: $why"; }
[ -f "$S/apply" ] || die 'unpacking: the stream was cut short'
. "$S/apply"
""".replace("@MARK@", MARK.decode())

FUNCTIONS = r"""fails=0 olds=0 acls= part= E=$S/err
said() { text=; IFS= read -r text < "$E"; first "$text"; }
F() { fails=$((fails + 1)); printf 'F%s\0%s\0' "$1" "$2"; }
V() { got=$($3 < "$S/t/$1"); [ "${got%% *}" = "$2" ] || die "$1: its content is not what was sent"; }
D() {
  d=${1:+$1/} T=$S/t${1:+/$1}
  if [ -n "$1" ]; then where=$R/$1; else where=${R:-/}; fi
  CDPATH= cd -P -- "$where" 2>"$E" && [ "$PWD" = "$where" ] && return 0
  said
  fails=$((fails + 1))
  printf 'D%s\0%s\0' "$1" "$why"
  return 1
}
Q() { if [ -h "$1" ] && ! [ -e "$1" ]; then rm -f "$1"; fi; }
M() {
  mv -f -- "$@" . 2>"$E" && return
  for s; do
    if [ -e "$s" ] || [ -h "$s" ]; then
      Q "./${s##*/}"
      mv -f -- "$s" . 2>"$E" || { said; F "${s#"$S/t/"}" "$why"; }
    fi
  done
}
I() {
  for f; do
    if [ -f "./$f" ] && ! [ -h "./$f" ]; then
      { cat < "$T/$f" > "./$f" && touch -c -r "$T/$f" "./$f"; } 2>"$E" || { said; F "$d$f" "$why"; }
    else M "$T/$f"; fi
  done
}
X() {
  mkdir "./.hostpool-$$.$$" 2>"$E" || { said; F "$d." "$why"; return; }
  for s; do
    f=${s##*/}
    Q "./$f"
    cp -pPR "$s" "./.hostpool-$$.$$/" 2>"$E" && mv -f "./.hostpool-$$.$$/$f" . 2>"$E" ||
      { said; F "$d$f" "$why"; }
  done
  rm -rf "./.hostpool-$$.$$"
}
B() {
  olds=$((olds + 1))
  if [ "$2" != all ] && [ -d "./$1" ] && ! [ -h "./$1" ]; then
    rmdir "./$1" 2>"$E" || { said; F "$d$1" "a directory is in the way: $why"; return; }
  else
    mv -f "./$1" "$S/old.$olds" 2>"$E" || { said; F "$d$1" "what is in the way: $why"; return; }
  fi
  mv -f "$T/$1" . 2>"$E" && return
  said
  F "$d$1" "$why"
  mv -f "$S/old.$olds" "./$1" 2>/dev/null
}
P() {
  [ -z "$part" ] || return 0
  o=$1
  shift
  f=./${1##*/}
  if [ -O "$f" ] && [ -G "$f" ] && [ -O "$1" ] && [ -G "$1" ]; then return; fi 2>/dev/null
  chown -h "$o" "$@" 2>"$E" || printf 'O%s\0%s\0' "$d" "$o"
}
G() {
  [ -z "$acls" ] || return 0
  if command -v setfacl >/dev/null && command -v getfacl >/dev/null; then
    [ -z "$(getfacl -ps -- "$@" 2>/dev/null)" ] || acls=yes
  elif ls -ld "$@" 2>/dev/null | grep -q '^[^ ]*+'; then acls=yes
  fi
}
A() {
  if [ "$acls" ]; then
    if command -v setfacl >/dev/null && command -v getfacl >/dev/null; then
      getfacl -ps -- "$@" > "$S/acl" 2>/dev/null
    elif ls -ld "$@" 2>/dev/null | grep -q '^[^ ]*+'; then
      printf 'A%s\0\0' "$d"
    fi
  fi
  [ -d /sys/fs/selinux ] || return 0
  for f; do chcon --reference="$f" "$T/${f#./}" 2>/dev/null || printf 'A%s\0\0' "$d$f"; done
}
Y() {
  [ -s "$S/acl" ] || return 0
  m=$1
  shift
  setfacl --restore="$S/acl" 2>/dev/null || printf 'A%s\0\0' "$d"
  C "$m" "$@"
}
N() {
  if [ -d /sys/fs/selinux ] && command -v restorecon >/dev/null; then restorecon -R "$@" 2>/dev/null; fi
}
each() {
  "$@" 2>"$E" && return
  a=$1 b=$2
  shift 2
  for f; do "$a" "$b" "$f" 2>"$E" || { said; F "$d${f#./}" "$why"; }; done
}
C() { each chmod "$@"; }
O() { each chown "$@"; }
T() { export TZ=UTC0; each stamp "$@"; }
stamp() { s=$1; shift; touch -c -t "$s" "$@"; }
K() {
  [ "$fails" = 0 ] || return
  rm -rf "$@" 2>"$E" && return
  for f; do if [ -e "$f" ] || [ -h "$f" ]; then said; F "$d${f#./}" "$why"; fi; done
}
L() {
  for f; do
    p=${f##*.hostpool-} p=${p%%.*}
    [ -d "/proc/$p" ] || kill -0 "$p" 2>/dev/null || rm -rf "./$f"
  done
}
"""
"""After it ``finish`` is defined, then END."""

END = r"""clean
trap - EXIT
E=/dev/null
finish
printf 'Z\0\0'
"""
