"""Random trees for tests: what is drawn, and how it is laid on a disk."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

NAMES = st.one_of(
    st.sampled_from(["a", "b", "c", "sub", "-f", " ", "n\nl", "q'\"$(x)`", "*", "é", "~", "\\", "x" * 120]),
    st.binary(min_size=1, max_size=6)
    .map(lambda raw: raw.translate(bytes.maketrans(b"\0/", b"_-")))
    .filter(lambda raw: raw not in (b".", b"..") and not raw.startswith(b".hostpool-"))
    .map(os.fsdecode),
)
MODES = st.sampled_from([0o644, 0o600, 0o755, 0o444, 0o640, 0o4755])
DIRECTORY_MODES = st.sampled_from([0o755, 0o700, 0o555, 0o2775, 0o1777])
TIMES = st.sampled_from([0, 1, 951_782_400, 1_000_000_000, 1_700_000_001, 4_000_000_000])
CONTENTS = st.one_of(
    st.binary(max_size=20), st.sampled_from([1, 512, 513, 70_000]).map(lambda size: b"y" * size)
)
FILES = st.tuples(st.just("file"), MODES, TIMES, CONTENTS)
LINKS = st.tuples(
    st.just("link"), st.sampled_from(["a", "nowhere", "../..", "/etc/passwd", ".", "b/c", "l" * 150])
)
HARD = st.tuples(st.just("hard"))
LEAVES = st.one_of(FILES, FILES, LINKS, HARD)


def directories(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    inside = st.dictionaries(NAMES, children, max_size=5)
    return st.tuples(st.just("directory"), DIRECTORY_MODES, TIMES, inside)


NODES = st.recursive(LEAVES, directories, max_leaves=12)
TREES = st.dictionaries(NAMES, NODES, max_size=6)


def a_file(content: bytes = b"", mode: int = 0o644, moment: int = 5) -> tuple[Any, ...]:
    return ("file", mode, moment, content)


def a_directory(inside: dict[str, Any], mode: int = 0o755, moment: int = 5) -> tuple[Any, ...]:
    return ("directory", mode, moment, inside)


def lay(top: Path, tree: dict[str, Any], mode: int = 0o755, moment: int = 1_234_567_890) -> None:
    """Makes ``top`` from nothing."""
    unlay(top)
    top.mkdir()
    first: list[Path] = []
    _fill(top, tree, first)
    _seal(top, mode, moment)


@contextlib.contextmanager
def laid_out(new: dict[str, Any], old: dict[str, Any], *names: str) -> Iterator[tuple[Path, Path]]:
    """A host's home, with the old tree in directories of these names, and a source with the new one."""
    with tempfile.TemporaryDirectory() as directory:
        home, source = Path(directory, "home"), Path(directory, "source")
        home.mkdir()
        lay(source, new)
        for name in names:
            lay(home / name, old)
        try:
            yield home, source
        finally:
            unlay(home)
            unlay(source)


def unlay(top: Path) -> None:
    if not top.exists():
        return
    for directory, _, _ in os.walk(top):
        os.chmod(directory, 0o700)  # noqa: PTH101
    shutil.rmtree(top)


def _fill(top: Path, tree: dict[str, Any], first: list[Path]) -> None:
    for name, node in tree.items():
        path = top / name
        if node[0] == "directory":
            path.mkdir()
            _fill(path, node[3], first)
            _seal(path, node[1], node[2])
        elif node[0] == "link":
            path.symlink_to(node[1])
        elif node[0] == "hard":
            if first:
                path.hardlink_to(first[0])
        else:
            path.write_bytes(node[3])
            _seal(path, node[1], node[2])
            first.append(path)


def _seal(path: Path, mode: int, moment: int) -> None:
    os.utime(path, (moment, moment))
    path.chmod(mode)
