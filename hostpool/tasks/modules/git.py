"""git: a checkout of a repository is there, at the version asked for.

Parameters:
    repo: where it comes from: a URL, or a path on the host; a password in it can be seen on the host
    dest: the directory of the checkout
    version: a branch, a tag, a commit, or HEAD for the branch that it is on
    remote: what the origin is called
    refspec: further references to fetch
    reference: a repository of the host to borrow objects from
    force: local modifications are discarded
    depth: so many commits only (from 1 on)
    clone: if it is not there, clone it; without, only tell what would be there
    update: if it is there, bring it to the version
    accept_hostkey: any key of the host that it comes from will do
    accept_newhostkey: a key that is not known yet will do
    key_file: the private key to log in there with
    ssh_opts: options for ssh, as a shell reads them
    executable: the git to use
    bare: without a working tree
    recursive: its submodules too
    single_branch: only the history of the version
    track_submodules: submodules at the latest of their branch
    separate_git_dir: where the repository itself is kept
    umask: of files that are made
Returns: ``before``, ``after``, ``remote_url_changed``, ``submodules_changed``, ``git_dir_before``,
    ``git_dir_now``, ``diff``.
Needs: git, and ssh where it comes from needs it.
Differs: nothing is fetched where the version is there already, so other branches may be of old (not with
    ``bare``, ``refspec`` or ``track_submodules``); git never asks for a password.
Source: ansible.builtin.git of ansible-core 2.19, man pages git-clone(1), git-fetch(1), git-ls-remote(1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
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
    require,
    text,
)
from hostpool.tasks.modules.git_programs import CHANGE, LOOK
from hostpool.tasks.modules.spec import Param, Spec
from hostpool.tasks.shell import quote

_COMMIT = re.compile(r"[0-9a-f]{7,64}")


@dataclass(frozen=True, slots=True)
class _Found:
    """``facts`` of the checkout, empty if there is none; ``refs`` of where it comes from → commits."""

    facts: Mapping[str, str]
    refs: Mapping[str, str] = field(default_factory=dict)

    @property
    def exists(self) -> bool:
        return "dir" in self.facts


def git(args: Mapping[str, Any], mode: Mode) -> Steps:
    _check(args)
    repo = f"file://{args['repo']}" if args["repo"].startswith("/") else args["repo"]
    head = (args["executable"] or "git", _ssh(args), args["umask"] or "")
    asked = (_flag(args["bare"]), args["version"], repo, args["remote"], _flag(args["update"]))
    reply = yield from query(LOOK, *head, args["dest"] or "", *asked)
    found = _read(require(reply, "git", rc=reply.exit_code))
    if found.exists and not args["update"]:
        return {"changed": False, "before": found.facts["head"], "after": found.facts["head"]}
    before = found.facts["head"] if found.exists else None
    kind, after = _wanted(args["version"], found)
    if not found.exists and not args["clone"]:
        return {"changed": True, "before": None, "after": after, **_prepared(mode, None, after)}
    told: Result = {"changed": True, "before": before, "after": after, **_prepared(mode, before, after)}
    if found.exists:
        more = _difference(args, repo, found)
        told = {**told, **more, "changed": before != after or len(more) > 1 or more["remote_url_changed"]}
        if not told["changed"] and _settled(args, kind, found):
            return {key: value for key, value in told.items() if key != "diff"}
    words = _words(args, repo, kind, found, told, mode)
    reply = yield from change(CHANGE, *head, *words, foretells=told)
    return _result(require(reply, _failure(found), rc=reply.exit_code), told, mode)


def _check(args: Mapping[str, Any]) -> None:
    if not args["dest"] and args["clone"]:
        raise ModuleFailed("the destination directory must be specified unless clone=no")
    for name in ("version", "remote", "refspec"):
        if (args[name] or "").startswith("-"):
            raise ModuleFailed(f"{name} cannot begin with a dash: {args[name]}")
    if args["umask"] is not None and not re.fullmatch("0?[0-7]{1,4}", str(args["umask"])):
        raise ModuleFailed("umask must be an octal integer, in quotes")


def _flag(value: Any) -> str:
    return "1" if value else ""


def _ssh(args: Mapping[str, Any]) -> str:
    """The options of ssh, to be read by a shell once more."""
    words = args["ssh_opts"] or ""
    for name, value in (("accept_hostkey", "no"), ("accept_newhostkey", "accept-new")):
        if args[name] and "StrictHostKeyChecking=" not in words:
            words += f" -o StrictHostKeyChecking={value}"
    if "BatchMode=" not in words:
        words += " -o BatchMode=yes"
    if args["key_file"]:
        words += f" -i {quote(args['key_file'])}"
        words += "" if "IdentitiesOnly=" in words else " -o IdentitiesOnly=yes"
    return words.strip()


def _read(reply: RunReply) -> _Found:
    facts: dict[str, str] = {}
    refs: dict[str, str] = {}
    for line in text(reply.stdout).splitlines():
        key, _, value = line.partition("\t")
        if key.startswith("ref "):
            refs[key.removeprefix("ref ")] = value
        else:
            facts[key] = value
    return _Found(facts, refs)


def _wanted(version: str, found: _Found) -> tuple[str, str]:
    """What kind of version it is, and its commit. Raises ModuleFailed if there is no such thing."""
    if version == "HEAD":
        branch = found.facts.get("follows") or found.facts.get("branch") if found.exists else ""
        commit = found.refs.get(f"refs/heads/{branch}" if branch else "HEAD")
        if commit is None:
            raise ModuleFailed(f"Could not determine remote revision for {version}")
        return "head", commit
    if commit := found.refs.get(f"refs/heads/{version}"):
        return "branch", commit
    if commit := found.refs.get(f"refs/tags/{version}^{{}}") or found.refs.get(f"refs/tags/{version}"):
        return "tag", commit
    local = found.facts.get("local", "")
    return "commit", local if local and _COMMIT.fullmatch(version) and local.startswith(version) else version


def _difference(args: Mapping[str, Any], repo: str, found: _Found) -> Result:
    """What else than the version is not as asked. Raises ModuleFailed for modifications to be kept."""
    more: Result = {}
    url, dest = found.facts["url"], found.facts["dest"]
    more["remote_url_changed"] = url.rstrip("/") not in (repo.rstrip("/"), args["repo"].rstrip("/"))
    if found.facts.get("modified"):
        message = f"Local modifications exist in the destination: {dest}"
        if not args["force"]:
            raise ModuleFailed(f"{message} (force=no).", before=found.facts["head"])
        more["msg"] = message
    stale = set(found.facts.get("submodules", "")) - {" "}
    if args["recursive"] and not args["bare"] and stale:
        more["submodules_changed"] = True
    separate = args["separate_git_dir"]
    if separate and separate != found.facts["dir"]:
        more["git_dir_before"], more["git_dir_now"] = found.facts["dir"], separate
    return more


def _settled(args: Mapping[str, Any], kind: str, found: _Found) -> bool:
    """Nothing is to be fetched, and the checkout is on the branch it should be on, or on none."""
    if args["bare"] or args["refspec"] or (args["track_submodules"] and "submodules" in found.facts):
        return False
    branch = found.facts["branch"]
    return branch == args["version"] if kind == "branch" else bool(branch) is (kind == "head")


def _words(
    args: Mapping[str, Any], repo: str, kind: str, found: _Found, told: Result, mode: Mode
) -> list[str]:
    facts = found.facts
    branch = (facts.get("follows") or facts.get("branch", "")) if found.exists else ""
    return [
        facts["dest"], repo, args["remote"], args["version"], kind, branch, _flag(args["bare"]),
        str(args["depth"]) if (args["depth"] or 0) > 0 else "", args["refspec"] or "", _flag(args["force"]),
        facts.get("modified", ""), _flag(told.get("remote_url_changed")), _flag(args["recursive"]),
        _flag(args["track_submodules"]), _flag(args["single_branch"]), args["separate_git_dir"] or "",
        args["reference"] or "", facts.get("dir", ""), _flag(mode.diff),
    ]  # fmt: skip


def _failure(found: _Found) -> str:
    return "Failed to update" if found.exists else "Failed to clone"


def _result(reply: RunReply, told: Result, mode: Mode) -> Result:
    head, _, diff = text(reply.stdout).partition("diff\t\n")
    facts = dict(line.split("\t", 1) for line in head.splitlines() if "\t" in line)
    result = {key: value for key, value in told.items() if key not in ("diff", "submodules_changed")}
    result["after"] = facts.get("after", told["after"])
    changed = told["before"] != result["after"] or told.get("remote_url_changed", False)
    if "submodules" in facts:
        result["submodules_changed"] = True
    extra = result.keys() - {"changed", "before", "after", "remote_url_changed"}
    result["changed"] = changed or bool(extra)
    if mode.diff and told["before"] is not None and diff:
        result["diff"] = {"prepared": diff}
    elif result["changed"]:
        result.update(_prepared(mode, told["before"], result["after"]))
    return result


def _prepared(mode: Mode, before: str | None, after: str) -> Result:
    if not mode.diff or before == after:
        return {}
    words = f">> Newly checked out {after}" if before is None else f">> from {before} to {after}"
    return {"diff": {"prepared": words}}


MODULES = {
    "git": Module(
        Spec(
            "git",
            {
                "repo": Param(required=True, aliases=("name",)),
                "dest": Param("path"),
                "version": Param(default="HEAD"),
                "remote": Param(default="origin"),
                "refspec": Param(),
                "reference": Param(),
                "force": Param("bool", False),
                "depth": Param("int"),
                "clone": Param("bool", True),
                "update": Param("bool", True),
                "accept_hostkey": Param("bool"),
                "accept_newhostkey": Param("bool"),
                "key_file": Param("path"),
                "ssh_opts": Param(),
                "executable": Param("path"),
                "bare": Param("bool", False),
                "recursive": Param("bool", True),
                "single_branch": Param("bool", False),
                "track_submodules": Param("bool", False),
                "separate_git_dir": Param("path"),
                "umask": Param(),
            },
            refused={
                "verify_commit": "signatures are not checked",
                "gpg_allowlist": "signatures are not checked",
                "gpg_whitelist": "signatures are not checked",
                "archive": "run git archive with the module command",
                "archive_prefix": "run git archive with the module command",
            },
            exclusive=(("accept_hostkey", "accept_newhostkey"),),
        ),
        git,
    )
}
