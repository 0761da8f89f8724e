"""hostpool beside the tools people use today, in one run on one machine (``tests/bench/run --help``)."""

from __future__ import annotations

import argparse
import dataclasses
import signal
import sys
import time
from pathlib import Path

from tests.bench import report
from tests.bench.ground import ROOT, Failed, Ground
from tests.bench.machine import check_limits, facts
from tests.bench.parts import PARTS
from tests.bench.race import Pace, Row, Table, say


def main() -> int:
    options = _options()
    if options.list:
        for name, (part, pace) in PARTS.items():
            print(f"{name:12} {part.__doc__ or ''}".splitlines()[0], f"({pace.rounds} rounds)")
        return 0
    if options.again:
        report.write(report.read(options.directory), options.directory, options.readme)
        return 0
    wanted = options.part or list(PARTS)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # account and server go too
    check_limits()
    began = time.monotonic()
    document = report.document({}, [])
    if options.part:
        document = report.read(options.directory)
    with Ground() as ground:
        machine = facts(ground)
        for name in wanted:
            part, pace = PARTS[name]
            say(f"== {name} ({time.monotonic() - began:.0f} s so far)")
            try:
                found = part(ground, _pace(pace, options))
            except (Failed, RuntimeError, OSError) as failure:
                say(f"   FAILED: {failure}")
                found = [Table(name, name, 0, [Row("hostpool", error=str(failure)[-200:])])]
            machine["seconds"] = round(time.monotonic() - began)
            machine["quick"] = options.quick
            # After each part: what was measured is not lost with the next one.
            document = report.merged(document, report.document(machine, found))
            report.write(document, options.directory, options.readme)
    say(f"written to {options.directory}")
    return 0


def _pace(pace: Pace, options: argparse.Namespace) -> Pace:
    if options.quick:
        return Pace(options.rounds or 1, 1, pace.seconds, quick=True)
    if options.rounds:
        return dataclasses.replace(pace, rounds=options.rounds, seconds=float("inf"))
    return pace


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/bench/run", description=__doc__)
    parser.add_argument("--part", action="append", choices=list(PARTS), help="only this one; repeatable")
    parser.add_argument("--rounds", type=int, help="so many rounds instead of each part's own number")
    parser.add_argument("--quick", action="store_true", help="one round, smaller trees: does it work?")
    parser.add_argument("--list", action="store_true", help="the parts")
    parser.add_argument("--again", action="store_true", help="write table and chart from the last results")
    parser.add_argument("--directory", type=Path, default=ROOT / "docs" / "benchmarks", help="where to write")
    parser.add_argument("--no-readme", dest="readme", action="store_false", help="leave the README as it is")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
