"""Random trees of blocks on hosts that fail here and there, against the rules written down plainly."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.playbook.support import play

HOSTS = ("h1", "h2")
# A task is the set of hosts on which it fails; a block is (block, rescue, always).
leaf = st.sets(st.sampled_from(HOSTS), max_size=2).map(frozenset)


def trees(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    some = st.lists(children, min_size=1, max_size=2)
    return st.tuples(some, st.lists(children, max_size=2), st.lists(children, max_size=2))


nodes = st.lists(st.recursive(leaf, trees, max_leaves=8), min_size=1, max_size=4)


def as_yaml(tree: list[Any], indent: str, names: list[Any]) -> str:
    text = ""
    for node in tree:
        if isinstance(node, frozenset):
            number = len(names)
            names.append(node)
            fails = sorted(node)
            word = f"{{{{ 'fail' if inventory_hostname in {fails} else 'ok' }}}}"
            text += f'{indent}- command: "{word} {number}"\n'
            continue
        for position, (word, part) in enumerate(zip(("block", "rescue", "always"), node, strict=True)):
            if part:
                lead = "- " if position == 0 else "  "
                text += f"{indent}{lead}{word}:\n" + as_yaml(part, indent + "    ", names)
    return text


def numbered(tree: list[Any], start: list[int]) -> list[Any]:
    """The same tree, each task with its number in the order of the text."""
    found: list[Any] = []
    for node in tree:
        if isinstance(node, frozenset):
            found.append((start[0], node))
            start[0] += 1
        else:
            found.append([numbered(part, start) for part in node])
    return found


def expected(tree: list[Any], host: str, ran: list[int]) -> bool:
    """What runs on the host, appended to ``ran``; whether it went well."""
    for node in tree:
        if isinstance(node, tuple):
            ran.append(node[0])
            if host in node[1]:
                return False
            continue
        block, rescue, always = node
        well = expected(block, host, ran)
        if not well and rescue:
            well = expected(rescue, host, ran)
        if always and not expected(always, host, ran):
            well = False
        if not well:
            return False
    return True


@given(nodes)
@settings(max_examples=60, deadline=None)
def test_blocks(tree: list[Any]) -> None:
    text = "- hosts: all\n  gather_facts: false\n  tasks:\n" + as_yaml(tree, "    ", [])
    with tempfile.TemporaryDirectory() as directory:
        done = play(Path(directory), text, hosts=",".join(HOSTS))
    order = numbered(tree, [0])
    for host in HOSTS:
        ran: list[int] = []
        well = expected(order, host, ran)
        assert [int(words.split()[1]) for words in done.ran(host)] == ran, text
        state = done.machine.states.get(host)
        assert (state is not None and state.failed) is not well
