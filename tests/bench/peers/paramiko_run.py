"""paramiko as most scripts use it: one process, a pool of threads, host keys verified."""

import sys
from concurrent.futures import ThreadPoolExecutor

import paramiko
from spec import spec

known = paramiko.HostKeys(spec["known_hosts"])


def one(address: str) -> int:
    client = paramiko.SSHClient()
    client._host_keys = known
    client.connect(
        address, spec["port"], spec["user"], key_filename=spec["key"], allow_agent=False, look_for_keys=False
    )
    _, out, _ = client.exec_command(spec["command"])
    for line in out:
        sys.stdout.write(f"{address}: {line}")
    code = out.channel.recv_exit_status()
    client.close()
    return code


with ThreadPoolExecutor(spec["fanout"]) as pool:
    assert not any(pool.map(one, spec["addresses"]))
