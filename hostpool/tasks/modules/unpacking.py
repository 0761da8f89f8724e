"""sh that unpacks an archive beside its place, compares it with what is there, and moves it in.

So nobody sees half of a file, whatever tar or unzip the host has serves for the comparison, and nothing
leads out of the place: tar and unzip refuse names with ``..``, and links on the way are looked at here.
"""

from __future__ import annotations

# $w is a directory of our own. Arguments: the place, whether really, the archive (a path, or nothing for
# standard input), whether newer files stay, whether names are listed, mode, owner, group, a key; how many
# words are for tar, how many of the others are unzip's options; the words.
UNPACK = r"""
dest=$1 really=$2 src=${hp_archive:-$3} newer=$4 list=$5 mode=$6 owner=$7 group=$8 key=$9
shift 9
for_tar=$1 options=$2
shift 2
fail() { echo "$1" >&2; exit 1; }
[ -d "$dest" ] || fail "dest '$dest' must be an existing dir"
case $dest in /*) ;; *) dest=$PWD/$dest ;; esac
case $src in '' | /*) ;; *) src=$PWD/$src ;; esac
LC_ALL=C; export LC_ALL
moved= stage=$w/stage
touch -r "$dest" -- "$w/time"
[ -z "$really" ] || stage=${dest%/}/.hostpool.$key
left() { # nothing was moved: the place is as it was
  rm -rf -- "$stage"
  [ -z "$really" ] || [ -n "$moved" ] || touch -c -r "$w/time" -- "$dest"
  rm -rf -- "$w"
}
trap left EXIT
mkdir -m 700 -- "$stage" && mkdir -- "$stage/t" || exit
if [ -z "$src" ]; then src=$stage/a; cat > "$src" || exit; fi
[ -e "$src" ] || fail "Source '$src' does not exist"
[ -f "$src" ] && [ -r "$src" ] || fail "Source '$src' not readable"
[ -s "$src" ] || fail "Invalid archive '$src', the file is 0 bytes"
case $(od -An -tx1 -N 6 < "$src" | tr -d ' \n') in
  1f8b*) kind=Tgz tool=gzip ;;
  425a68*) kind=Tar tool=bzip2 ;; # the peer's names: its tar finds out itself what packed a file
  fd377a585a00) kind=Tar tool=xz ;;
  28b52ffd*) kind=Tar tool=zstd ;;
  504b0304* | 504b0506* | 504b0708*) kind=Zip tool=unzip ;;
  *) kind=Tar tool=tar ;;
esac
for one in "$tool" $([ "$kind" = Zip ] || echo tar); do
  command -v "$one" >/dev/null 2>&1 || fail "the host has no $one to unpack it"
done
plain() { if [ "$tool" = tar ]; then cat; else "$tool" -dc; fi < "$src"; }
n=0
if [ "$kind" = Zip ]; then
  shift "$for_tar"
  [ "$options" != 0 ] || set -- "$src" "$@"
  for one; do
    n=$((n + 1)); shift
    set -- "$@" "$one"
    if [ "$n" = "$options" ]; then set -- "$@" "$src"; fi
  done
  unzip -qo "$@" -d "$stage/t" > "$w/said" 2>&1 < /dev/null
  [ $? -le 1 ] || fail "$(head -c 2000 "$w/said")"
else
  for one; do
    n=$((n + 1)); shift
    [ "$n" -gt "$for_tar" ] || set -- "$@" "$one"
  done
  plain | (cd "$stage/t" && tar -xf - "$@") > "$w/said" 2>&1 || fail "$(head -c 2000 "$w/said")"
fi
cd "$stage/t" || exit
if [ -n "$owner$group" ]; then find . ! -name . -exec chown -h -- "$owner${group:+:$group}" {} + || exit; fi
if [ -n "$mode" ]; then (umask 0; find . ! -name . ! -type l -exec chmod -- "$mode" {} +) || exit; fi
if [ -n "$newer" ]; then
  find . -type f -exec sh -c 'd=$1; shift; for f; do [ ! "$d/$f" -nt "$f" ] || rm -f -- "$f"; done' \
    sh "$dest" {} +
fi
if stat -c %a / >/dev/null 2>&1; then o=-c all='%n|%f|%u|%g|%s|%Y' some='%n|%f|%u|%g'
else o=-f all='%N|%p|%u|%g|%z|%m' some='%N|%p|%u|%g'; fi
if [ "$kind" = Zip ] && ! unzip -v 2>&1 | grep Info-ZIP >/dev/null; then
  all=${all%|*} # BusyBox's gives no file its time
fi
seen() { # where: what is there of all that was unpacked
  find . -type f -exec sh -c 'cd "$1" && shift && o=$1 f=$2 && shift 2 && stat "$o" "$f" -- "$@"' \
    sh "$1" "$o" "$all" {} +
  find . -type f -exec sh -c 'cd "$1" && shift && cksum -- "$@"' sh "$1" {} +
  find . -type l -exec sh -c 'cd "$1" && shift && for f; do echo "$f $(readlink -- "$f")"; done' \
    sh "$1" {} +
  find . ! -name . -type d -exec sh -c \
    'cd "$1" && shift && o=$1 f=$2 && shift 2 && stat -L "$o" "$f" -- "$@"' \
    sh "$1" "$o" "$some" {} +
}
seen . > "$w/new"; seen "$dest" > "$w/old" 2>/dev/null
result=same
cmp -s "$w/new" "$w/old" || result=differs
if [ -n "$list" ]; then
  if [ "$kind" = Zip ]; then unzip -Z1 "$src" 2>/dev/null
  else plain | (cd "$stage/t" && tar -tf -); fi > "$w/names"
  find . ! -name . \( -type d -exec sh -c 'for f; do echo "$f/"; done' sh {} + -o -print \) > "$w/found"
fi
inside() { # a link to a directory on the way
  case $(readlink -f -- "$1")/ in "$real"/*) ;; *) fail "$1 is a link that leads out of $dest" ;; esac
}
move() { # what is in a directory, the place
  for e in "$1"/* "$1"/.[!.]* "$1"/..?*; do
    [ -e "$e" ] || [ -L "$e" ] || continue
    to=$2/${e##*/}
    if [ -d "$e" ] && [ ! -L "$e" ] && [ -d "$to" ]; then
      [ ! -L "$to" ] || inside "$to"
      IFS='|' read -r m u g rest <<INFO
$(hp_stat "" "$e")
INFO
      chown -- "$u:$g" "$to" 2>/dev/null || [ "$(id -u)" != 0 ] || exit
      chmod -- "$m" "$to" || exit
      touch -r "$e" -- "$w/as"
      (move "$e" "$to") || exit
      touch -c -r "$w/as" -- "$2/${e##*/}"
      continue
    fi
    if [ -d "$to" ] && [ ! -L "$to" ]; then fail "$to is a directory, and no directory in the archive"; fi
    mv -fT -- "$e" "$to" 2>/dev/null || { rm -f -- "$to" && mv -f -- "$e" "$to"; } || exit
  done
}
if [ "$result" = differs ] && [ -n "$really" ]; then
  real=$(readlink -f -- "$dest" || echo "$dest"); real=${real%/}
  moved=yes
  (move . "${dest%/}") || exit
  result=changed
fi
printf '%s|%s\n\001end\n' "$result" "$kind"
hp_info "$dest" -L ""
[ -z "$list" ] || { cat "$w/names"; printf '\001end\n'; cat "$w/found"; }
"""
