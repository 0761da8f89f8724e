"""What the parent of a playbook run can do: ``python -m tests.bench.parent`` prints wall and CPU seconds
and tasks of hosts in a second of CPU.

A playbook of 20 tasks (a condition and two templates each) on 1,000 hosts that answer at once: loading,
variables, rendering, results, recap, but neither pool nor views.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from tests.playbook.support import play

HOSTS, TASKS = 1000, 20


def main() -> None:
    body = "".join(
        f"    - command: echo {{{{ inventory_hostname }}}} {number} {{{{ v }}}}\n      when: v == 1\n"
        for number in range(TASKS)
    )
    text = "- hosts: all\n  gather_facts: false\n  vars: {v: 1}\n  tasks:\n" + body
    with tempfile.TemporaryDirectory() as directory:
        wall, cpu = time.monotonic(), time.process_time()
        done = play(Path(directory), text, hosts=",".join(f"n{n}" for n in range(HOSTS)))
        wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    assert len(done.calls) == HOSTS * TASKS
    print(f"{wall:.3f} {cpu:.3f} {HOSTS * TASKS / cpu:.0f}")


if __name__ == "__main__":
    main()
