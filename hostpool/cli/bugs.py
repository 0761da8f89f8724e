"""A bug is ours: it writes a report for us to read, and says where. Its traceback goes nowhere else.

The report holds the traceback without any values of variables, versions and our command line. What
the secrets of this run are worth is masked: all of them by value, and what follows an option that
could carry one.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path

from hostpool._version import __version__
from hostpool.cli.secrecy import mask_text, masked


def report(error: BaseException, argv: Sequence[str]) -> str:
    """Writes the report; returns what to tell the person. Never raises."""
    text = _text(error, argv)
    for directory in _directories():
        try:
            file = _write(directory, text)
        except (OSError, RuntimeError):
            continue
        where = f"a report is in {file}"
        break
    else:
        where = "and its report could not be written anywhere"
    kind = type(error).__name__
    return (
        f"error: hostpool failed: {kind}; this is a bug, {where}\n\n"
        "hint: please look the report over and open an issue with it where you got hostpool from\n"
    )


def _text(error: BaseException, argv: Sequence[str]) -> str:
    from hostpool.cli.versions import versions

    trace = "".join(traceback.format_exception(error))
    facts = {
        "hostpool": __version__,
        **versions(),
        "system": platform.platform(),
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "arguments": " ".join(masked(argv)),
    }
    head = "\n".join(f"{name}: {value}" for name, value in facts.items())
    return f"{head}\n\n{mask_text(trace)}"


def _directories() -> Iterable[Path]:
    from platformdirs import user_state_path

    yield user_state_path("hostpool", appauthor=False) / "reports"
    yield Path(tempfile.gettempdir())


def _write(directory: Path, text: str) -> Path:
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(
        prefix=time.strftime("hostpool-%Y%m%d-%H%M%S-"), suffix=".txt", dir=directory
    )  # mkstemp makes it 0600
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as stream:
        stream.write(text)
    return Path(name)


def tell(error: BaseException, argv: Sequence[str]) -> None:
    """Reports and says so on stderr."""
    message = report(error, argv)
    try:
        sys.stderr.write(message)
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        pass
