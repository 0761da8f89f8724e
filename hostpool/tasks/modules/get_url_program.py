"""What get_url has the host do, in one go: look, ask, compare, put it in its place."""

from __future__ import annotations

from hostpool.tasks.modules.paths import INFO, SET
from hostpool.tasks.modules.web_program import WEB
from hostpool.tasks.modules.writing import HP_INSTALL

SUMS = (
    INFO
    + WEB
    + r"""
ulimit -f 4096
hp_web "$w/out" ""; hp_said
[ "$hp_code" != 200 ] || cat "$w/out"
"""
)
GET = (
    INFO
    + SET
    + HP_INSTALL
    + WEB
    + r"""
dest=$1 really=$2 alg=$3 want=$4 force=$5 mode=$6 owner=$7 group=$8 old=$9
shift 9
unsafe=$1 key=$2 place=$3
hp_put() { # what became of it, the SHA-1 of what came, of what was there, MD5
  printf '%s|%s|%s|%s|%s\n\001end\n' "$1" "$2" "$3" "$4" "$hp_size"; printf '%s\n\001end\n' "$dest"
  hp_info "$dest" -L ""
}
hp_one_sum() { hp_sum "$1" "$2" | sed 's/[ *].*//;q'; }
case $dest in */*) ;; *) dest=./$dest ;; esac
into= hp_size=0
[ ! -d "$dest" ] || { into=$dest hp_plain=${hp_plain:-"the name the server says"}; }
newer=
if [ -z "$into" ] && [ -f "$dest" ]; then
  [ -n "$force" ] || newer=$dest
  if [ -n "$alg" ] && [ -z "$force" ]; then
    [ "$(hp_one_sum "$alg" "$dest")" != "$want" ] || { hp_put have '' '' ''; exit; }
    newer=
  fi
fi
up=${into:-${dest%/*}}
[ -d "${up:-/}" ] || { echo "Destination $up does not exist" >&2; exit 82; }
if [ -n "$really" ]; then hp_out=${place:-$up}/.hostpool.$key; else hp_out=$w/out; fi
[ -z "$place" ] || [ -d "$place" ] || { echo "$place directory does not exist." >&2; exit 83; }
hp_web "$hp_out" "$newer"
if [ "$hp_code" = 304 ]; then hp_put same '' '' ''; hp_said; exit; fi
if [ "$hp_code" != 200 ] || [ "$hp_rc" != 0 ]; then hp_put failed '' '' ''; hp_said; exit; fi
if [ -n "$into" ]; then
  name=$(tr -d '\r' < "$w/head" |
    sed -n 's/^[Cc]ontent-[Dd]isposition:.*filename="\{0,1\}\([^";]*\).*/\1/p' | tail -n 1)
  name=${name##*/}
  if [ -z "$name" ]; then
    name=${hp_end%%[?#]*}; name=${name#*://}
    case $name in */*) name=${name##*/} ;; *) name= ;; esac
  fi
  case $name in '' | . | ..) name=index.html ;; esac
  dest=${into%/}/$name
  [ ! -d "$dest" ] || { echo "$dest is a directory" >&2; exit 84; }
fi
new=$(hp_one_sum sha1 "$hp_out") md5=$(hp_one_sum md5 "$hp_out") was=
hp_size=$(wc -c < "$hp_out")
[ ! -f "$dest" ] || was=$(hp_one_sum sha1 "$dest")
if [ -n "$alg" ]; then
  got=$(hp_one_sum "$alg" "$hp_out")
  [ "$got" = "$want" ] || { hp_put "other $got" "$new" "$was" ''; hp_said; exit; }
fi
if [ -n "$was" ] && [ "$new" = "$was" ] || [ -z "$really" ]; then
  if [ -n "$new" ] && [ "$new" = "$was" ]; then hp_put same "$new" "$was" "$md5"
  else hp_put differs "$new" "$was" "$md5"; fi
  hp_said; exit
fi
keep=
if [ -e "$dest" ]; then
  IFS='|' read -r now uid gid rest <<INFO
$(hp_stat -L "$dest")
INFO
  keep=$uid:$gid
fi
[ -z "$old" ] || [ ! -e "$dest" ] || old=$dest$old
hp_install "$dest" "$dest.$key" "${mode:-${now:-0644}}" "$keep" "$owner" "$group" "$old" "" "" "" \
  "$unsafe" "" "$hp_out" > /dev/null || exit
hp_put changed "$new" "$was" "$md5"; hp_said
"""
)
