"""``omit``: the value of an argument that is not to be given at all."""

from __future__ import annotations


class _Omit:
    __slots__ = ()

    def __repr__(self) -> str:
        return "omit"

    def __bool__(self) -> bool:
        return False


OMIT = _Omit()
