"""One program for all that is left to do, where a host has perl and nothing but renames is to be done.

mv renames into one directory, touch sets one time: five files in as many directories are a dozen programs, a
millisecond each. This one looks at everything first, and does nothing where anything is not as simple as it
was thought; what it leaves undone is done by the usual commands after it, which also find out why. It goes
into directories name by name and looks where it is, as they do. Whether a file has an ACL it asks the
kernel, acl(5) being an extended attribute: getfacl is as long to start as all of this takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hostpool.sync import tarball
from hostpool.tasks.perl import PLAINLY

MEMBER = b"moves"

# Begins in DEST; the argument is our directory. After the program come paths, an empty one, and pairs of a
# directory and its time, each ended by NUL. Exit: 0 all done, 1 some of it perhaps, 3 nothing, 4 all but some
# time.
_PERL = rb"""
my $stage = shift;
read_lists();
opendir my $top, '.' or exit 3;
my $code = place($top, sub { "$stage/t/$_[0]" });
exit $code if $code;
my %dirs;
for (@moves) { my $above = $_; while ($above =~ s{/[^/]*\z}{}) { $dirs{$above} = 1 } }
rmdir "$stage/t/$_" for sort { length $b <=> length $a } keys %dirs;
rmdir "$stage/t" or exit 1;
unlink map "$stage/$_", qw(apply moves err sums room acl);
rmdir $stage or exit 1;
exit(set_times($top) ? 0 : 4);
"""

PLACE = rb"""
my (@moves, @times);
sub read_lists {
  binmode DATA;
  local $/ = "\0";
  while (<DATA>) { chomp; length or last; push @moves, $_ }
  while (my $dir = <DATA>) {
    chomp $dir;
    length $dir or last;
    chomp(my $time = <DATA>);
    push @times, [$dir, $time];
  }
}
sub enter {
  my ($top, $path) = @_;
  chdir $top or return 0;
  for (split m{/}, $path) {
    my @seen = lstat $_ or return 0;
    -d _ && chdir $_ or return 0;
    my @here = stat '.' or return 0;
    $seen[0] == $here[0] && $seen[1] == $here[1] or return 0;
  }
  return 1;
}
sub each_move {
  my ($top, $do) = @_;
  my $at;
  for my $path (@moves) {
    my ($dir, $name) = $path =~ m{^(?:(.*)/)?([^/]+)\z}s or return 0;
    $dir = '' unless defined $dir;
    unless (defined $at && $at eq $dir) { enter($top, $dir) or return 0; $at = $dir }
    $do->($path, $name) or return 0;
  }
  return 1;
}
sub lgetxattr { # the number of it in syscalls(2), by the machine and the size of words in elf(5)
  my %numbers = (62 => 192, 183 => 9, 243 => 9); # x86_64, aarch64, riscv
  my ($head, $self) = '';
  open $self, '<', '/proc/self/exe' and sysread $self, $head, 20;
  my ($class, $machine) = unpack 'x4Cx13v', $head . "\0" x 20;
  $class == 2 ? $numbers{$machine} : undef;
}
sub place {
  my ($top, $staged) = @_;
  my $call = lgetxattr;
  my $plain = sub { # whether it has no ACL beyond its mode
    defined $call or return 0;
    my ($path, $which) = ("./$_[0]", 'system.posix_acl_access');
    return syscall($call, $path, $which, 0, 0) < 0 && ($! == 61 || $! == 95); # ENODATA, EOPNOTSUPP
  };
  each_move($top, sub {
    my ($path, $name) = @_;
    my @new = lstat $staged->($path) or return 0;
    my @here = stat '.' or return 0;
    my @old = lstat $name;
    -f _ && !$plain->($name) and return 0 if @old;
    return $new[0] == $here[0] && (!@old || $old[4] == $new[4] && $old[5] == $new[5]);
  }) or return 3;
  for (@times) { enter($top, $_->[0]) && (!$> || -o '.') or return 3 }
  my $done = each_move($top, sub { rename $staged->($_[0]), $_[1] });
  chdir '/';
  return $done ? 0 : 1;
}
sub set_times {
  my ($top) = @_;
  for (@times) { enter($top, $_->[0]) && utime $_->[1], $_->[1], '.' or return 0 }
  return 1;
}
"""
"""perl: ``read_lists``, ``place`` (below a directory, given where each path stands by now: 0 all done, 1 some
of it perhaps, 3 nothing), ``set_times``."""

LINES = rf"""if ! [ -d /sys/fs/selinux ] && command -v perl >/dev/null &&
  CDPATH= cd -P -- "${{R:-/}}" 2>"$E" && [ "$PWD" = "${{R:-/}}" ]; then
  {PLAINLY} perl -- "$S/moves" "$S" >"$E" 2>&1
  code=$?
  [ "$code" != 1 ] || part=yes
  if ! [ -d "$S" ] && {{ [ "$code" = 0 ] || [ "$code" = 4 ]; }}; then
    trap - EXIT
    [ "$code" = 0 ] || printf 'F./\0times of directories could not be set\0'
    printf 'Z\0\0'
    exit 0
  fi
fi
"""
"""sh, after which come the usual commands unless all is done: then our directory is gone too, whatever else
may be called perl. ``part``: owners are those that they were."""


def member(paths: Iterable[bytes], times: Mapping[bytes, int]) -> bytes:
    """For the stream: the program and what it is to do. ``paths`` stand together by their directories."""
    return tarball.member(MEMBER, 0o600, program(_PERL, paths, times))


def program(perl: bytes, paths: Iterable[bytes], times: Mapping[bytes, int]) -> bytes:
    """A whole perl program, with the lists that it reads."""
    words = [*paths, b""]
    for directory, moment in times.items():
        words += [directory, b"%d" % max(0, moment)]
    return PLACE.lstrip() + perl + b"__END__\n" + b"".join(word + b"\0" for word in [*words, b""])
