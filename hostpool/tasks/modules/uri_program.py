"""What uri has the host do, in one go: look, ask, put the answer's content where it is wanted."""

from __future__ import annotations

from hostpool.tasks.modules.editing import LARGEST
from hostpool.tasks.modules.paths import INFO, SET
from hostpool.tasks.modules.web_program import WEB
from hostpool.tasks.modules.writing import HP_INSTALL

ASK = (
    INFO
    + SET
    + HP_INSTALL
    + WEB
    + rf"""
creates=$1 removes=$2 dest=$3 good=$4 mode=$5 owner=$6 group=$7 unsafe=$8 key=$9
shift 9
[ -z "$1" ] || cat < "$1" > "$w/body" || exit
skip() {{ printf "skipped, since '%s' %s\n\001end\n" "$1" "$2"; exit; }}
[ -z "$creates" ] || [ ! -e "$creates" ] || skip "$creates" exists
[ -z "$removes" ] || [ -e "$removes" ] || skip "$removes" 'does not exist'
newer=
case $dest in '' | */*) ;; *) dest=./$dest ;; esac
if [ -z "$dest" ]; then hp_out=$w/out; ulimit -f {LARGEST // 512 + 4096}
else
  up=$dest
  [ -d "$dest" ] || {{ up=${{dest%/*}}; [ ! -f "$dest" ] || newer=$dest; }}
  [ -d "${{up:-/}}" ] || {{ echo "Destination $up does not exist" >&2; exit 82; }}
  hp_out=$up/.hostpool.$key
fi
hp_web "$hp_out" "$newer"
if [ -d "$dest" ]; then
  name=${{hp_end%%[?#]*}}; name=${{name#*://}}
  case $name in */*) name=${{name##*/}} ;; *) name= ;; esac
  case $name in '' | . | ..) name=index.html ;; esac
  dest=${{dest%/}}/$name
  [ ! -d "$dest" ] || {{ echo "$dest is a directory" >&2; exit 84; }}
fi
printf '\001end\n'; hp_said
[ -z "$dest" ] || head -c {LARGEST + 1} "$hp_out" > "$w/out"
changed=
case " $good " in *" $hp_code "*)
  if [ -n "$dest" ] && [ "$hp_code" != 304 ]; then
    keep= now=
    if [ -e "$dest" ]; then
      IFS='|' read -r now uid gid rest <<INFO
$(hp_stat -L "$dest")
INFO
      keep=$uid:$gid
    fi
    cmp -s "$hp_out" "$dest" || {{
      hp_install "$dest" "$dest.$key" "${{mode:-${{now:-0644}}}}" "$keep" "$owner" "$group" "" "" "" "" \
        "$unsafe" "" "$hp_out" > /dev/null || exit
      changed=changed
    }}
  fi ;;
esac
printf '%s|%s\n\001end\n' "$changed" "$dest"
hp_info "${{dest:-/}}" -L ""
head -c {LARGEST + 1} "$w/out"
"""
)
