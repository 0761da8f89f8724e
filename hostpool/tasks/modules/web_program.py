"""sh that makes a request with curl or wget, whichever the host has, and tells what came of it."""

from __future__ import annotations

# Arguments: what only curl can do, what BusyBox's wget cannot, seconds, whether there is a body.
# hp_web OUT FILE: the answer to OUT, if it is newer than FILE (if any); hp_rc is how that ended, hp_code
# the status, hp_end where it came from.
WEB = r"""
hp_only=$1 hp_plain=$2 hp_time=$3 hp_has=$4
shift 4
umask 077
w=$(mktemp -d "${TMPDIR:-/tmp}/hostpool.XXXXXXXX") || exit
hp_out=
trap 'rm -rf -- "$w" ${hp_out:+"$hp_out"}' EXIT
trap 'exit 129' HUP; trap 'exit 130' INT; trap 'exit 143' TERM
for hp_one in curl wget url; do IFS= read -r hp_line; printf %b "$hp_line" > "$w/$hp_one" || exit; done
cat > "$w/body" || exit
hp_url=$(cat "$w/url")
hp_newer() { # file, what stands around a header in a configuration
  hp_date=$(LC_ALL=C date -u -r "$1" '+%a, %d %b %Y %H:%M:%S GMT' 2>/dev/null) || return 0
  printf 'header = "If-Modified-Since: %s"\n' "$hp_date" >> "$w/curl"
  printf 'header = If-Modified-Since: %s\n' "$hp_date" >> "$w/wget"
}
hp_without() { [ -z "$1" ] || { echo "$2 cannot do it ($1): install curl on the host" >&2; exit 81; }; }
hp_watched() { # process, its file: ends it when nothing comes for hp_time seconds
  hp_size=x hp_still=0
  while kill -0 "$1" 2>/dev/null; do
    hp_now=$(wc -c < "$2" 2>/dev/null)
    if [ "$hp_now" = "$hp_size" ]; then hp_still=$((hp_still + 1)); else hp_still=0 hp_size=$hp_now; fi
    [ "$hp_still" -lt "$hp_time" ] || kill "$1"
    sleep 1
  done
  wait "$1"; hp_rc=$?
}
hp_web() {
  [ -z "$2" ] || hp_newer "$2"
  : > "$w/head"; : > "$w/err"
  hp_end=$hp_url
  if command -v curl >/dev/null 2>&1; then
    set -- "$1" -q -K "$w/curl" -o "$1" -D "$w/head" -w '%{url_effective}'
    [ -z "$hp_has" ] || set -- "$@" --data-binary "@$w/body"
    hp_to=$1; shift
    hp_end=$(curl "$@" 2> "$w/err"); hp_rc=$?
    [ -e "$hp_to" ] || : > "$hp_to"
  elif ! command -v wget >/dev/null 2>&1; then
    echo 'the host has neither curl nor wget' >&2; exit 81
  elif wget --version 2>/dev/null | grep 'GNU Wget' >/dev/null; then
    hp_without "$hp_only" wget
    [ -z "$hp_has" ] || printf 'body_file = %s\n' "$w/body" >> "$w/wget"
    wget --config="$w/wget" -nv -S -o "$w/err" -O "$1" -i "$w/url"; hp_rc=$?
    sed -n 's/^  //p' "$w/err" > "$w/head"
  else
    hp_without "$hp_plain" "BusyBox's wget"
    case $(wget --help 2>&1) in
      *'-T SEC'*) wget -T "$hp_time" -O "$1" "$hp_url" 2> "$w/err"; hp_rc=$? ;;
      # one that was built without time limits; Debian's crashes then (github.com/mirror/busybox/issues/124)
      *) wget -O "$1" "$hp_url" 2> "$w/err" & hp_watched "$!" "$1" ;;
    esac
    if [ "$hp_rc" = 0 ]; then echo 'HTTP/1.1 200 OK'
    else sed -n 's/.*server returned error: //p' "$w/err"; fi > "$w/head"
  fi
  [ "$hp_rc" != 153 ] || echo 'the answer is too large' >> "$w/err" # SIGXFSZ of ulimit
  hp_code=$(sed -n 's/^HTTP\/[0-9.]* *\([0-9][0-9]*\).*/\1/p' "$w/head" | tail -n 1)
  case $hp_url in
    [Hh][Tt][Tt][Pp]*) ;;
    *) [ "$hp_rc" != 0 ] || hp_code=200 ;;
  esac
}
hp_said() { # what take_answer reads
  printf '%s|%s|%s\n\001end\n' "$hp_rc" "${hp_code:-0}" "$hp_end"
  cat "$w/head"; printf '\001end\n'
  head -c 4096 "$w/err"; printf '\001end\n'
}
"""
