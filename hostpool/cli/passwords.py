"""Passwords: typed once on the terminal, or the first line of a file. Never an argument or variable."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from hostpool.cli.report import print_warning
from hostpool.errors import ConfigError
from hostpool.secrets import MIN_LENGTH, Secret

if TYPE_CHECKING:
    from hostpool.cli.options import Becoming, Connecting

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def login_password(options: Connecting) -> Secret | None:
    """Raises ConfigError when it cannot be asked for or read."""
    return _password(options.ask_pass, options.connection_password_file, "SSH password: ", "-k/--ask-pass")


def become_password(options: Becoming, login: Secret | None) -> Secret | None:
    """An empty answer means the login password, as with ansible."""
    same = " (empty: the SSH password)" if login is not None else ""
    return _password(
        options.ask_become_pass,
        options.become_password_file,
        f"BECOME password{same}: ",
        "-K/--ask-become-pass",
        empty=login,
    )


def _password(
    ask: bool, file: str | None, prompt: str, flag: str, empty: Secret | None = None
) -> Secret | None:
    if ask:
        typed = asked(prompt, flag)
        if typed:
            return _weighed(typed)
        if empty is None:
            raise ConfigError(f"{flag}: nothing was typed", hint="an empty password is no password")
        return empty
    if file is not None:
        return _weighed(_first_line(file))
    return None


def asked(prompt: str, flag: str) -> str:
    """Asks on the terminal itself, whatever stdin and stdout are. Raises ConfigError without one."""
    import getpass

    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        raise ConfigError(
            f"{flag} asks on the terminal, and there is none",
            hint="in scripts and cron: --connection-password-file or --become-password-file FILE",
        ) from None
    try:
        return getpass.getpass(prompt)
    except EOFError:
        return ""


def _first_line(file: str) -> str:
    try:
        with open(file, encoding="utf-8") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            line = stream.readline().rstrip("\r\n")
    except OSError as error:
        raise ConfigError(f"the password file cannot be read: {error.strerror}", file=file) from error
    except UnicodeDecodeError as error:
        raise ConfigError("the password file is not UTF-8 text", file=file) from error
    if not line:
        raise ConfigError("the password file has an empty first line", file=file, line=1)
    if stat.S_ISREG(mode) and mode & _OTHERS:
        print_warning(f"{file} can be read by other users", f"chmod 600 {file}")
    return line


def _weighed(value: str) -> Secret:
    if len(value) < MIN_LENGTH:
        print_warning(f"a password of fewer than {MIN_LENGTH} characters is not masked in output")
    return Secret(value)
