"""ssh command-line arguments in inventories: ``ansible_ssh_common_args``, ``ansible_ssh_extra_args``."""

from __future__ import annotations

import shlex
from functools import lru_cache

from hostpool.errors import SSHConfigError

from .directive import COMMAND_LINE, Place, read_line
from .jump import parse_jump

_HINT = "-o KEYWORD=VALUE and -J HOST are taken over; put anything else into the ssh_config"


@lru_cache(maxsize=256)
def parse_ssh_args(text: str) -> tuple[str, ...]:
    """The options (``KEYWORD=VALUE``) that such arguments mean. Raises SSHConfigError naming the rest."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise SSHConfigError(f"ssh arguments: {error}", hint="quotes must be closed", source=text) from None
    options = []
    while words:
        word = words.pop(0)
        flag, value = word[:2], word[2:]
        if flag not in ("-o", "-J"):
            raise SSHConfigError(f"ssh argument {word} is not supported", hint=_HINT, source=text)
        if not value:
            if not words:
                raise SSHConfigError(f"ssh argument {word} has no value", hint=_HINT, source=text)
            value = words.pop(0)
        options.append(_jump(value, text) if flag == "-J" else _option(value, text))
    return tuple(options)


def _jump(value: str, text: str) -> str:
    try:
        parse_jump(value)
    except ValueError as error:
        raise SSHConfigError(f"ssh argument -J: {error}", source=text) from None
    return f"ProxyJump={value}"


def _option(value: str, text: str) -> str:
    read_line(value, Place(COMMAND_LINE, None, text))
    return value
