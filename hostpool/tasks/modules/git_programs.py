"""git on the host: what is asked of a checkout and of where it comes from, and the change.

Source: git-clone(1), git-fetch(1), git-ls-remote(1), git-submodule(1).
"""

from __future__ import annotations

_HEAD = r"""
hp_git=$1 hp_ssh=$2 hp_umask=$3; shift 3
export LC_ALL=C LANGUAGE=C GIT_TERMINAL_PROMPT="${GIT_TERMINAL_PROMPT-0}"
GIT_SSH_COMMAND="${GIT_SSH:-${GIT_SSH_COMMAND:-ssh}} $hp_ssh"; export GIT_SSH_COMMAND
[ -z "$hp_umask" ] || umask "$hp_umask" || exit
command -v "$hp_git" >/dev/null || { echo "$hp_git is not on this host" >&2; exit 127; }
g() { "$hp_git" "$@" </dev/null; }
"""
LOOK = (
    _HEAD
    + r"""
dest=$1 bare=$2 version=$3 repo=$4 remote=$5 update=$6
export GIT_OPTIONAL_LOCKS=0 # status would refresh the index
say() { printf '%s\t%s\n' "$1" "$2"; }
case $dest in ''|/*) ;; *) dest=$PWD/$dest ;; esac
case $dest in ?*/) dest=${dest%/} ;; esac
dir=$dest; [ -n "$bare" ] || dir=$dest/.git
if [ -n "$dest" ] && [ -f "$dir" ]; then
  to=$(sed -n 's/^gitdir: //p' "$dir")
  case $to in /*) dir=$to ;; *) dir=$dest/$to ;; esac
  [ -d "$dir" ] || { echo "the .git of $dest refers to $dir, which is no directory" >&2; exit 1; }
fi
say dest "$dest"; head= branch= asked=$version
if [ -n "$dest" ] && [ -e "$dir/config" ]; then
  cd -- "$dest" || exit
  head=$(g rev-parse HEAD 2>/dev/null)
  branch=$(g symbolic-ref -q HEAD); branch=${branch#refs/heads/}
  say dir "$dir"; say head "$head"; say branch "$branch"
  say url "$(g ls-remote --get-url "$remote")"
  say local "$(g rev-parse -q --verify "$version^{commit}" 2>/dev/null)"
  if [ -z "$bare" ]; then
    modified=$(g status --porcelain --untracked-files=no) || exit
    say modified "$(printf '%s\n' "$modified" | head -n 1)"
    if [ -z "$branch" ]; then
      branch=$(g symbolic-ref -q "refs/remotes/$remote/HEAD"); branch=${branch#"refs/remotes/$remote/"}
    fi
    say follows "$branch"
    [ ! -e .gitmodules ] ||
      say submodules "$(g submodule status --recursive | cut -c 1 | sort -u | tr -d '\n')"
  fi
  [ -n "$update" ] || exit 0
  [ "$version" != HEAD ] || [ -z "$branch" ] || asked=$branch
fi
[ "$head" != "$version" ] || exit 0
refs=$(g ls-remote -- "$repo" HEAD "refs/heads/$asked" "refs/tags/$asked" "refs/tags/$asked^{}") || exit
printf '%s\n' "$refs" | while read -r sha ref; do say "ref $ref" "$sha"; done
"""
)
CHANGE = (
    _HEAD
    + r"""
dest=$1 repo=$2 remote=$3 version=$4 kind=$5 branch=$6 bare=$7 depth=$8 refspec=$9; shift 9
force=$1 modified=$2 url=$3 recursive=$4 track=$5 single=$6 separate=$7 reference=$8 dir=$9; shift 9
diff=$1
out() { "$hp_git" "$@" </dev/null >&2; }
clone() {
  mkdir -p -- "${dest%/*}/" || exit
  set -- clone
  if [ -n "$bare" ]; then set -- "$@" --bare; else set -- "$@" --origin "$remote"; fi
  if [ -n "$depth" ]; then
    if [ "$kind" = head ] || [ -n "$refspec" ]; then set -- "$@" --depth "$depth"
    elif [ "$kind" != commit ]; then set -- "$@" --depth "$depth" --branch "$version"; fi
  fi
  [ -z "$reference" ] || set -- "$@" --reference "$reference"
  [ -z "$single" ] || set -- "$@" --single-branch
  [ -z "$single" ] || [ "$kind" = commit ] || [ "$kind" = head ] || set -- "$@" --branch "$version"
  [ -z "$separate" ] || set -- "$@" --separate-git-dir="$separate"
  out "$@" -- "$repo" "$dest" || exit
  cd -- "$dest" || exit
  [ -z "$bare" ] || [ "$remote" = origin ] || out remote add "$remote" "$repo" || exit
  [ -z "$refspec" ] || out fetch ${depth:+--depth "$depth"} "$remote" "$refspec" || exit
}
fetch() {
  [ -z "$modified" ] || out reset --hard HEAD || exit
  [ -z "$url" ] || out remote set-url "$remote" "$repo" || exit
  set --
  if [ -n "$depth" ]; then
    if [ -n "$refspec" ]; then set -- "$refspec"
    else case $kind in
      head) set -- "$branch" ;;
      branch) [ "$branch" = "$version" ] || set -- "+refs/heads/$version:refs/heads/$version"
        set -- "$@" "+refs/heads/$version:refs/remotes/$remote/$version" ;;
      tag) set -- "+refs/tags/$version:refs/tags/$version" ;;
    esac; fi
  fi
  if [ $# -gt 0 ]; then set -- --depth "$depth" ${force:+--force} "$remote" "$@"
  elif [ -n "$bare" ]; then
    set -- ${force:+--force} "$remote" '+refs/heads/*:refs/heads/*' '+refs/tags/*:refs/tags/*' \
      ${refspec:+"$refspec"}
  else set -- --tags ${force:+--force} "$remote" ${refspec:+"$refspec"}; fi
  out fetch "$@" || exit
}
switch() {
  case $kind in
    head) out checkout --force "$branch" -- && out reset --hard "$remote/$branch" -- ;;
    branch)
      g show-ref --verify --quiet "refs/heads/$version"; there=$?
      [ -z "$depth" ] || [ "$there" = 0 ] ||
        out fetch --depth "$depth" "$remote" "+refs/heads/$version:refs/remotes/$remote/$version" || return
      if [ "$there" = 0 ]; then out checkout --force "$version" -- && out reset --hard "$remote/$version" --
      else out checkout --track -b "$version" "$remote/$version"; fi ;;
    *) out checkout --force "$version" -- ;;
  esac
}
submodules() {
  [ -n "$recursive" ] && [ -e .gitmodules ] || return 0
  was=$(g submodule status --recursive)
  [ -n "$track" ] || printf '%s\n' "$was" | grep -q '^[^ ]' || return 0
  out submodule sync || return
  out submodule update --init --recursive ${track:+--remote} ${force:+--force} || return
  [ "$was" = "$(g submodule status --recursive)" ] || printf 'submodules\tchanged\n'
}
before=
if [ -z "$dir" ]; then clone
else
  if [ -n "$separate" ] && [ "$separate" != "$dir" ]; then
    [ ! -e "$separate" ] || { echo "Separate-git-dir path $separate already exists." >&2; exit 1; }
    mv -- "$dir" "$separate" && printf 'gitdir: %s' "$separate" > "$dest/.git" || exit
  fi
  cd -- "$dest" || exit
  before=$(g rev-parse HEAD 2>/dev/null)
  fetch
fi
if [ -z "$bare" ]; then
  [ -n "$branch" ] || { branch=$(g symbolic-ref -q HEAD); branch=${branch#refs/heads/}; }
  switch || exit
  submodules || exit
fi
after=$(g rev-parse HEAD)
printf 'after\t%s\n' "$after"
[ -z "$diff" ] || [ -z "$before" ] || [ "$before" = "$after" ] ||
  { printf 'diff\t\n'; g diff "$before" "$after" | head -c 262144; }
"""
)
