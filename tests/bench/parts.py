"""The parts of the benchmark: each makes tables of contestants in interleaved rounds."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.bench import files
from tests.bench.delay import Delay
from tests.bench.ground import PEERS, Cost, Failed, Ground
from tests.bench.race import Contestant, Pace, Row, Table, median, race
from tests.bench.tools import BY_NAME, OURS, SAME, TOOLS, Job, Tool, ansible_environment, hostpool, venv

Part = Callable[[Ground, Pace], list[Table]]
FANOUT = 64
DELAY = 0.025
PLAY = Path(__file__).parent / "play"
_MARK = "finished"
_SLEEP = "sleep 2; printf 'fin%s\\n' ished"
_WIDE = (OURS, "Fabric", "pyinfra", "asyncssh script", "parallel-ssh library", "clush, same key exchange")
_WIDEST = (OURS, "asyncssh script", "parallel-ssh library")


def _contestant(ground: Ground, tool: Tool, job: Job, **how: object) -> Contestant:
    def go(memory: bool) -> dict[str, Cost]:
        words, environment = tool.build(ground, job)
        marks = {"mark": _MARK} if job.live and "discard" not in how else {}
        return {"": ground.measure([words], env=environment, memory=memory, **marks, **how)[0]}  # type: ignore[arg-type]  # keywords of measure

    return Contestant(tool.name, go, tool.unequal, tool.slow)


def _command(ground: Ground, pace: Pace, job: Job, tools: Sequence[Tool], **how: object) -> list[Row]:
    found = race([_contestant(ground, tool, job, **how) for tool in tools], pace)
    return found.get("", [])


def _floor(table: Table) -> Table:
    ours = table.row(OURS)
    if ours is not None:
        table.floor = median(ours.server) / (os.cpu_count() or 1)
    return table


def true(hosts: int, names: Sequence[str] = ()) -> Part:
    """The part for so many hosts, of all tools or those named."""

    def part(ground: Ground, pace: Pace) -> list[Table]:
        tools = [BY_NAME[name] for name in names] if names else TOOLS
        job = Job(hosts, "true", FANOUT, ground.sshd.port)
        rows = _command(ground, pace, job, tools)
        return [_floor(Table(f"true-{hosts}", f"`true` on {hosts:,} hosts, cold", hosts, rows))]

    part.__doc__ = f"`true` on {hosts:,} hosts, from a cold start to the end of the process."
    return part


def sleep(ground: Ground, pace: Pace) -> list[Table]:
    """A command that takes 2 s on 500 hosts, all of them in flight."""
    job = Job(500, _SLEEP, 500, ground.sshd.port, live=True)
    tools = [BY_NAME[name] for name in (*_WIDE, "pdsh, same key exchange")]
    tools = [tool for tool in tools if tool.name != "pyinfra"]  # it prints in its own words
    rows = _command(ground, pace, job, tools)
    return [_floor(Table("sleep-500", "`sleep 2` on 500 hosts, all in flight", 500, rows))]


def output(ground: Ground, pace: Pace) -> list[Table]:
    """10 MB from each of 50 hosts, all of it printed."""
    ground.wipe()
    large = ground.stay / "large"
    line = "x" * 126 + "\n"
    large.write_text(line * (10_485_760 // len(line)))
    job = Job(50, f"cat {large}", 50, ground.sshd.port, live=True)
    names = (OURS, "asyncssh script", "parallel-ssh library", "clush, same key exchange",
             "pdsh, same key exchange", "pssh, same key exchange")  # fmt: skip
    rows = _command(ground, pace, job, [BY_NAME[name] for name in names], discard=True, limit=90.0)
    note = "each line is printed with the host's name before it, but for pssh"
    return [Table("output-50", "10 MB printed by each of 50 hosts", 50, rows, [note])]


def playbook(ground: Ground, pace: Pace) -> list[Table]:
    """Ten tasks on 20 hosts: the first run, and the second that finds nothing to do."""
    hosts, port = 20, ground.sshd.port
    rows = race(playbook_contestants(ground, hosts, port), pace)
    title = f"ten tasks on {hosts} hosts"
    return [
        Table("playbook-first", f"{title}, first run", hosts, rows.get("first", [])),
        Table("playbook-second", f"{title}, second run", hosts, rows.get("second", [])),
    ]


def playbook_contestants(ground: Ground, hosts: int, port: int) -> list[Contestant]:
    inventory = ground.inventory(hosts, port)
    ours = [hostpool(), "play", "-i", str(inventory), "-F", "none", "-f", str(FANOUT), "-o", "plain",
            str(PLAY / "site.yml")]  # fmt: skip
    ansible = [venv("ansible", "ansible-playbook"), "-i", str(inventory), str(PLAY / "site.yml")]
    pyinfra = [venv("pyinfra", "pyinfra"), "-y", str(ground.pyinfra_inventory(hosts, port)),
               str(PEERS / "deploy.py")]  # fmt: skip

    def twice(words: list[str], environment: Mapping[str, str]) -> Callable[[bool], dict[str, Cost]]:
        def go(memory: bool) -> dict[str, Cost]:
            ground.wipe()
            first, second = ground.measure([words, words], env=environment, memory=memory)
            return {"first": first, "second": second}

        return go

    pipelined = ansible_environment(ground, FANOUT)
    mitogen = ansible_environment(ground, FANOUT, mitogen=True)
    persistent = "pipelining and persistent connections; Python on the hosts"
    return [
        Contestant(OURS, twice(ours, {})),
        Contestant("pyinfra", twice(pyinfra, {}), "runs commands again that a playbook marks unchanged"),
        Contestant("ansible-playbook, mitogen", twice(ansible, mitogen), "Python on the hosts", slow=True),
        Contestant("ansible-playbook", twice(ansible, pipelined), persistent, slow=True),
    ]


def slow_link(ground: Ground, pace: Pace) -> list[Table]:
    """25 ms each way: seconds, and how often a host is waited for."""
    hosts, port = 20, ground.sshd.port + 1
    addresses = ground.sshd.addresses(hosts)
    with Delay(addresses, port, ground.sshd.port, DELAY) as link:
        names = (*_WIDE, "ansible -m raw")
        job = Job(hosts, "true", FANOUT, port)
        racers = [_counted(_contestant(ground, BY_NAME[name], job), link, hosts) for name in names]
        rows = race(racers, pace, memory=False).get("", [])
        players = [
            _counted(each, link, hosts)
            for each in playbook_contestants(ground, hosts, port)
            if each.name != "ansible-playbook"  # minutes
        ]
        played = race(players, pace, memory=False)
    note = "waits: round trips a host had to be waited for, TCP's own handshake not counted"
    title = f"25 ms each way, {hosts} hosts"
    return [
        Table("delay-true", f"`true`, {title}", hosts, rows, [note]),
        Table("delay-playbook", f"ten tasks, first and second run together, {title}", hosts,
              _sums(played), [note]),
    ]  # fmt: skip


def _counted(who: Contestant, link: Delay, hosts: int) -> Contestant:
    def go(memory: bool) -> dict[str, Cost]:
        before = link.trips
        costs = who.go(memory)
        last = list(costs)[-1]
        costs[last] = dataclasses.replace(costs[last], trips=(link.trips - before) / hosts)
        return costs

    return dataclasses.replace(who, go=go)


def _sums(played: Mapping[str, list[Row]]) -> list[Row]:
    """First and second run added up: the round trips are counted over both."""
    found = []
    for second in played.get("second", []):
        first = next(row for row in played["first"] if row.name == second.name)
        row = dataclasses.replace(second)
        row.wall = [a + b for a, b in zip(first.wall, second.wall, strict=True)]
        row.cpu = [a + b for a, b in zip(first.cpu, second.cpu, strict=True)]
        found.append(row)
    return found


def start(ground: Ground, pace: Pace) -> list[Table]:
    """How long a person waits for next to nothing."""

    def only(*words: str) -> Callable[[bool], dict[str, Cost]]:
        return lambda memory: {"": ground.measure([words], memory=memory)[0]}

    helps = [
        Contestant(OURS, only(hostpool(), "--help")),
        Contestant("pyinfra", only(venv("pyinfra", "pyinfra"), "--help")),
        Contestant("clush", only("clush", "--help")),
        Contestant("ansible", only(venv("ansible", "ansible"), "--help")),
    ]
    many = dataclasses.replace(pace, rounds=max(pace.rounds, 1 if pace.quick else 9), slow=max(pace.slow, 2))
    port = ground.sshd.port
    ssh = ["ssh", "-F", str(ground.ssh_config(port, same=False)), ground.sshd.addresses(1)[0], "true"]
    ssh_same = ["ssh", "-F", str(ground.ssh_config(port, same=True)), *ssh[3:]]
    ones = [_contestant(ground, tool, Job(1, "true", FANOUT, port)) for tool in TOOLS if not tool.slow]
    ones += [Contestant("ssh", only(*ssh)), Contestant("ssh, same key exchange", only(*ssh_same), SAME)]
    ones.append(_contestant(ground, BY_NAME["ansible -m raw"], Job(1, "true", FANOUT, port)))
    return [
        Table("help", "`--help`", 0, race(helps, many).get("", [])),
        Table("true-1", "`true` on one host, cold", 1, race(ones, many).get("", [])),
    ]


def scale(ground: Ground, pace: Pace) -> list[Table]:
    """hostpool alone, from 200 to 5,000 hosts, 500 in flight: what a host costs must not grow."""
    sizes = (200, 1000) if pace.quick else (200, 1000, 5000)
    tables = []
    for hosts in sizes:
        job = Job(hosts, "true", 500, ground.sshd.port)
        rows = _command(ground, dataclasses.replace(pace, rounds=1 if hosts > 1000 else pace.rounds), job,
                        [BY_NAME[OURS]])  # fmt: skip
        tables.append(
            _floor(Table(f"scale-{hosts}", f"hostpool on {hosts:,} hosts, 500 in flight", hosts, rows))
        )
    return tables


def hung(ground: Ground, pace: Pace) -> list[Table]:
    """200 healthy hosts alone, and beside 300 that take the connection and say nothing."""
    from tests.bench.hung import measure

    try:
        alone, beside = measure(pace.rounds)
    except AssertionError as error:
        raise Failed("a host did not end as it must, on a machine that does too much else") from error
    row = Row(OURS, wall=[beside], more={"alone": alone, "ratio": beside / alone})
    return [Table("hung", "last of 200 healthy hosts, beside 300 that hang", 200, [row])]


def parent(ground: Ground, pace: Pace) -> list[Table]:
    """The parent alone: 1,000 hosts x 20 tasks whose hosts answer at once."""
    rate = subprocess.run(
        [sys.executable, "-m", "tests.bench.parent"], capture_output=True, text=True, check=False
    )
    if rate.returncode:
        raise Failed(rate.stderr)
    values = [float(word) for word in rate.stdout.split()]
    row = Row(OURS, wall=[values[0]], cpu=[values[1]], more={"per_second": values[2]})
    return [
        Table("parent", "1,000 hosts × 20 tasks through the parent, hosts that answer at once", 1000, [row])
    ]


PARTS: dict[str, tuple[Part, Pace]] = {
    "start": (start, Pace(9, 3, 60)),
    "true-50": (true(50), Pace(3, 1, 70)),
    "true-200": (true(200), Pace(5, 1, 330)),
    "true-500": (true(500, _WIDE), Pace(2, 1, 120)),
    "true-2000": (true(2000, _WIDEST), Pace(1, 1, 150)),
    "sleep-500": (sleep, Pace(2, 1, 100)),
    "output-50": (output, Pace(2, 1, 80)),
    "playbook": (playbook, Pace(3, 1, 150)),
    "sync": (files.sync, Pace(2, 1, 120)),
    "delay": (slow_link, Pace(1, 1, 120)),
    "hung": (hung, Pace(3, 1, 60)),
    "scale": (scale, Pace(2, 1, 150)),
    "parent": (parent, Pace(1, 1, 60)),
}
