"""apt_repository: a line of apt's sources is there, or gone.

Parameters:
    repo: the line: ``deb [options] URI suite component ...`` (or deb-src)
    state: absent removes it wherever it stands
    mode: of a file that is made
    update_cache: update the lists if something changed
    update_cache_retries: attempts to update the lists
    update_cache_retry_max_delay: most seconds between two attempts
    filename: the file in sources.list.d, without .list; else it is named after the URI
    install_python_apt: no effect: no Python is needed on the host
Returns: ``repo``, ``state``, ``sources_added``, ``sources_removed``, ``diff``.
Needs: apt-get, apt-config, base64.
Differs: other lines stay exactly as they are; ``ppa:`` is not supported.
Source: ansible.builtin.apt_repository of ansible-core 2.19, man page sources.list(5).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hostpool.tasks.modules.apt_files import SHOW, AptFile, put, shown
from hostpool.tasks.modules.base import Mode, Module, ModuleFailed, Result, Steps, query, require, text
from hostpool.tasks.modules.spec import Param, Spec

_TYPES = ("deb", "deb-src")
_LOOK = SHOW + r"""
eval "$(apt-config shell list Dir::Etc::sourcelist/f parts Dir::Etc::sourceparts/d)"
printf 'L\t%s\t%s\n' "$list" "$parts"
set +f
hp_show "$list" "$parts"*.list
"""  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Line:
    """``source`` is empty for what is no source."""

    text: str
    source: str = ""
    enabled: bool = True


@dataclass(slots=True)
class _Sources:
    files: dict[str, list[_Line]] = field(default_factory=dict)

    def content(self, path: str) -> str:
        return "".join(line.text for line in self.files.get(path, ()))


def apt_repository(args: Mapping[str, Any], mode: Mode) -> Steps:
    repo = args["repo"]
    if not repo:
        raise ModuleFailed("Please set argument 'repo' to a non-empty value")
    if repo.startswith("ppa:"):
        raise ModuleFailed(
            f"{repo}: ppa: is not supported; write the line it stands for, deb URI suite component"
        )
    wanted = _parsed(repo)
    if not wanted.source or not wanted.enabled:
        raise ModuleFailed(f"Invalid repository string: {repo}")
    reply = yield from query(_LOOK)
    output = require(reply, "the sources of apt cannot be read").stdout
    directory = text(output.partition(b"\n")[0]).rpartition("\t")[2]
    files = {path: text(each.content or b"") for path, each in shown(output).items()}
    before = _Sources({path: [_parsed(line) for line in _lines(content)] for path, content in files.items()})
    if args["state"] == "present":
        after = _with(before, wanted.source, _file(args["filename"], wanted.source, directory))
    else:
        after = _without(before, wanted.source)
    paths = [path for path in after.files if after.files[path] != before.files.get(path)]
    told = _told(args, mode, before, after, paths)
    if paths:
        new = [_written(path, before, after, args["mode"] or "644") for path in paths]
        yield from put(new, told, args if args["update_cache"] else None)
    return told


def _lines(content: str) -> list[str]:
    return content.splitlines(keepends=True)


def _parsed(line: str) -> _Line:
    """A source is what begins with deb or deb-src, after a # if it is disabled, up to a further #."""
    words = line.strip()
    enabled = not words.startswith("#")
    words = words if enabled else words[1:]
    comment = words.find("#")
    chunks = (words[:comment] if comment > 0 else words).split()
    if chunks and chunks[0] in _TYPES:
        return _Line(line, " ".join(chunks), enabled)
    return _Line(line)


def _with(before: _Sources, source: str, path: str) -> _Sources:
    """Where it stands it is enabled; where it stands nowhere ``path`` gets it."""
    after = _Sources(
        {
            name: [_Line(_enabled(line.text), source) if line.source == source else line for line in lines]
            for name, lines in before.files.items()
        }
    )
    if not any(line.source == source for lines in before.files.values() for line in lines):
        old = list(after.files.get(path, ()))
        if old and not old[-1].text.endswith("\n"):
            old[-1] = _Line(old[-1].text + "\n", old[-1].source, old[-1].enabled)
        after.files[path] = [*old, _Line(f"{source}\n", source)]
    return after


def _enabled(line: str) -> str:
    return re.sub(r"^\s*#\s*", "", line)


def _without(before: _Sources, source: str) -> _Sources:
    return _Sources(
        {
            name: [line for line in lines if line.source != source or not line.enabled]
            for name, lines in before.files.items()
        }
    )


def _file(filename: str | None, source: str, directory: str) -> str:
    """Named after the URI, without its scheme, user and password."""
    if filename is None:
        bare = re.sub(r"\w+://", "", re.sub(r"\[[^\]]+\]", "", source))
        words = [word for word in bare.split() if word not in _TYPES]
        uri = words[0].split("@", 1)[-1] if words else ""
        filename = "_".join(re.sub("[^a-zA-Z0-9]", " ", uri).split())
    return f"{filename}.list" if "/" in filename else f"{directory.rstrip('/')}/{filename}.list"


def _written(path: str, before: _Sources, after: _Sources, mode: str) -> AptFile:
    if not after.files[path]:
        return AptFile(path, None)
    return AptFile(path, after.content(path).encode("utf-8", "replace"), "" if path in before.files else mode)


def _told(args: Mapping[str, Any], mode: Mode, before: _Sources, after: _Sources, paths: list[str]) -> Result:
    added = [path for path in paths if path not in before.files]
    removed = [path for path in paths if not after.files[path]]
    diff = [
        {
            "before": before.content(path),
            "after": after.content(path),
            "before_header": "/dev/null" if path in added else path,
            "after_header": "/dev/null" if path in removed else path,
        }
        for path in (paths if mode.diff else ())
    ]
    return {
        "changed": bool(paths), "repo": args["repo"], "state": args["state"], "sources_added": added,
        "sources_removed": removed, "diff": diff,
    }  # fmt: skip


MODULES = {
    "apt_repository": Module(
        Spec(
            "apt_repository",
            {
                "repo": Param(required=True),
                "state": Param(default="present", choices=("absent", "present")),
                "mode": Param("mode"),
                "update_cache": Param("bool", True, aliases=("update-cache",)),
                "update_cache_retries": Param("int", 5),
                "update_cache_retry_max_delay": Param("int", 12),
                "filename": Param(),
                "install_python_apt": Param("bool", True),
            },
            refused={
                "codename": "it is for ppa:, which is not supported",
                "validate_certs": "it is for ppa:, which is not supported",
            },
        ),
        apt_repository,
    )
}
