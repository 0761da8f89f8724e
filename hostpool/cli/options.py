"""Every option that several commands share, declared once. A field that is None (False, empty) was
not said; the configuration then decides, and after it the default named in the help.

Names and letters are a contract (DESIGN: Ansible's are the base, clush's join where they do not
clash); a command takes the groups it has a meaning for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from hostpool.batches import Limit
from hostpool.cli import values
from hostpool.cli.again import Invocation, Replay
from hostpool.cli.flags import CRON, SECTIONS, Flags, flag, flags, setting
from hostpool.settings import HostKeyPolicy

if TYPE_CHECKING:
    from hostpool.cli.schedule import Watch

OutputKind = Literal["live", "plain", "jsonl", "json", "junit"]

_HOSTS, _SPREAD, _CONNECT, _BECOME, _TASK, _OUTPUT = SECTIONS


@flags
class Sources(Flags):
    """Where hosts come from, and which of them."""

    inventory: tuple[str, ...] = flag(
        "-i", "--inventory", metavar="SOURCE", section=_HOSTS, many=True, config=True, parse=values.source,
        help="Inventory: a file, a directory, an executable, 'h1,h2,' or - for stdin. "
        "[default: ./inventories, else the one in ~/.config/hostpool]",
        hidden=("--inventory-file",),
    )  # fmt: skip
    inventory_typed: bool = False
    """Whether it was -i that named the inventory: only then may a source be a program."""
    limit: str | None = flag(
        "-l", "--limit", metavar="PATTERN", section=_HOSTS, parse=values.text, complete="hosts",
        help="Only those hosts of PATTERN that also match this one.",
    )  # fmt: skip
    exclude: tuple[str, ...] = flag(
        "-x", "--exclude", metavar="PATTERN", section=_HOSTS, many=True, parse=values.text, complete="hosts",
        help="Leave out the hosts that match.",
    )  # fmt: skip
    extra_vars: tuple[str, ...] = flag(
        "-e", "--extra-vars", metavar="VARS", section=_HOSTS, many=True, parse=values.text,
        help="Variables that win over all others: 'k=v k2=v2', JSON, or @FILE (YAML or JSON).",
    )  # fmt: skip


@flags
class Selecting(Sources):
    pick: int | None = flag(
        "--pick", metavar="N", section=_HOSTS, parse=values.count,
        help="Only N of the selected hosts, at random.",
    )  # fmt: skip
    list_hosts: bool = flag("--list-hosts", section=_HOSTS, help="Print the selected hosts; run nothing.")


@flags
class Pooling(Flags):
    fanout: int | None = flag(
        "-f", "--fanout", "--forks", metavar="N", section=_SPREAD, parse=values.count, config=True,
        help="Hosts at the same time. [default: 64]",
    )  # fmt: skip
    workers: int | None = flag(
        "--workers", metavar="N", section=_SPREAD, parse=values.count, config=True,
        help="Worker processes that share them. [default: one per CPU]",
    )  # fmt: skip


@flags
class Batching(Flags):
    batch: tuple[str, ...] | None = flag(
        "--batch", metavar="SIZES", section=_SPREAD, parse=values.sizes,
        help="One batch after the other, as in 1,10%,50%: the last size repeats.",
    )  # fmt: skip
    pause: float | None = flag(
        "--pause", metavar="SECONDS", section=_SPREAD, parse=values.pause,
        help="Wait between two batches.",
    )  # fmt: skip
    max_fail: Limit | None = flag(
        "--max-fail", metavar="N|P%", section=_SPREAD, parse=values.limit, config=True,
        help="Start no more once more than this many hosts went wrong. "
        "[default: no limit; 0 in the first of several batches]",
    )  # fmt: skip


@flags
class Ending(Flags):
    deadline: float | None = flag(
        "--deadline", metavar="SECONDS", section=_SPREAD, parse=values.seconds, config=True,
        help="End the whole run after this time (30, 90s, 1h30m).",
    )  # fmt: skip
    retries: int | None = flag(
        "--retries", metavar="N", section=_SPREAD, parse=values.natural, config=True,
        help="Further attempts to reach a host. [default: 2]",
    )  # fmt: skip


@flags
class Spreading(Ending, Batching, Pooling):
    yes: bool = flag("-y", "--yes", section=_SPREAD, help="Do not ask before a large run as another user.")


@flags
class Connecting(Flags):
    user: str | None = flag(
        "-u", "--user", metavar="USER", section=_CONNECT, parse=values.text, config=True,
        help="Log in as USER. [default: as ssh does]",
    )  # fmt: skip
    port: int | None = flag(
        "--port",
        metavar="PORT",
        section=_CONNECT,
        parse=values.port,
        config=True,
        help="Connect to this port. [default: 22]",
    )
    private_key: tuple[str, ...] = flag(
        "--private-key", metavar="FILE", section=_CONNECT, many=True, parse=values.path, config=True,
        help="Log in with this key.", hidden=("--key-file",),
    )  # fmt: skip
    ask_pass: bool = flag("-k", "--ask-pass", section=_CONNECT, help="Ask for the login password, once.")
    connection_password_file: str | None = flag(
        "--connection-password-file", metavar="FILE", section=_CONNECT, parse=values.path, config=True,
        help="Read the login password from FILE.", hidden=("--conn-pass-file",),
    )  # fmt: skip
    ssh_config: str | None = flag(
        "-F", "--ssh-config", metavar="FILE", section=_CONNECT, parse=values.path, config=True,
        help="Read this instead of ~/.ssh/config ('none': no file).",
    )  # fmt: skip
    ssh_option: tuple[str, ...] = flag(
        "--ssh-option", metavar="K=V", section=_CONNECT, many=True, parse=values.ssh_option, config=True,
        help="One option in ssh_config's words, as ssh -o takes it.",
    )  # fmt: skip
    jump: str | None = flag(
        "-J", "--jump", metavar="HOST", section=_CONNECT, parse=values.text, config=True,
        help="Reach the hosts through this one (several: h1,h2).",
    )  # fmt: skip
    forward_agent: bool = flag(
        "-A", "--forward-agent", section=_CONNECT, help="Let the hosts use our ssh-agent."
    )
    connect_timeout: float | None = flag(
        "-T", "--connect-timeout", metavar="SECONDS", section=_CONNECT, parse=values.seconds, config=True,
        help="Time to reach and log in to a host. [default: 10]",
    )  # fmt: skip
    host_keys: HostKeyPolicy | None = flag(
        "--host-keys", metavar="POLICY", section=_CONNECT, config=True,
        parse=values.choice("strict", "accept-new", "off"), complete="strict accept-new off",
        help="strict: only known keys. accept-new: remember unknown ones. off: check nothing. "
        "[default: strict]",
    )  # fmt: skip


@flags
class Becoming(Flags):
    become: bool = flag("-b", "--become", section=_BECOME, help="Run as another user (root) on the host.")
    become_user: str | None = flag(
        "--become-user", metavar="USER", section=_BECOME, parse=values.text, config=True,
        help="Become USER. [default: root]",
    )  # fmt: skip
    become_method: str | None = flag(
        "--become-method", metavar="METHOD", section=_BECOME, config=True,
        parse=values.choice("sudo", "su", "doas"), complete="sudo su doas",
        help="By sudo, su or doas. [default: sudo]",
    )  # fmt: skip
    ask_become_pass: bool = flag(
        "-K", "--ask-become-pass", section=_BECOME, help="Ask for the password of -b, once."
    )
    become_password_file: str | None = flag(
        "--become-password-file", metavar="FILE", section=_BECOME, parse=values.path, config=True,
        help="Read the password of -b from FILE.", hidden=("--become-pass-file",),
    )  # fmt: skip


@flags
class Limiting(Flags):
    check: bool = flag("-C", "--check", section=_TASK, help="Tell what would be done; do nothing.")
    task_timeout: float | None = flag(
        "--task-timeout", metavar="SECONDS", section=_TASK, parse=values.seconds, config=True,
        help="End the task of a host after this time. [default: no limit]",
    )  # fmt: skip
    silence_timeout: float | None = flag(
        "--silence-timeout", metavar="SECONDS", section=_TASK, parse=values.seconds, config=True,
        help="End it after this time without output. [default: no limit]",
    )  # fmt: skip


@flags
class Showing(Flags):
    output: OutputKind | None = flag(
        "-o", "--output", metavar="VIEW", section=_OUTPUT, config=True,
        parse=values.choice("live", "plain", "jsonl", "json", "junit"),
        complete="live plain jsonl json junit",
        help="live, plain, jsonl, json or junit. [default: live on a terminal, else plain]",
    )  # fmt: skip
    stream: bool = flag("--stream", section=_OUTPUT, help="Print output lines as they come.")
    no_prefix: bool = flag("-N", "--no-prefix", section=_OUTPUT, help="No 'host: ' before lines.")
    no_fold: bool = flag("--no-fold", section=_OUTPUT, help="Do not join hosts with equal results.")
    compare: bool = flag(
        "--compare", section=_OUTPUT, help="Show outputs as they differ from what most hosts gave."
    )
    quiet: bool = flag(
        "-q", "--quiet", section=_OUTPUT, help="Only hosts that are not well, and the summary."
    )
    verbose: int = flag(
        "-v", "--verbose", section=_OUTPUT, counted=True, help="Tell of each host as it ends, and of retries."
    )
    max_output: int | None = flag(
        "--max-output", metavar="SIZE", section=_OUTPUT, parse=values.size, config=True,
        help="Keep this much of each output stream: its beginning and its end. [default: 1M]",
    )  # fmt: skip
    outdir: str | None = flag(
        "--outdir", metavar="DIR", section=_OUTPUT, parse=values.path,
        help="Write DIR/HOST.stdout and .stderr as they come, DIR/HOST.json at the host's end.",
    )  # fmt: skip
    changed_exit_code: bool = flag(
        "--changed-exit-code", section=_OUTPUT, help="Exit with 6 when all is well and something changed."
    )


@flags
class Remembering(Flags):
    """Where runs and the outcomes of cron's are remembered: all of it can only be configured."""

    state_dir: str | None = setting(
        "state-dir", metavar="DIR", parse=values.path, default=None,
        help="Where the history and the outcomes of --cron are kept. [default: ~/.local/state/hostpool]",
    )  # fmt: skip
    history_output: bool = setting(
        "history-output", default=True, help="Keep the output of hosts in the history (64 KiB a host)."
    )
    history_keep: float | None = setting(
        "history-keep", metavar="TIME", parse=values.seconds, default=None,
        help="Forget runs that are older. [default: 30d]",
    )  # fmt: skip
    history_max_size: int | None = setting(
        "history-max-size", metavar="SIZE", parse=values.size, default=None,
        help="Forget the oldest runs when the history is larger. [default: 1G]",
    )  # fmt: skip


@flags
class Scheduled(Flags):
    """What cron mode is told; without ``cron`` the others mean nothing."""

    cron: str | None = flag(
        "--cron", metavar="NAME", section=CRON, parse=values.job_name,
        help="Run as the cron job NAME: a report only when something failed, changed or recovered.",
    )  # fmt: skip
    overlap: Literal["skip", "wait", "kill"] | None = flag(
        "--overlap", metavar="HOW", section=CRON, parse=values.choice("skip", "wait", "kill"),
        complete="skip wait kill",
        help="If NAME still runs: skip this run (exit 75), wait for it, or kill it. [default: skip]",
    )  # fmt: skip
    jitter: float | None = flag(
        "--jitter", metavar="SECONDS", section=CRON, parse=values.pause,
        help="Wait for a random time up to this before beginning.",
    )  # fmt: skip
    renotify: float | None = flag(
        "--renotify", metavar="TIME", section=CRON, parse=values.seconds,
        help="Report a failure that stays the same again after this time. [default: 24h]",
    )  # fmt: skip
    notify_after: int | None = flag(
        "--notify-after", metavar="N", section=CRON, parse=values.count,
        help="Report a failure when it was there N times in a row. [default: 1]",
    )  # fmt: skip


@flags
class Recorded(Remembering, Scheduled):
    """What every run takes. ``invocation`` is the command as it was called; ``watch`` gets the report in
    the place of the person who watches (cron)."""

    no_history: bool = flag("--no-history", section=_OUTPUT, help="Do not keep this run in the history.")
    invocation: Invocation | None = None
    watch: Watch | None = None


@flags
class Audited(Flags):
    """``syslog`` can only be configured."""

    syslog: bool = setting("syslog", default=True, help="Write one line per run to the system's log.")


@flags
class RunsOptions(Audited, Sources, Ending, Pooling, Connecting, Becoming, Limiting, Showing, Recorded):
    """What every command takes that runs something on hosts, a playbook too. ``replay`` is the run of
    the history that is done again."""

    replay: Replay | None = None


@flags
class HostOptions(RunsOptions, Selecting, Spreading):
    """What every command that works on hosts takes."""


@flags
class CommandOptions(HostOptions):
    """What a command line or a script on the hosts takes besides."""

    env: tuple[tuple[str, str], ...] = flag(
        "--env", metavar="K=V", section=_TASK, many=True, parse=values.assignment,
        help="Set a variable in its environment.",
    )  # fmt: skip
    chdir: str | None = flag(
        "--chdir", metavar="DIR", section=_TASK, parse=values.text, help="Start it in DIR of the host."
    )
    tty: bool = flag("--tty", section=_TASK, help="Give it a terminal (stderr then joins stdout).")
    stdin: bool = flag("--stdin", section=_TASK, help="Copy our standard input to every host.")
    ok_codes: frozenset[int] | None = flag(
        "--ok-codes", metavar="CODES", section=_TASK, parse=values.codes,
        help="Exit codes that are success. [default: 0]",
    )  # fmt: skip
    changed_code: int | None = flag(
        "--changed-code", metavar="N", section=_TASK, parse=values.code,
        help="The exit code that says: well, and something changed.",
    )  # fmt: skip
    largest_code: bool = flag(
        "-S", "--maxrc", section=_OUTPUT, help="Exit with the largest exit code of any host."
    )


@flags
class RunOptions(CommandOptions):
    raw: bool = flag(
        "--raw", section=_TASK, help="Send the words as they are; the host needs no shell (appliances)."
    )
    subst: bool = flag(
        "--subst", section=_TASK, help="Replace %h (address), %n (name), %u (user) and {{var}} in the words."
    )
