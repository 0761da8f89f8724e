"""A perl that stays in a kept shell and tells what is at paths: no process for each look.

The shell starts it with the first question that has a form for it (tasks.perl), and waits. Questions come
as frames over the standard input, of which it reads no byte further than it has to: when a program of sh is
to run, an empty frame sends it away and the shell reads on. An answer is written at once. A host without
perl answers the first question by sh, in the same round trip.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from hostpool.tasks.perl import PLAINLY, Call
from hostpool.tasks.shell import encode

TOLD = b"told"
AGAIN = b"again"
GONE = b"gone"
"""What follows the mark, on standard output alone: that was all; it is to be asked by sh; perl has ended."""

_PERL = r"""
$^O eq 'linux' or exit 9;
open my $in, '<&=3' or exit 9;
open STDERR, '>', '/dev/null';
binmode $in;
binmode STDOUT;
my $home = delete $ENV{hostpool};
my $out;
sub out { $out .= join '', @_ }
sub bytes {
  my $got = '';
  while ((my $left = $_[0] - length $got) > 0) { sysread $in, $got, $left, length $got or exit 0 }
  return $got;
}
sub all {
  while (@_) {
    my ($name, $text, $mark, $count) = splice @_, 0, 4;
    if ($name eq '') { eval "$text; 1" or die; next }
    out($text);
    &{"hp_$name"}(splice @_, 0, $count);
    out("$mark 0\n") if length $mark;
  }
  return 1;
}
sub answer {
  my ($mark, @calls) = unpack '(N/a*)*', $_[0];
  $out = '';
  chdir $home if length $home;
  my $well = eval { all(@calls) };
  chdir '/';
  $out = $well ? "$out$mark told\n" : "$mark again\n";
  while (length $out) { my $sent = syswrite STDOUT, $out or exit 1; substr $out, 0, $sent, '' }
}
chomp(my $first = <DATA>);
answer(pack 'H*', $first);
while (my $size = hex bytes(8)) { answer(bytes($size)) }
exit 17;
__END__
"""

# Where perl ends by itself the shell ends too: it would take the next frame for a program.
_START = f"""if command -v perl >/dev/null 2>&1; then
hostpool=$hostpool {PLAINLY} perl - 3<&0 <<'{{mark}}'
{{perl}}{{frame}}
{{mark}}
[ $? = 17 ] || {{{{ printf '{{mark}} gone\\n'; exit; }}}}
else
{{otherwise}}fi
"""
_NONE = b"00000000"


class Teller:
    """``able``: nothing is known against it."""

    def __init__(self, able: bool) -> None:
        self.able = able
        self.runs = False
        self._defined: set[str] = set()

    def question(self, calls: Sequence[Call], mark: str, otherwise: str) -> bytes:
        """``otherwise``: the text for the shell of a host without perl."""
        if self.runs:
            frame = self._frame(calls, mark)
            return b"%08x" % len(frame) + frame
        self._defined = set()
        frame = self._frame(calls, mark)
        self.runs = True
        return encode(_START.format(mark=mark, perl=_PERL, frame=frame.hex(), otherwise=otherwise))

    def leaving(self) -> bytes:
        """What sends it away, before a program of sh."""
        runs, self.runs = self.runs, False
        return _NONE if runs else b""

    def unable(self) -> None:
        self.able = self.runs = False

    def _frame(self, calls: Sequence[Call], mark: str) -> bytes:
        fields = [mark]
        for call in calls:
            for text in (*call.sub.needs, call.sub.text):
                if text not in self._defined:
                    self._defined.add(text)
                    fields += ["", text, "", ""]
            fields += [call.sub.name, call.before, call.mark, str(len(call.args)), *call.args]
        return b"".join(struct.pack(">I", len(each)) + each for each in map(encode, fields))
