"""The options of ``hostpool play``."""

from __future__ import annotations

from hostpool.cli import values
from hostpool.cli.flags import SECTIONS, flag, flags
from hostpool.cli.options import RunsOptions

_HOSTS, _TASK = SECTIONS[0], SECTIONS[4]


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


@flags
class PlayOptions(RunsOptions):
    list_hosts: bool = flag("--list-hosts", section=_HOSTS, help="Print each play's hosts; run nothing.")
    diff: bool = flag("-D", "--diff", section=_TASK, help="Show what changes in files.")
    tag_lists: tuple[tuple[str, ...], ...] = flag(
        "-t", "--tags", metavar="TAGS", section=_TASK, many=True, parse=_names,
        help="Only tasks with one of these tags.",
    )  # fmt: skip
    skip_lists: tuple[tuple[str, ...], ...] = flag(
        "--skip-tags", metavar="TAGS", section=_TASK, many=True, parse=_names,
        help="No task with one of these tags.",
    )  # fmt: skip
    start_at_task: str | None = flag(
        "--start-at-task", metavar="NAME", section=_TASK, parse=values.text,
        help="Begin at the task of this name.",
    )  # fmt: skip
    force_handlers: bool = flag(
        "--force-handlers", section=_TASK, help="Run notified handlers also on hosts that failed."
    )
    syntax_check: bool = flag("--syntax-check", section=_TASK, help="Read and check all files; run nothing.")
    list_tasks: bool = flag("--list-tasks", section=_TASK, help="Print the tasks that would run.")
    list_tags: bool = flag("--list-tags", section=_TASK, help="Print the tags there are.")
    ask_vault_pass: bool = flag(
        "--ask-vault-pass", section=_TASK, help="Ask for the password of Ansible Vault, once.",
        hidden=("--ask-vault-password",),
    )  # fmt: skip
    vault_password_file: tuple[str, ...] = flag(
        "--vault-password-file", metavar="FILE", section=_TASK, many=True, parse=values.path,
        help="Read a vault password from FILE.", hidden=("--vault-pass-file",),
    )  # fmt: skip

    @property
    def tags(self) -> tuple[str, ...]:
        return tuple(tag for part in self.tag_lists for tag in part)

    @property
    def skip_tags(self) -> tuple[str, ...]:
        return tuple(tag for part in self.skip_lists for tag in part)
