"""Host names as ranges, the way clush and nodeset write them.

``web[1-40,42]``, ``n[01-10/2]`` and ``rack[1-2]n[1-4]`` are lists of names. A number keeps the width it
is written in: ``n9`` and ``n09`` are two hosts. Source: nodeset(1), ClusterShell's NodeSet.
"""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections.abc import Iterable
from itertools import product
from math import prod

from hostpool.errors import PatternError

MAX_NAMES = 1_000_000
"""No range may stand for more names than this: it is a slip of the finger, and it fills the memory."""

_NUMBER = re.compile(r"([0-9]+)")
_RANGE = r"\s*([0-9]+)\s*(?:-\s*([0-9]+)\s*(?:/\s*([0-9]+)\s*)?)?"

Index = tuple[int, int]  # (width, value): sorts as nodeset sorts and gives back the digits as written
Vector = list[list[Index]]  # one list of indexes for each number in a name


def expand(text: str, *, limit: int = MAX_NAMES) -> list[str]:
    """The names ``text`` stands for, in the order written, each once.

    Commas separate names, brackets hold ranges ``a-b``, ``a-b/step`` and lists of them. Raises
    PatternError for a bad bracket or range and for more than ``limit`` names altogether.
    """
    words = [_parse_word(word) for word in split_commas(text)]
    if sum(word.count for word in words) > limit:
        short = text if len(text) < 60 else text[:57] + "..."
        raise PatternError(f"{short!r} stands for more than {limit:,} names", hint="narrow the range")
    names: dict[str, None] = {}
    for word in words:
        names.update(dict.fromkeys(word.names()))
    return list(names)


def split_commas(text: str) -> list[str]:
    """``text`` cut at its commas outside of brackets, blanks stripped, empty pieces left out."""
    if "[" not in text:
        return [piece for raw in text.split(",") if (piece := raw.strip())]
    pieces, depth, start = [], 0, 0
    for at, char in enumerate(text):
        if char == "[":
            depth += 1
        elif char == "]":
            depth = max(0, depth - 1)
        elif char == "," and not depth:
            pieces.append(text[start:at])
            start = at + 1
    pieces.append(text[start:])
    return [piece.strip() for piece in pieces if piece.strip()]


class _Word:
    """A word with its ranges still folded."""

    def __init__(self, fixed: list[str], spans: list[list[tuple[range, int]]]) -> None:
        self.fixed = fixed
        self.spans = spans
        self.count = prod(sum(len(numbers) for numbers, _ in span) for span in spans)

    def names(self) -> Iterable[str]:
        columns: list[Iterable[str]] = [(self.fixed[0],)]
        for span, after in zip(self.spans, self.fixed[1:], strict=True):
            columns.append(str(n).zfill(width) for numbers, width in span for n in numbers)
            columns.append((after,))
        return map("".join, product(*columns))


def _parse_word(word: str) -> _Word:
    if "[" not in word and "]" not in word:
        return _Word([word], [])
    fixed, ranges = split_brackets(word)
    return _Word(fixed, [[_parse_range(part, word) for part in text.split(",")] for text in ranges])


def split_brackets(word: str) -> tuple[list[str], list[str]]:
    """``a[1-2]b`` as (["a", "b"], ["1-2"]). Raises PatternError when brackets do not pair."""
    fixed, ranges, rest = [], [], word
    while "[" in rest:
        before, rest = rest.split("[", 1)
        inside, bracket, rest = rest.partition("]")
        if not bracket or "[" in inside:
            raise PatternError(f"missing closing bracket in {word!r}", hint="write ranges as n[1-4,7]")
        fixed.append(before)
        ranges.append(inside)
    fixed.append(rest)
    if any("]" in piece for piece in fixed):
        raise PatternError(f"closing bracket without an opening one in {word!r}")
    return fixed, ranges


def _parse_range(part: str, word: str) -> tuple[range, int]:
    match = re.fullmatch(_RANGE, part)
    if match is None:
        raise PatternError(
            f"bad range [{part}] in {word!r}", hint="a range is a number, a-b or a-b/step, as in n[1-4,7]"
        )
    first, last, step = match.groups()
    last = last or first
    padded = any(len(bound) > 1 and bound[0] == "0" for bound in (first, last))
    if padded and len(first) != len(last):
        raise PatternError(
            f"range [{part}] in {word!r} has bounds of different width",
            hint=f"write {first.zfill(len(last))}-{last.zfill(len(first))}",
        )
    if max(len(first), len(last), len(step or "")) > 18:
        raise PatternError(f"range [{part}] in {word!r} has a number of more than 18 digits")
    low, high, stride = int(first), int(last), int(step or 1)
    if low > high or stride < 1:
        raise PatternError(f"range [{part}] in {word!r} is empty", hint="write the lower number first")
    return range(low, high + 1, stride), len(first) if padded else 0


def fold(names: Iterable[str]) -> str:
    """The shortest list of ranges for ``names``, as ``nodeset -f`` prints it: sorted, each name once."""
    plain: dict[str, set[tuple[Index, ...]]] = {}
    for name in names:
        pieces = _NUMBER.split(name)
        shape = "%s".join(piece.replace("%", "%%") for piece in pieces[::2])
        plain.setdefault(shape, set()).add(tuple((len(d), int(d)) for d in pieces[1::2]))
    return ",".join(text for shape in sorted(plain) for text in _fold_shape(shape, plain[shape]))


def _fold_shape(shape: str, members: set[tuple[Index, ...]]) -> Iterable[str]:
    if () in members:
        return (shape % (),)
    return (shape % tuple(map(_ranges_text, vector)) for vector in _merge(sorted(members)))


def _merge(rows: list[tuple[Index, ...]]) -> list[Vector]:
    """``rows`` (distinct, sorted) as few vectors, each the product of its columns."""
    varying = [at for at in range(len(rows[0])) if any(row[at] != rows[0][at] for row in rows)]
    if len(varying) <= 1:
        vectors = [[[row[at] for row in rows] for at in varying]]
    else:
        vectors = _merge_columns([[[row[at]] for at in varying] for row in rows])
    constant: Vector = [[index] for index in rows[0]]
    return [_replaced(constant, varying, vector) for vector in vectors]


def _replaced(constant: Vector, varying: list[int], vector: Vector) -> Vector:
    whole = list(constant)
    for at, column in zip(varying, vector, strict=True):
        whole[at] = column
    return whole


def _merge_columns(vectors: list[Vector]) -> list[Vector]:
    for one_pass in (_merge_neighbours, _merge_any):
        merged = True
        while merged:
            vectors, merged = one_pass(sorted(vectors, key=_order))
    return vectors


def _order(vector: Vector) -> tuple[int, list[tuple[int, str, str]]]:
    size = 1
    for column in vector:
        size *= len(column)
    return -size, [(-len(column), _digits(column[0]), _digits(column[-1])) for column in vector]


def _merge_neighbours(vectors: list[Vector]) -> tuple[list[Vector], bool]:
    """One linear pass: what differs from its neighbour in one column only becomes one vector."""
    result = [vectors[0]]
    for vector in vectors[1:]:
        at = _only_difference(result[-1], vector)
        if at is None:
            result.append(vector)
        else:
            result[-1] = _joined(result[-1], vector, at)
    return result, len(result) < len(vectors)


def _only_difference(left: Vector, right: Vector) -> int | None:
    found = None
    for at, column in enumerate(left):
        if column != right[at]:
            if found is not None:
                return None
            found = at
    return found


def _joined(left: Vector, right: Vector, at: int) -> Vector:
    if len(right[at]) == 1:
        insort(left[at], right[at][0])
    else:
        left[at] += right[at]
        left[at].sort()
    return left


def _merge_any(vectors: list[Vector]) -> tuple[list[Vector], bool]:
    """Merge every vector with any later one. Partners are found by all columns but one, not by trying
    all pairs: thousands of unrelated addresses would take seconds otherwise."""
    partners: dict[object, list[int]] = {}
    for number, vector in enumerate(vectors):
        for key in _keys(vector):
            partners.setdefault(key, []).append(number)
    gone = [False] * len(vectors)
    result = []
    for number, vector in enumerate(vectors):
        if gone[number]:
            continue
        after = number
        while (after := _next_partner(vector, after + 1, partners, gone)) < len(vectors):
            at = _only_difference(vector, vectors[after])
            if at is not None:
                vector = _joined(vector, vectors[after], at)
                gone[after] = True
        result.append(vector)
    return result, len(result) < len(vectors)


def _keys(vector: Vector) -> list[object]:
    columns = [tuple(column) for column in vector]
    return [(at, *columns[:at], *columns[at + 1 :]) for at in range(len(columns))]


def _next_partner(vector: Vector, start: int, partners: dict[object, list[int]], gone: list[bool]) -> int:
    best = len(gone)
    for key in _keys(vector):
        numbers = partners.get(key, ())
        for number in numbers[bisect_left(numbers, start) :]:
            if number >= best:
                break
            if not gone[number]:
                best = number
                break
    return best


def _ranges_text(column: list[Index]) -> str:
    if len(column) == 1:
        return _digits(column[0])
    runs: list[list[Index]] = []
    for index in column:
        if runs and _follows(runs[-1][-1], index):
            runs[-1][1:] = [index]
        else:
            runs.append([index])
    return "[" + ",".join("-".join(map(_digits, run)) for run in runs) + "]"


def _follows(before: Index, index: Index) -> bool:
    width, value = index
    if value != before[1] + 1:
        return False
    return width == before[0] or (width == len(str(value)) and before[0] == len(str(before[1])))


def _digits(index: Index) -> str:
    return str(index[1]).zfill(index[0])
