"""The lines of an authorized_keys file (sshd(8)): which key each holds, and the file they make."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

_TYPES = re.compile(
    r"(ssh-(rsa|dss|ed25519|xmss@openssh\.com)|rsa-sha2-(256|512)|ecdsa-sha2-nistp(256|384|521)"
    r"|(webauthn-)?sk-ecdsa-sha2-nistp256@openssh\.com|sk-ssh-ed25519@openssh\.com"
    r"|(ssh-(rsa|dss|ed25519|xmss)|rsa-sha2-(256|512)|ecdsa-sha2-nistp(256|384|521)"
    r"|sk-ecdsa-sha2-nistp256|sk-ssh-ed25519)-cert-v01@openssh\.com)"
)
_OPTION = re.compile(r"""(?:[^,"']|"[^"]*"|'[^']*')+""")

Options = tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True)
class Key:
    """One line. ``kind`` is empty for a line without a key: it stays as it is (``name``)."""

    name: str
    kind: str = ""
    options: Options = ()
    comment: str = ""

    def with_options(self, options: Options) -> Key:
        return replace(self, options=options)

    def with_comment(self, comment: str) -> Key:
        return replace(self, comment=" ".join(comment.split("\n")))

    def line(self) -> str:
        if not self.kind:
            return self.name
        options = ",".join(key if value is None else f"{key}={value}" for key, value in self.options)
        return f"{options} {self.kind} {self.name} {self.comment}\n".removeprefix(" ")


def parsed_options(text: str) -> Options:
    """Divided at the commas outside of quotes."""
    found: list[tuple[str, str | None]] = []
    for part in _OPTION.findall(text):
        name, equal, value = part.partition("=")
        found.append((name, value if equal else None))
    return tuple(found)


def parsed(line: str) -> Key | None:
    """The key of a line; None where there is none in it."""
    words = line.replace(r"\#", "#").split()
    at = next((number for number, word in enumerate(words) if _TYPES.fullmatch(word)), None)
    if at is None or at + 1 >= len(words):
        return None
    options = parsed_options(" ".join(words[:at]))
    return Key(words[at + 1], words[at], options, " ".join(words[at + 2 :]))


class Keys:
    """A file's keys, each once, in their order."""

    def __init__(self, text: str) -> None:
        self._keys: dict[str, Key] = {}
        for number, line in enumerate(text.splitlines(keepends=True)):
            key = None if line.lstrip().startswith("#") else parsed(line)
            if key is None:
                # Lines without a key may be alike, and all of them stay.
                self._keys[f"{number} "] = Key(line)
            else:
                self._keys.pop(key.name, None)
                self._keys[key.name] = key

    read = staticmethod(parsed)

    def add(self, key: Key) -> bool:
        """At the end; whether anything changed."""
        if self._keys.get(key.name) == key:
            return False
        self._keys.pop(key.name, None)
        self._keys[key.name] = key
        return True

    def remove(self, key: Key) -> bool:
        return self._keys.pop(key.name, None) is not None

    def only(self, names: Iterable[str]) -> bool:
        """No others; comments go too."""
        kept = set(names)
        gone = [name for name in self._keys if name not in kept]
        for name in gone:
            del self._keys[name]
        return bool(gone)

    def text(self) -> str:
        """A last line without its end gets one where another follows."""
        lines = [key.line() for key in self._keys.values()]
        return "".join(
            line if line.endswith("\n") or number == len(lines) - 1 else line + "\n"
            for number, line in enumerate(lines)
        )
