"""What has been set for one host so far: the first setting counts, some keywords accumulate."""

from __future__ import annotations

from typing import Any

from .directive import Directive, Place
from .keywords import Kind
from .patterns import matches


class Settings:
    """``first``: by key, the directive that counts. ``paths``: IdentityFile and CertificateFile."""

    __slots__ = ("first", "paths", "send_env")

    def __init__(self) -> None:
        self.first: dict[str, Directive] = {}
        self.paths: dict[str, dict[str, Place]] = {}
        self.send_env: dict[str, None] = {}

    def value(self, key: str, default: Any = None) -> Any:
        directive = self.first.get(key)
        return default if directive is None else directive.value

    def place(self, key: str) -> Place:
        return self.first[key].place

    def apply(self, directive: Directive) -> None:
        key, _, kind, _ = directive.keyword
        if kind is Kind.PATHS:
            self.paths.setdefault(key, {}).setdefault(directive.value, directive.place)
        elif kind is Kind.SEND_ENV:
            self._send_env(directive.value)
        elif (kind is Kind.SINGLE and directive.value is None) or directive.value == ():
            pass  # a time of "none", or words that are all comment: as if not set, a later line decides
        elif key not in self.first and not self._proxy_is_decided(key):
            self.first[key] = directive

    def _proxy_is_decided(self, key: str) -> bool:
        """ProxyJump and ProxyCommand compete: the first counts (``ProxyJump none`` stops only jumps)."""
        if key == "proxyjump":
            return "proxycommand" in self.first
        return key == "proxycommand" and self.value("proxyjump") is not None

    def _send_env(self, words: tuple[str, ...]) -> None:
        for word in words:
            if word.startswith("-"):
                self.send_env = {name: None for name in self.send_env if not matches(name, word[1:])}
            else:
                self.send_env[word] = None
