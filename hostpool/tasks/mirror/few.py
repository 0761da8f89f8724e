"""A few small files, where a host has perl: one program takes the stream and puts them in their places.

mkdir, tar and perl, one after the other, take twice the time that is spent on the files themselves. This perl
is what becomes of the shell that has answered the question; it unpacks beside the targets as tar would, and
only when all has come it goes on as ``quick`` does. Whatever it does not expect it leaves as it was, takes
back what it has unpacked, and says so: then the host is told the usual way, which also finds out why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hostpool.sync.compare import Plan
from hostpool.sync.tree import FILE
from hostpool.tasks.mirror import quick
from hostpool.tasks.perl import PLAINLY

MOST_FILES = 100
MOST_BYTES = 2 << 20
"""Beyond those tar, which is faster at it, makes good for the time it takes to start."""

MARK = b"hostpool:few:1 "

# $1 DEST, $2 the directory below it that holds all changes, $3 a random word. In perl's standard input comes
# the program itself first.
PROGRAM = f'CDPATH= cd -P -- "$1" && export {PLAINLY} && exec perl - "$PWD" "$2" "$3"'

# Replies, after MARK: Z all done, T all but some times of directories, N do it the usual way.
_PERL = rb"""
my ($dest, $common, $word) = @ARGV;
my $stage = ($dest eq '/' ? '' : $dest) . (length $common ? "/$common" : '') . "/.hostpool-$$.$word";
my (%staged, $made);
sub clean { unlink values %staged; rmdir $stage if $made }
sub say_and_go { print "@MARK@$_[0]\n"; exit 0 }
sub usual { clean(); say_and_go('N') }
sub take {
  my ($size, $data) = ($_[0], '');
  while (length $data < $size) { read(DATA, $data, $size - length $data, length $data) or usual() }
  return $data;
}
sub unpack_tar { # what sync.tarball writes of files
  my $long;
  while ((my $head = take(512)) =~ /[^\0]/) {
    my ($name, $mode, $size, $time, $type) = unpack 'Z100 A8 x16 A12 A12 x8 a', $head;
    ($size . $time) =~ /^[0-7\0 ]+\z/ or usual();
    $_ = oct for $mode, $size, $time;
    my $data = take($size + -$size % 512);
    substr($data, $size) = '';
    if ($type eq 'L') { $long = substr $data, 0, -1; next }
    ($name, $long) = ($long) if defined $long;
    $type eq '0' && $name =~ s{^t/}{} or usual();
    my $path = "$stage/" . keys %staged;
    open my $file, '>', $path or usual();
    $staged{$name} = $path;
    binmode $file;
    print $file $data or usual();
    close $file or usual();
    chmod $mode, $path or usual();
    utime $time, $time, $path or usual();
  }
}
read_lists();
$SIG{PIPE} = 'IGNORE';
$SIG{$_} = sub { clean(); exit 130 } for qw(HUP INT TERM);
umask 077;
opendir my $top, '.' or usual();
enter($top, $common) or usual();
$made = mkdir $stage, 0700 or usual();
unpack_tar();
place($top, sub { $staged{$_[0]} }) and usual();
rmdir $stage;
say_and_go(set_times($top) ? 'Z' : 'T');
""".replace(b"@MARK@", MARK)


def fits(plan: Plan) -> bool:
    """Whether it is little enough, and nothing but files in directories that are there."""
    tree = plan.tree
    return (
        0 < len(plan.send) == len(plan.tops) <= MOST_FILES
        and plan.bytes <= MOST_BYTES
        and all(tree.kinds[number] == FILE and number not in tree.groups for number in plan.send)
    )


def program(paths: Iterable[bytes], times: Mapping[bytes, int]) -> bytes:
    """What comes before the stream."""
    return quick.program(_PERL, paths, times)
