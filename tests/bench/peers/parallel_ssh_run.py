"""parallel-ssh's ParallelSSHClient (libssh2), as its documentation has it."""

import sys

from pssh.clients import ParallelSSHClient
from spec import spec

client = ParallelSSHClient(
    spec["addresses"],
    user=spec["user"],
    port=spec["port"],
    pkey=spec["key"],
    pool_size=spec["fanout"],
    allow_agent=False,
    identity_auth=False,
)
output = client.run_command(spec["command"])
for host in output:
    for line in host.stdout:
        sys.stdout.write(f"{host.host}: {line}\n")
client.join(output)
assert all(host.exit_code == 0 for host in output)
