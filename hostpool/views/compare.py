"""``--compare``: what differs from the output that most hosts gave."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from hostpool.views.fold import Folder, Group, names
from hostpool.views.neutralise import one_line

LARGEST = 64 * 1024
"""Characters; beyond, comparing line by line takes too long and the output is shown as it is."""


def differences(groups: Sequence[Group], folder: Folder) -> dict[int, str]:
    """For each group whose output is not the most frequent one, by ``id``, a unified diff against it.

    Empty when there is no majority: no output that at least two hosts gave.
    """
    voters = [group for group in groups if folder.text(group.stdout)]
    if not voters:
        return {}
    # Stable: of equally frequent outputs the first in inventory order is the usual one.
    usual = max(voters, key=lambda group: len(group.hosts))
    if len(usual.hosts) < 2:
        return {}
    text = folder.text(usual.stdout)
    return {
        id(group): _diff(text, folder.text(group.stdout), _who(usual), _who(group))
        for group in voters
        if group.stdout != usual.stdout and len(text) < LARGEST and group.stdout[1] < LARGEST
    }


def _who(group: Group) -> str:
    return one_line(names(group.names()))


def _diff(usual: str, other: str, usual_names: str, other_names: str) -> str:
    lines = difflib.unified_diff(
        usual.splitlines(), other.splitlines(), usual_names, other_names, lineterm="", n=1
    )
    return "".join(f"{line}\n" for line in lines)
