"""What people type out of habit or by a slip of the finger, and what they meant."""

from __future__ import annotations

from collections.abc import Iterable

_HABITS = {
    "--timeout": "say which: -T/--connect-timeout for reaching a host, --task-timeout for the command",
    "-m": "there are no modules to name here: `hostpool ping PATTERN`, or the command itself: "
    "`hostpool run PATTERN COMMAND`",
    "--module-name": "there are no modules to name here: `hostpool ping PATTERN`, or the command itself: "
    "`hostpool run PATTERN COMMAND`",
    "-a": "the command stands there without a flag: `hostpool run PATTERN COMMAND`",
    "--args": "the command stands there without a flag: `hostpool run PATTERN COMMAND`",
    "-w": "the hosts are the first word: `hostpool run 'node[1-9]' COMMAND`",
    "-g": "a group is a pattern like any other: `hostpool run GROUP COMMAND`",
    "-t": "times are -T/--connect-timeout and --task-timeout",
    "-B": "a long command simply runs; --task-timeout SECONDS limits it",
    "-P": "how many hosts at once: -f/--fanout",
    "-p": "the port is --port, how many hosts at once -f/--fanout",
    "-H": "the hosts are the first word: `hostpool run host1,host2 COMMAND`",
    "-L": "for lines as they come, with the host before each: --stream",
    "-s": "another user on the host: -b/--become (with sudo)",
    "--sudo": "another user on the host: -b/--become (with sudo)",
    "--parallel": "how many hosts at once: -f/--fanout",
    "--dry-run": "-C/--check tells what would be done and does nothing",
    "--dry": "-C/--check tells what would be done and does nothing",
    "--fail-percent": "--max-fail takes per cents: --max-fail 10%",
    "--serial": "hosts in batches: --batch 1,10%",
    "--ssh-common-args": "options of ssh one by one: --ssh-option Keyword=value",
    "--ssh-extra-args": "options of ssh one by one: --ssh-option Keyword=value",
    "--password": "passwords are asked with -k/--ask-pass, or read: --connection-password-file FILE",
    "--become-password": "passwords are asked with -K/--ask-become-pass, or read: "
    "--become-password-file FILE",
}


def habit(flag: str) -> str | None:
    """What to use instead of a flag of another tool."""
    return _HABITS.get(flag)


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The one of ``words`` that ``word`` was probably meant to be."""
    from difflib import get_close_matches

    candidates = list(words)
    found = get_close_matches(word, candidates, n=1, cutoff=0.65)
    if not found and len(word.lstrip("-")) >= 3:
        found = [candidate for candidate in candidates if candidate.startswith(word)]
        return found[0] if len(found) == 1 else None
    return found[0] if found else None
