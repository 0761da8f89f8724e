"""pip: Python packages are installed, in a virtual environment or not, or gone.

Parameters:
    name: packages, with versions (``name>=1,<2``), URLs, paths
    version: of the only package
    requirements: a file of the host that lists them
    virtualenv: the virtual environment to use; made if it is not there
    virtualenv_site_packages: made with the host's own packages
    virtualenv_command: makes it, such as ``python3 -m venv``
    virtualenv_python: the Python that it is made for
    state: latest updates them, forcereinstall installs them again
    extra_args: further words for pip
    editable: install sources where they are
    chdir: the directory to be in
    executable: the pip to use
    umask: of files that are made
    break_system_packages: though the system manages them (PEP 668)
Returns: ``cmd``, ``name``, ``version``, ``requirements``, ``virtualenv``, ``state``, ``stdout``, ``stderr``.
Needs: pip; virtualenv or what virtualenv_command says where one is to be made.
Differs: pip is not called to find that all is there (then ``stdout`` is empty). Check mode asks pip itself
    (``--dry-run``, pip 22.2) where a list of what is installed does not tell. Without ``executable`` it is
    the pip of python3.
Source: ansible.builtin.pip of ansible-core 2.19, the manual of pip.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hostpool.tasks.base import RunReply
from hostpool.tasks.modules.base import (
    Mode,
    Module,
    ModuleFailed,
    Result,
    Steps,
    change,
    query,
    sections,
    text,
)
from hostpool.tasks.modules.pep440 import Requirement, canonical, requirement
from hostpool.tasks.modules.pip_programs import CHANGE, LOOK
from hostpool.tasks.modules.spec import Param, Spec

_WORDS = {
    "present": ["install"], "absent": ["uninstall", "-y"], "latest": ["install", "-U"],
    "forcereinstall": ["install", "-U", "--force-reinstall"],
}  # fmt: skip
_VCS = re.compile(r"(svn|git|hg|bzr)\+")
_HARMLESS = re.compile(
    r"--(no-index|find-links|index-url|extra-index-url|trusted-host|no-cache-dir|quiet|proxy|timeout|cert"
    r"|retries|prefer-binary|no-binary|only-binary|disable-pip-version-check|break-system-packages"
    r"|no-deps|root-user-action|default-timeout|use-pep517|no-build-isolation)(=.*)?|-[fiq]|[^-].*"
)


@dataclass(frozen=True, slots=True)
class _Asked:
    """``packages`` as pip is to be told; ``plain`` where a list of what is installed tells all of them."""

    packages: list[str]
    plain: list[Requirement] | None
    words: list[str]
    vcs: bool


def pip(args: Mapping[str, Any], mode: Mode) -> Steps:
    if args["requirements"] is None and not _packages([str(each) for each in args["name"] or ()]):
        return {"changed": False, "warnings": ["No valid name or requirements file found."]}
    asked = _asked(args)
    if not asked.packages and not args["requirements"]:
        return {"changed": False}
    env = posixpath.join(args["chdir"] or "", args["virtualenv"]) if args["virtualenv"] else ""
    head = (args["chdir"] or "", env, args["executable"] or "")
    base: Result = {
        "name": args["name"], "version": args["version"], "state": args["state"],
        "requirements": args["requirements"], "virtualenv": env or None,
    }  # fmt: skip
    told: Result = {"changed": True, "cmd": asked.words, **base}
    if asked.plain is not None or mode.check:
        dry = asked.words if asked.plain is None and args["state"] != "absent" else []
        reply = _good((yield from query(LOOK, *head, *dry)), asked.words)
        found = dict(sections(reply.stdout))
        told["cmd"] = _command(found, asked)
        if not _to_do(args, asked, found):
            return {**told, "changed": False, "stdout": "", "stderr": ""}
    words = ("1" if asked.vcs or args["requirements"] else "", "1" if args["state"] == "absent" else "")
    create = _creating(args, env) if env else []
    reply = yield from change(
        CHANGE, *head, args["umask"] or "", "1" if args["break_system_packages"] else "", *words,
        str(len(create)), *create, *asked.words, foretells=told,
    )  # fmt: skip
    return _outcome(args, asked, reply, base)


def _asked(args: Mapping[str, Any]) -> _Asked:
    """Raises ModuleFailed for what does not go together."""
    if args["state"] == "latest" and args["version"] is not None:
        raise ModuleFailed("version is incompatible with state=latest")
    if args["umask"] is not None and not re.fullmatch("(0o?)?[0-7]{1,4}", args["umask"]):
        raise ModuleFailed("umask must be an octal integer")
    names = _packages([str(each).strip() for each in args["name"] or ()])
    if args["version"] is not None and names:
        names = [_versioned(names, args["version"].strip())]
    parsed = [requirement(each) for each in names]
    packages = [each.shown if each else name for each, name in zip(parsed, names, strict=True)]
    extra = shlex.split(args["extra_args"] or "")
    if args["editable"] and "-e" not in extra:
        extra.append("-e")
    plain: list[Requirement] | None = [each for each in parsed if each is not None and not each.extras]
    if (
        len(plain or ()) != len(names)
        or not names
        or args["state"] not in ("present", "absent")
        or not all(_HARMLESS.fullmatch(word) for word in extra)
    ):
        plain = None
    words = [*_WORDS[args["state"]], *extra]
    words += packages if names else ["-r", args["requirements"]]
    return _Asked(packages, plain, words, any(_VCS.match(each) for each in names))


def _versioned(names: list[str], version: str) -> str:
    if len(names) > 1:
        raise ModuleFailed(
            "'version' argument is ambiguous when installing multiple package distributions. "
            "Please specify version restrictions next to each package in 'name' argument."
        )
    parsed = requirement(names[0])
    if parsed is not None and parsed.clauses:
        raise ModuleFailed(
            "The 'version' argument conflicts with any version specifier provided along with a package name. "
            "Please keep the version specifier, but remove the 'version' argument."
        )
    return f"{names[0]}=={version}" if version[:1].isdigit() else f"{names[0]} {version}"


def _packages(given: list[str]) -> list[str]:
    """A text with commas has been taken apart; parts that are versions only belong to the name before."""
    names: list[str] = []
    inside = False
    for each in [part.strip() for word in given for part in word.split(",")]:
        if names and (inside or re.match("(===|==|~=|!=|<=|>=|<|>)", each)):
            names[-1] += f",{each}"
        else:
            names.append(each)
        inside = names[-1].count("[") > names[-1].count("]")
    return [each for each in names if each]


def _command(found: Mapping[str, str], asked: _Asked) -> list[str]:
    return [*found.get("pip", "pip\n").splitlines(), *asked.words]


def _to_do(args: Mapping[str, Any], asked: _Asked, found: Mapping[str, str]) -> bool:
    if "absent" in found:
        return True
    versions: dict[str, str] = {}
    for line in found.get("list", "").splitlines():
        name, equals, version = line.partition("==")
        if equals:
            versions[canonical(name)] = version
    if asked.plain is None:
        if args["state"] == "absent":
            names = (re.split(r"[\[<>=!~ ;@]", each)[0] for each in asked.packages)
            return bool(args["requirements"]) or any(canonical(name) in versions for name in names)
        return "unknown" in found or args["state"] == "forcereinstall" or "Would install" in found["dry"]
    if args["state"] == "absent":
        return any(each.name in versions for each in asked.plain)
    return not all(each.name in versions and each.holds(versions[each.name]) for each in asked.plain)


def _creating(args: Mapping[str, Any], env: str) -> list[str]:
    """The command that makes the virtual environment. Raises ModuleFailed."""
    words = shlex.split(args["virtualenv_command"])
    if not words:
        raise ModuleFailed("virtualenv_command is empty")
    if args["virtualenv_site_packages"]:
        words.append("--system-site-packages")
    venv = posixpath.basename(words[0]) == "pyvenv" or ("-m" in words and "venv" in words)
    if venv and args["virtualenv_python"]:
        raise ModuleFailed(
            "virtualenv_python should not be used when using the venv module or pyvenv as virtualenv_command"
        )
    if args["virtualenv_python"]:
        words.append(f"-p{args['virtualenv_python']}")
    return [*words, env]


def _good(reply: RunReply, words: list[str]) -> RunReply:
    if reply.exit_code == 0:
        return reply
    stdout = "".join(body for head, body in sections(reply.stdout) if head in ("created", "output", "dry"))
    stderr = text(reply.stderr)
    raise ModuleFailed(f"stdout: {stdout}\n:stderr: {stderr}" if stdout else stderr.strip(), cmd=words)


def _outcome(args: Mapping[str, Any], asked: _Asked, reply: RunReply, base: Result) -> Result:
    found = dict(sections(reply.stdout))
    output, stderr = found.get("output", ""), text(reply.stderr)
    command = _command(found, asked)
    absent = args["state"] == "absent"
    if not (absent and reply.exit_code == 1 and "not installed" in output + stderr):
        _good(reply, command)
    if "before" in found and not absent:
        changed = found["before"] != found.get("after")
    else:
        changed = f"Successfully {'uninstalled' if absent else 'installed'}" in output
    stdout = found.get("created", "") + output
    told = {"cmd": command, **base, "stdout": stdout, "stderr": stderr}
    return {"changed": changed or "created" in found, **told}


MODULES = {
    "pip": Module(
        Spec(
            "pip",
            {
                "name": Param("list"),
                "version": Param(),
                "requirements": Param(),
                "virtualenv": Param("path"),
                "virtualenv_site_packages": Param("bool", False),
                "virtualenv_command": Param("path", "virtualenv"),
                "virtualenv_python": Param(),
                "state": Param(default="present", choices=("absent", "forcereinstall", "latest", "present")),
                "extra_args": Param(),
                "editable": Param("bool", False),
                "chdir": Param("path"),
                "executable": Param("path"),
                "umask": Param(),
                "break_system_packages": Param("bool", False),
            },
            one_of=("name", "requirements"),
            exclusive=(("name", "requirements"), ("executable", "virtualenv")),
        ),
        pip,
    )
}
