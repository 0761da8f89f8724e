"""Where files that tasks name are looked for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SEARCH_PATH = "ansible_search_path"
"""The variable that lists directories, nearest first, where files of tasks are looked for."""


def find(name: str, variables: Mapping[str, Any], kind: str = "files") -> str:
    """The file of a task: absolute, or in a directory of the search path, or in its ``kind`` below it.

    Raises FileNotFoundError naming where was looked.
    """
    expanded = os.path.expanduser(name)  # noqa: PTH111 -- text stays text
    if os.path.isabs(expanded):  # noqa: PTH117
        if os.path.exists(expanded):  # noqa: PTH110
            return expanded
        raise FileNotFoundError(f"{expanded} does not exist")
    plain = _normal(name)
    places = [
        os.path.join(directory, below, plain)  # noqa: PTH118 -- a Path costs more than asking for the file
        for directory in variables.get(SEARCH_PATH) or ["."]
        for below in (kind, "")
    ]
    for place in places:
        if os.path.exists(place):  # noqa: PTH110
            return _normal(place)
    raise FileNotFoundError(f"{name} is in none of: {', '.join(map(_normal, places))}")


def _normal(path: str) -> str:
    """As pathlib writes it. Most are that already."""
    if path and path[0] != "." and path[-1] != "/" and "//" not in path and "/." not in path:
        return path
    return str(Path(path))
