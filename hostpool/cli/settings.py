"""From options to what the rooms below take: Settings, Plan, ViewOptions."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from hostpool.cli import extra_vars, passwords
from hostpool.runner import Plan
from hostpool.secrets import Masker
from hostpool.settings import MAX_OUTPUT, Settings
from hostpool.views import Kind, ViewOptions, default_kind, wants_color

if TYPE_CHECKING:
    from hostpool.cli.options import RunsOptions, Showing, Spreading


def settings(options: RunsOptions) -> Settings:
    """Asks for passwords too. Raises ConfigError or Problems."""
    variables = extra_vars.parse(options.extra_vars)
    login = passwords.login_password(options)
    return Settings(
        user=options.user,
        port=options.port,
        private_key_files=options.private_key,
        password=login,
        ssh_config=options.ssh_config,
        ssh_options=options.ssh_option,
        jump=options.jump,
        forward_agent=options.forward_agent or None,
        host_keys=options.host_keys,
        connect_timeout=options.connect_timeout,
        task_timeout=options.task_timeout,
        silence_timeout=options.silence_timeout,
        retries=options.retries,
        max_output=MAX_OUTPUT if options.max_output is None else options.max_output,
        become=options.become or None,
        become_user=options.become_user,
        become_method=options.become_method,
        become_password=passwords.become_password(options, login),
        extra_vars=variables,
        check=options.check,
        keep_sessions=False,
    )


def plan(options: Spreading, changed_exit_code: bool) -> Plan:
    return Plan(
        max_fail=options.max_fail,
        batches=options.batch or (),
        pause=options.pause or 0.0,
        deadline=options.deadline,
        changed_exit_code=changed_exit_code,
    )


def view(options: Showing, secrets: Iterable[str]) -> tuple[Kind, ViewOptions]:
    stdout, stderr = sys.stdout.buffer, sys.stderr.buffer
    kind: Kind = options.output or default_kind(stdout, os.environ)
    return kind, ViewOptions(
        stdout=stdout,
        stderr=stderr,
        quiet=options.quiet,
        verbose=options.verbose > 0,
        no_prefix=options.no_prefix,
        stream=options.stream,
        fold=not options.no_fold,
        compare=options.compare,
        color=wants_color(stdout, os.environ),
        masker=Masker(secrets),
    )
