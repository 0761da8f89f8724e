"""Who and where we are: what tokens, Match and ``~`` need to know of the control node."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping

import msgspec


class Local(msgspec.Struct, frozen=True):
    user: str
    uid: int
    home: str
    hostname: str
    env: Mapping[str, str]

    @property
    def ssh_directory(self) -> str:
        return f"{self.home.rstrip('/')}/.ssh"

    @classmethod
    def here(
        cls,
        *,
        user: str | None = None,
        home: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Local:
        """The user's name and home come from the passwd entry, as in ssh, not from the environment.

        ``HOME`` and ``LOGNAME`` serve only where there is no entry. No name look-ups are made.
        """
        env = os.environ if env is None else env
        uid = os.getuid()
        try:
            entry = pwd.getpwuid(uid)
            name, directory = entry.pw_name, entry.pw_dir
        except KeyError:
            name, directory = env.get("LOGNAME") or env.get("USER") or str(uid), env.get("HOME", "/")
        return cls(user or name, uid, home or directory, os.uname().nodename, env)
