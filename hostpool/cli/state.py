"""Where what outlives a run is kept: the history, and the outcomes of cron jobs."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hostpool.errors import ConfigError

if TYPE_CHECKING:
    from hostpool.cli.options import Remembering


def state_directory(options: Remembering, environ: Mapping[str, str] = os.environ) -> Path:
    """What ``HOSTPOOL_STATE_DIR`` or the configuration names, else the platform's own place.

    Works without HOME, by the password database. Raises ConfigError when there is no home at all.
    """
    if options.state_dir is not None:
        return Path(options.state_dir)
    found = _platforms(environ)
    if not found.is_absolute():
        raise ConfigError(
            "there is no home directory to keep the history and the outcomes of cron jobs in",
            hint="HOSTPOOL_STATE_DIR=/var/lib/hostpool names a directory; so does state-dir in a config.toml",
        )
    return found


def history_file(options: Remembering) -> Path:
    from hostpool.history import FILE_NAME

    return state_directory(options) / FILE_NAME


def _platforms(environ: Mapping[str, str]) -> Path:
    if sys.platform == "darwin":
        from platformdirs import user_state_path

        return user_state_path("hostpool", appauthor=False)
    # What platformdirs says everywhere else; its import alone costs a third of our start.
    base = environ.get("XDG_STATE_HOME", "")
    home = os.path.expanduser("~/.local/state")  # noqa: PTH111 -- a home may be missing
    return (Path(base) if Path(base).is_absolute() else Path(home)) / "hostpool"
