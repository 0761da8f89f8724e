"""A query's other form: the same question to a perl that stays on the host, where there is one.

A program of sh starts a process for each look at a path, a millisecond each on the host; what perl looks at
it looks at by itself. The answer is the same, byte by byte. Perl only answers what is plain: where it cannot,
it dies, and the program is asked.
"""

from __future__ import annotations

import msgspec

PLAINLY = "PERL5OPT= PERL5LIB= PERLLIB= PERL_UNICODE=0 LC_ALL=C"
"""The environment of a perl of ours: nothing of the account's own settings, which name modules to load and
encodings of its files."""


class Sub(msgspec.Struct, frozen=True):
    """``hp_NAME`` of perl 5.8, defined by ``text`` (ASCII) after the texts in ``needs``.

    It changes nothing, says its output by ``out(...)`` and is wrong nowhere: it dies instead. It begins
    where the login user does.
    """

    name: str
    text: str
    needs: tuple[str, ...] = ()


class Call(msgspec.Struct, frozen=True):
    """``before`` is said before its output; ``mark``, if there is one, after it, as a program's end."""

    sub: Sub
    args: tuple[str, ...] = ()
    before: str = ""
    mark: str = ""
