"""ssh_config as OpenSSH reads it (ssh_config(5)): loaded once, asked for each host."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from hostpool.errors import SSHConfigError

from .directive import COMMAND_LINE, Directive, Place, read_line
from .evaluation import Evaluation, Undecided
from .finish import Finisher
from .host_config import HostConfig
from .keywords import KEYWORDS, Kind
from .local import Local
from .program import SYSTEM_DIRECTORY, FileProgram, Loader
from .settings import Settings
from .shell import CommandProblem, run_in_shell
from .ssh_g import OpenSSH
from .target_names import canonical, connect_name


class SSHConfig:
    """The options and files of one run. ``resolve`` is cheap (about 30 µs a host) and remembers.

    ``arguments`` are the ``-F`` and ``-o`` arguments that make ssh itself read the same.
    """

    def __init__(
        self,
        local: Local,
        options: tuple[Directive, ...],
        programs: tuple[FileProgram, ...],
        *,
        final_pass: bool,
        arguments: tuple[str, ...],
    ) -> None:
        self.local = local
        self.options = options
        self.programs = programs
        self.final_pass = final_pass
        self.arguments = arguments
        self._answers: dict[str, bool] = {}
        self._resolved: dict[tuple[str, str | None, int | None], HostConfig] = {}
        self._ssh: OpenSSH | None = None
        self._bare: SSHConfig | None = None

    @classmethod
    def load(
        cls,
        files: str | os.PathLike[str] | None = None,
        *,
        options: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        home: str | None = None,
        local_user: str | None = None,
    ) -> SSHConfig:
        """Reads ``~/.ssh/config`` and ``/etc/ssh/ssh_config``, or ``files`` (``-F``) in place of both.

        ``files`` may be ``"none"``. ``options`` are ``-o`` values (``"Port=22"``, ``"Port 22"``); the
        first of all settings counts. ``home`` defaults to the passwd entry's, as in ssh.
        Raises SSHConfigError, or Problems when several lines are wrong.
        """
        local = Local.here(user=local_user, home=home, env=env)
        loader = Loader(local)
        given = _options(options, loader)
        if files is None:
            user_file = f"{local.ssh_directory}/config"
            read: tuple[FileProgram | None, ...] = (
                loader.read(user_file, user=True, strict=True),
                loader.read(f"{SYSTEM_DIRECTORY}/ssh_config", user=False, strict=False),
            )
            arguments: tuple[str, ...] = () if home is None else ("-F", user_file if read[0] else "none")
        else:
            path = os.fspath(files)
            read = (None,) if path.lower() == "none" else (_required(path, loader),)
            arguments = ("-F", path)
        loader.check()
        return cls(
            local,
            given,
            tuple(program for program in read if program is not None),
            final_pass=loader.wants_final_pass,
            arguments=(*arguments, *_arguments(options)),
        )

    def with_options(self, options: Sequence[str]) -> SSHConfig:
        """The same files under other options: nothing is read again. Raises as ``load`` does."""
        loader = Loader(self.local)
        given = _options(options, loader)
        loader.check()
        other = SSHConfig(
            self.local,
            given,
            self.programs,
            final_pass=self.final_pass,
            arguments=(*self._file_arguments(), *_arguments(options)),
        )
        other._answers = self._answers
        return other

    def without_options(self) -> SSHConfig:
        """The configuration as a jump host sees it: ``-o`` options are for the target alone."""
        if not self.options:
            return self
        self._bare = self._bare or self.with_options(())
        return self._bare

    def _file_arguments(self) -> tuple[str, ...]:
        return self.arguments[:2] if self.arguments[:1] == ("-F",) else ()

    def resolve(self, host: str, *, user: str | None = None, port: int | None = None) -> HostConfig:
        """How to reach ``host``. ``user`` and ``port`` count as given on the command line.

        Raises SSHConfigError with file and line.
        """
        key = (host, user, port)
        found = self._resolved.get(key)
        if found is None:
            found = self._resolved[key] = self._resolve(host, user, port)
        return found

    def _resolve(self, host: str, user: str | None, port: int | None) -> HostConfig:
        settings = Settings()
        place = Place(COMMAND_LINE, None, "")
        if user is not None:
            settings.apply(Directive(KEYWORDS["user"], user, place))
        if port is not None:
            settings.apply(Directive(KEYWORDS["port"], port, place))
        try:
            self._evaluate(settings, host)
        except Undecided as question:
            settings = self._ask_ssh(question, host, user, port)
        return Finisher(settings, self.local, host).config()

    def _evaluate(self, settings: Settings, host: str) -> None:
        for directive in self.options:
            settings.apply(directive)
        self._pass(settings, host, host, final=False)
        if settings.value("canonicalizehostname", "no") != "no":
            place = settings.place("canonicalizehostname")
            raise Undecided(place, "CanonicalizeHostname needs look-ups in DNS")
        if self.final_pass:
            name = canonical(connect_name(settings, host))
            # From here on the name stands: a HostName of the second pass comes too late, as in ssh.
            settings.first["hostname"] = Directive(
                KEYWORDS["hostname"], name.replace("%", "%%"), Place(COMMAND_LINE, None, "")
            )
            self._pass(settings, name, host, final=True)

    def _pass(self, settings: Settings, host: str, original: str, *, final: bool) -> None:
        Evaluation(settings, self.local, self._answer, host, original, final=final).run(self.programs)

    def _ask_ssh(self, question: Undecided, host: str, user: str | None, port: int | None) -> Settings:
        self._ssh = self._ssh or OpenSSH(self.arguments, self.local.env)
        try:
            return self._ssh.settings(host, user, port)
        except CommandProblem as problem:
            raise question.place.error(
                f"{question.what}, and asking ssh -G failed: {problem}",
                "install an OpenSSH client that knows it, or choose another file with -F",
            ) from None

    def _answer(self, command: str, place: Place) -> bool:
        """Whether a ``Match exec`` command succeeds; the same command is run once."""
        if command not in self._answers:
            try:
                self._answers[command] = run_in_shell(command, self.local.env)
            except CommandProblem as problem:
                raise place.error(f"Match exec: {problem}") from None
        return self._answers[command]


def _options(options: Sequence[str], loader: Loader) -> tuple[Directive, ...]:
    return tuple(directive for text in options if (directive := _option(text, loader)) is not None)


def _arguments(options: Sequence[str]) -> tuple[str, ...]:
    return tuple(part for text in options for part in ("-o", text))


def _option(text: str, loader: Loader) -> Directive | None:
    place = Place(COMMAND_LINE, None, text)
    try:
        directive = read_line(text, place, loader.ignored)
        if directive is not None and directive.keyword.kind in (Kind.HOST, Kind.MATCH, Kind.INCLUDE):
            raise place.error(
                f"{directive.keyword.name} has no meaning as an option", "put it into a file for -F"
            )
    except SSHConfigError as error:
        loader.errors.append(error)
        return None
    if directive is not None and directive.keyword.key == "ignoreunknown":
        loader.ignored = directive.value
    return directive


def _required(path: str, loader: Loader) -> FileProgram | None:
    if not Path(path).exists():
        raise SSHConfigError("the ssh_config file does not exist", file=path)
    if not os.access(path, os.R_OK):
        raise SSHConfigError("the ssh_config file cannot be read", file=path)
    return loader.read(path, user=True, strict=False)
