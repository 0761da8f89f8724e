"""What there is at a path of the host: one function of sh and the same of perl, and its answer as data.

Needs stat(1) of GNU, BusyBox or BSD, and a SHA-1 tool where a checksum is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from hostpool.tasks.modules.base import ModuleFailed, Result
from hostpool.tasks.modules.modes import applied

END = b"\x01end\n"

INFO = r"""
hp_sum() { # algorithm, file
  if command -v "$1sum" >/dev/null 2>&1; then "$1sum" < "$2"
  elif command -v shasum >/dev/null 2>&1 && [ "$1" != md5 ]; then shasum -a "${1#sha}" < "$2"
  elif command -v openssl >/dev/null 2>&1; then openssl dgst "-$1" -r < "$2"
  fi 2>/dev/null
}
hp_stat() { # -L or nothing, path: always a line
  stat $1 -c '%a|%u|%g|%U|%G|%s|%X|%Y|%Z|%i|%d|%h|%b|%o|%t|%T' -- "$2" 2>/dev/null && return
  ! stat -c %a / >/dev/null 2>&1 &&
    stat $1 -f '%Mp%Lp|%u|%g|%Su|%Sg|%z|%a|%m|%c|%i|%d|%l|%b|%k|%Hr|%Lr' -- "$2" 2>/dev/null || echo
}
hp_info() { # path, -L or nothing, algorithm or nothing
  hp_kind=absent hp_link= hp_check=
  if [ -L "$1" ] && [ -z "$2" ]; then hp_kind=link
  elif [ -f "$1" ]; then hp_kind=file
  elif [ -d "$1" ]; then hp_kind=directory
  elif [ -b "$1" ]; then hp_kind=block
  elif [ -c "$1" ]; then hp_kind=char
  elif [ -p "$1" ]; then hp_kind=fifo
  elif [ -S "$1" ]; then hp_kind=socket
  fi
  if [ -L "$1" ]; then hp_link=$(readlink -- "$1"; echo x); hp_link=${hp_link%?x}; fi
  if [ -n "$3" ] && [ -f "$1" ] && [ -r "$1" ]; then
    # A tool that is called right here costs one fork less than through a function.
    if command -v "$3sum" >/dev/null 2>&1; then hp_check=$("$3sum" < "$1" 2>/dev/null)
    else hp_check=$(hp_sum "$3" "$1")
    fi
    hp_check=${hp_check%%[ *]*}
  fi
  hp_may=
  [ -r "$1" ] && hp_may=r; [ -w "$1" ] && hp_may=${hp_may}w; [ -x "$1" ] && hp_may=${hp_may}x
  printf '%s|%s|%s|' "$hp_kind" "$hp_check" "$hp_may"
  if [ "$hp_kind" = absent ]; then echo; else hp_stat "$2" "$1"; fi
  printf '%s\n\001end\n' "$hp_link"
}
"""

PERL_INFO = r"""
sub hp_tool {
  open my $from, '-|', @_ or die;
  local $/;
  my $said = <$from>;
  close $from;
  return defined $said ? $said : '';
}
sub hp_real { # as $(readlink -f) has it
  my $real = hp_tool('readlink', '-f', '--', $_[0]);
  $real =~ s/\n+\z//;
  return $real;
}
sub hp_digests { # Digest::SHA without the parts of perl that it only names: a third of its time to load
  return $hp_digests if defined $hp_digests;
  local %INC = (%INC, map { ("$_.pm", 1) } qw(strict warnings vars integer Fcntl Exporter Digest/base));
  $hp_digests = eval { require Digest::SHA; Digest::SHA::sha1_hex('') =~ /^da39a3ee/ } ? 1 : 0;
}
sub hp_sum {
  my ($algorithm, $path) = @_;
  if ($algorithm =~ /^sha/ && (-s $path) <= 1 << 20 && hp_digests()) {
    my $all = hp_head($path, (1 << 20) + 1);
    return &{"Digest::SHA::${algorithm}_hex"}($all) if length $all <= 1 << 20;
  }
  my ($sum) = hp_tool("${algorithm}sum", '--', $path) =~ /^\\?([0-9a-f]+)/;
  return defined $sum ? $sum : '';
}
sub hp_head {
  my ($path, $most) = @_;
  my $got = '';
  open my $from, '<', $path or die;
  binmode $from;
  while (length $got < $most) {
    my $read = sysread $from, $got, $most - length $got, length $got;
    defined $read or die;
    $read or last;
  }
  return $got;
}
sub hp_name { defined $_[0] && length $_[0] ? $_[0] : 'UNKNOWN' }
sub hp_hex { sprintf '%x', $_[0] }
sub hp_info {
  BEGIN { $^H |= 0x400000 } # -r, -w and -x ask the system: use filetest 'access'
  my ($path, $follow, $algorithm) = @_;
  my $kind = 'absent';
  my @s = $follow ? stat $path : lstat $path;
  if (@s) {
    $kind = !$follow && -l _ ? 'link' : -f _ ? 'file' : -d _ ? 'directory' : -b _ ? 'block' : -c _ ? 'char'
      : -p _ ? 'fifo' : -S _ ? 'socket' : die;
  }
  my $link = -l $path ? readlink $path : '';
  my $sum = $algorithm && -f $path && -r $path ? hp_sum($algorithm, $path) : '';
  my $may = join '', -r $path ? 'r' : '', -w $path ? 'w' : '', -x $path ? 'x' : '';
  out("$kind|$sum|$may|");
  if (@s) {
    my $d = $s[6];
    out(join '|', sprintf('%o', $s[2] & 07777), @s[4, 5], hp_name(scalar getpwuid $s[4]),
      hp_name(scalar getgrgid $s[5]), @s[7 .. 10, 1, 0, 3, 12, 11],
      hp_hex($d >> 8 & 0xfff | $d >> 32 & ~0xfff), hp_hex($d & 0xff | $d >> 12 & 0xffffff00));
  }
  out("\n$link\n\001end\n");
  return scalar @s;
}
"""
"""hp_info as INFO has it, and what else programs have beside it: it dies where theirs would say anything else
than that."""


class Info(msgspec.Struct, frozen=True):
    """``kind``: absent, file, directory, link, block, char, fifo or socket. Times in seconds."""

    kind: str
    checksum: str = ""
    may: str = ""
    mode: int = 0
    uid: int = 0
    gid: int = 0
    user: str = ""
    group: str = ""
    size: int = 0
    atime: float = 0.0
    mtime: float = 0.0
    ctime: float = 0.0
    inode: int = 0
    device: int = 0
    links: int = 0
    target: str = ""
    more: tuple[str, ...] = ()
    """Blocks, bytes of a block, and the device's numbers (hexadecimal), where the host told them."""

    @property
    def exists(self) -> bool:
        return self.kind != "absent"

    def keys(self, path: str) -> Result:
        """What results of modules about files say of it."""
        if not self.exists:
            return {"path": path, "state": "absent"}
        return {
            "path": path, "state": "hard" if self.kind == "file" and self.links > 1 else self.kind,
            "mode": octal(self.mode), "uid": self.uid, "gid": self.gid, "owner": self.user,
            "group": self.group, "size": self.size,
        }  # fmt: skip


def octal(mode: int) -> str:
    return format(mode, "04o")


def take(output: bytes) -> tuple[Info, bytes]:
    """The first answer of ``hp_info`` in ``output``, and what follows it. Raises ModuleFailed."""
    head, end, rest = output.partition(END)
    line, newline, target = head.partition(b"\n")
    if not end or not newline:
        raise ModuleFailed("the host's answer cannot be read: its sh, stat or readlink is unusual")
    kind, checksum, may, *fields = line.decode("utf-8", "replace").split("|")
    linked = target.removesuffix(b"\n").decode("utf-8", "surrogateescape")
    if kind == "absent" or len(fields) < 12:
        return Info(kind, checksum, may, target=linked), rest
    mode, uid, gid, user, group, size, atime, mtime, ctime, inode, device, links = fields[:12]
    info = Info(
        kind, checksum, may, int(mode, 8) & 0o7777, int(uid), int(gid), user, group, int(size),
        float(atime), float(mtime), float(ctime), int(inode), int(device), int(links), linked,
        tuple(fields[12:16]),
    )  # fmt: skip
    return info, rest


class Attributes(msgspec.Struct, frozen=True):
    """What mode and owner are to be; empty: as they are. What needs no change is empty too."""

    mode: str = ""
    owner: str = ""
    group: str = ""

    def __bool__(self) -> bool:
        return bool(self.mode or self.owner or self.group)


def wanted(args: Mapping[str, Any], info: Info, default_mode: int | None = None) -> Attributes:
    """The attributes to be changed so that ``args`` hold for what is there."""
    mode = ""
    if args.get("mode") not in (None, "preserve"):
        base = info.mode if info.exists else default_mode or 0
        number = applied(str(args["mode"]), base, info.kind == "directory")
        if not info.exists or (number != info.mode and info.kind != "link"):
            mode = octal(number)
    owner, group = str(args.get("owner") or ""), str(args.get("group") or "")
    return Attributes(
        mode,
        "" if owner in ("", info.user, str(info.uid)) and info.exists else owner,
        "" if group in ("", info.group, str(info.gid)) and info.exists else group,
    )


SET = r"""
hp_set() { # path, mode, owner, group, -h or nothing
  if [ -n "$3$4" ]; then chown $5 -- "$3${4:+:$4}" "$1" || return; fi
  if [ -n "$2" ]; then chmod -- "$2" "$1" || return; fi
}
"""


def foretold(info: Info, attributes: Attributes, kind: str, size: int | None = None) -> Info:
    """What ``hp_info`` will say after the change, as far as that is known before it."""
    return msgspec.structs.replace(
        info,
        kind=kind,
        mode=int(attributes.mode, 8) if attributes.mode else info.mode,
        user=attributes.owner or info.user,
        group=attributes.group or info.group,
        size=info.size if size is None else size,
    )
