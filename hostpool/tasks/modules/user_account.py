"""What is known of a user's account, and the sh programs that read and change it."""

from __future__ import annotations

from dataclasses import dataclass

from hostpool.tasks.modules.accounts import ENTRIES, RUN, Group, fields, groups_of, parts

_STATE = r"""
hp_passwd() { # name: what the name service says of it, in variables
  hp_home= hp_line=$(hp_entry passwd "$1")
  IFS=: read -r hp_u hp_x hp_uid hp_gid hp_gecos hp_home hp_shell <<EOF
$hp_line
EOF
  [ "$hp_u" = "$1" ] || { hp_line= hp_home=; }
}
hp_key_path() { case $1 in '' | /*) printf '%s' "$1" ;; *) printf '%s/%s' "$hp_home" "$1" ;; esac; }
hp_state() { # name, home, key file, further groups
  hp_name=$1 hp_want=$2 hp_file=$3; shift 3
  hp_passwd "$hp_name"; printf '%s' "$hp_line"; hp_part
  if command -v getent >/dev/null 2>&1; then getent group; else cat /etc/group; fi 2>/dev/null
  for hp_g do [ -z "$hp_g" ] || hp_entry group "$hp_g"; done; hp_part
  hp_entry shadow "$hp_name"; hp_part
  for hp_t in useradd usermod adduser; do
    command -v "$hp_t" >/dev/null 2>&1 && printf '%s ' "$hp_t"
  done; hp_part
  uname -n; hp_part
  hp_at=${hp_want:-$hp_home}
  [ -z "$hp_at" ] || [ ! -e "$hp_at" ] || printf 'home '
  case $hp_at in */?*/*) hp_up=${hp_at%/*} ;; *) hp_up=/ ;; esac
  [ ! -d "$hp_up" ] || printf 'parent '
  hp_k=$(hp_key_path "$hp_file")
  [ -z "$hp_k" ] || [ ! -e "$hp_k" ] || printf 'key '
  [ -z "$hp_k" ] || [ ! -e "$hp_k.pub" ] || printf 'pub '
  hp_part
  printf '%s' "$hp_k"; hp_part
  [ -z "$hp_k" ] || [ ! -e "$hp_k" ] || ssh-keygen -l -f "$hp_k" 2>&1; hp_part
  [ -z "$hp_k" ] || [ ! -r "$hp_k.pub" ] || cat -- "$hp_k.pub"; hp_part
}
"""
LOOK = ENTRIES + _STATE + 'hp_state "$@"\n'

CHANGE = (
    ENTRIES
    + RUN
    + _STATE
    + r"""
# The hash and the passphrase come over standard input and stay in variables of this shell.
IFS= read -r hp_hash; IFS= read -r hp_pass
hp_password() { # name
  chpasswd -e <<EOF
$1:$hp_hash
EOF
}
hp_make_home() { # skeleton, path
  [ ! -e "$2" ] || return 0
  if [ -e "$1" ] && [ "$1" != /dev/null ]; then
    case $2 in */?*/*) mkdir -p -- "${2%/*}" || return ;; esac
    cp -RPp -- "$1" "$2" || return
  else mkdir -p -- "$2" || return; fi
  hp_mode=755
  if [ -r /etc/login.defs ]; then
    while read -r hp_w hp_v hp_x; do
      case $hp_v in '' | *[!0-7]*) continue ;; esac
      case $hp_w in
        HOME_MODE) hp_mode=$hp_v; break ;;
        UMASK) hp_mode=$(printf %o "$((0777 & ~0$hp_v))") ;;
      esac
    done < /etc/login.defs
  fi
  chmod "$hp_mode" "$2"
}
hp_give_home() { # name, path or nothing for the user's own
  hp_passwd "$1"; chown -hR "$hp_uid:$hp_gid" "${2:-$hp_home}"
}
hp_make_key() { # name, file, type, bits, comment, whether a passphrase comes
  hp_passwd "$1"; hp_k=$(hp_key_path "$2")
  case $2 in
    /*) ;;
    *) [ -e "$hp_home" ] || { printf 'User %s home directory does not exist\n' "$1" >&2; return 1; } ;;
  esac
  hp_d=${hp_k%/*}
  [ -e "$hp_d" ] || { mkdir -m 700 -- "$hp_d" && chown "$hp_uid:$hp_gid" "$hp_d"; } || return
  hp_new=$hp_d/.hostpool.$$; rm -f -- "$hp_new" "$hp_new.pub"
  set -- "$3" "$4" "$5" "$6"
  if [ -n "$4" ]; then
    ssh-keygen -q -t "$1" ${2:+-b "$2"} -C "$3" -f "$hp_new" <<EOF || return
$hp_pass
$hp_pass
EOF
  else ssh-keygen -q -t "$1" ${2:+-b "$2"} -C "$3" -f "$hp_new" -N '' || return; fi
  chown "$hp_uid:$hp_gid" "$hp_new" "$hp_new.pub" && mv -f -- "$hp_new.pub" "$hp_k.pub" &&
    mv -f -- "$hp_new" "$hp_k"
}
hp_count=$1; shift
hp_i=0 hp_c=
while [ "$hp_i" -lt "$hp_count" ]; do hp_i=$((hp_i + 1)); hp_c="$hp_c \"\${$hp_i}\""; done
hp_told=$(shift "$hp_count"; hp_commands "$@") || exit
printf '%s' "$hp_told"; hp_part
eval "hp_state $hp_c"
"""
)
"""Arguments: how many are for hp_state, they, then the commands. A relative key file is in the home."""


@dataclass(frozen=True, slots=True)
class Account:
    """``entry``: the fields of passwd(5); ``shadow``: those of shadow(5), as far as they may be read.
    ``there``: which of home, parent (of the home), key and pub exist."""

    entry: list[str] | None
    groups: list[Group]
    shadow: list[str]
    tools: frozenset[str]
    hostname: str
    there: frozenset[str]
    key_file: str = ""
    fingerprint: str = ""
    public: str = ""

    @property
    def gid(self) -> int:
        return int(self.entry[3]) if self.entry is not None and self.entry[3].isdigit() else -1

    @property
    def password(self) -> str:
        if self.entry is None:
            return ""
        own = self.entry[1]
        return own if len(own) > 1 else self.shadow[1] if self.shadow else ""

    def aged(self, field: int) -> int:
        """A number of shadow(5); -1 where it is empty."""
        value = self.shadow[field] if len(self.shadow) > field else ""
        return int(value) if value.lstrip("-").isdecimal() else -1

    def member_of(self, name: str) -> list[str]:
        return [group.name for group in self.groups if name in group.members]


STATE_PARTS = 9


def account(output: bytes, name: str) -> Account:
    """The answer of hp_state. Raises ModuleFailed."""
    passwd, group, shadow, tools, hostname, there, key, fingerprint, public = parts(output, STATE_PARTS)
    return Account(
        fields(passwd, name, 7),
        groups_of(group),
        fields(shadow, name, 8) or [],
        frozenset(tools.split()),
        hostname.strip(),
        frozenset(there.split()),
        key,
        fingerprint.strip(),
        public.strip(),
    )
