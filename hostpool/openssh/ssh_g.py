"""Asking the local OpenSSH (``ssh -G``) for what we do not decide ourselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .directive import Directive, Place
from .keywords import KEYWORDS, Keyword, Kind
from .settings import Settings
from .shell import CommandProblem, run

_EXPANDED = frozenset(("hostname", "userknownhostsfile", "identityagent", "forwardagent", "remotecommand"))
_ALWAYS = frozenset(("hostname", "user", "port"))


class OpenSSH:
    """``arguments`` (``-F …``, ``-o …``) choose the same configuration that we read."""

    def __init__(self, arguments: Sequence[str], env: Mapping[str, str]) -> None:
        self.arguments = tuple(arguments)
        self.env = env
        self._defaults: frozenset[str] | None = None

    def settings(self, host: str, user: str | None, port: int | None) -> Settings:
        """What ``ssh -G`` says about a host. Raises CommandProblem."""
        extra = [*(("-l", user) if user else ()), *(("-p", str(port)) if port else ())]
        lines = self._run(*self.arguments, *extra, "--", host)
        if self._defaults is None:
            # Defaults are printed like settings: what an empty configuration gives too was not set.
            self._defaults = frozenset(self._run("-F", "none", "--", "localhost"))
        settings = Settings()
        place = Place(f"ssh -G {host}", None, "")
        env: list[str] = []
        for line in lines:
            name, _, text = line.partition(" ")
            keyword = KEYWORDS.get(name.lower())
            if keyword is None or (line in self._defaults and keyword.key not in _ALWAYS):
                continue
            if keyword.kind is Kind.SET_ENV:
                env.append(text)
            elif (value := _value(keyword, text)) is not None:
                settings.apply(Directive(keyword, value, place))
        if env:
            settings.apply(Directive(KEYWORDS["setenv"], tuple(env), place))
        return settings

    def _run(self, *arguments: str) -> list[str]:
        import shutil

        ssh = shutil.which("ssh", path=self.env.get("PATH"))
        if ssh is None:
            raise CommandProblem("there is no ssh to ask")
        status, output, errors = run((ssh, "-G", *arguments), self.env)
        if status:
            raise CommandProblem(
                errors.strip().splitlines()[0] if errors.strip() else f"ssh -G exits with {status}"
            )
        return output.splitlines()


def _value(keyword: Keyword, text: str) -> object:
    from .algorithms import parse_algorithms
    from .jump import parse_jump

    if keyword.key in _EXPANDED:
        text = text.replace("%", "%%")
    try:
        if keyword.kind is Kind.ALGORITHMS:
            return parse_algorithms(text)
        if keyword.kind is Kind.JUMP:
            return parse_jump(text)
        if keyword.kind in (Kind.WORDS, Kind.SEND_ENV):
            return tuple(text.split())
        return keyword.parse(text)
    except ValueError:
        return None
