"""asyncssh as its documentation's example for many clients, bounded by a semaphore."""

import asyncio
import sys

import asyncssh
from spec import spec

key = asyncssh.read_private_key(spec["key"])
known = asyncssh.read_known_hosts(spec["known_hosts"])


async def one(address: str, place: asyncio.Semaphore) -> None:
    async with (
        place,
        asyncssh.connect(
            address,
            spec["port"],
            username=spec["user"],
            client_keys=[key],
            known_hosts=known,
            agent_path=None,
        ) as connection,
    ):
        done = await connection.run(spec["command"], check=True)
        for line in str(done.stdout).splitlines():
            sys.stdout.write(f"{address}: {line}\n")
        sys.stdout.flush()


async def all_of_them() -> None:
    place = asyncio.Semaphore(spec["fanout"])
    await asyncio.gather(*(one(each, place) for each in spec["addresses"]))


asyncio.run(all_of_them())
