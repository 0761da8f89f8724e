"""A slow link: a TCP relay that holds every byte back and counts round trips.

It runs in a thread of the benchmark. TCP's own handshake takes its round trip as well, but is not counted.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Self


class Delay:
    """``addresses`` on ``port`` lead to the same addresses on ``target``, ``seconds`` later each way.

    ``trips``: how often a client spoke again after it had heard something, over all connections: each of
    those is a wait for the link.
    """

    def __init__(self, addresses: Sequence[str], port: int, target: int, seconds: float) -> None:
        self.trips = 0
        self.connections = 0
        self._addresses = addresses
        self._port = port
        self._target = target
        self._seconds = seconds
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="delay", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError(f"the delaying relay does not listen on port {self._port}")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        self._ready.set()
        self._loop.run_forever()

    async def _listen(self) -> None:
        for address in self._addresses:
            await asyncio.start_server(self._serve, address, self._port, backlog=512)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = writer.get_extra_info("sockname")[0]
        self.connections += 1
        await asyncio.sleep(2 * self._seconds)
        try:
            back, forth = await asyncio.open_connection(address, self._target)
        except OSError:
            writer.close()
            return
        talk = _Talk(self)
        await asyncio.gather(
            self._pass(reader, forth, talk.spoke, lambda: None),
            self._pass(back, writer, lambda: None, talk.heard),
        )

    async def _pass(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        came: Callable[[], None],
        went: Callable[[], None],
    ) -> None:
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def deliver() -> None:
            while True:
                due, piece = await waiting.get()
                await asyncio.sleep(due - self._loop.time())
                if not piece:
                    return
                went()
                sink.write(piece)
                await sink.drain()

        async def fetch() -> None:
            piece = b"-"
            while piece:
                try:
                    piece = await source.read(1 << 17)
                except OSError:
                    piece = b""
                if piece:
                    came()
                waiting.put_nowait((self._loop.time() + self._seconds, piece))

        fetching = asyncio.create_task(fetch())
        try:
            await deliver()
        except OSError:
            pass
        finally:
            await fetching
            sink.close()


class _Talk:
    """Whose turn it is on one connection."""

    def __init__(self, link: Delay) -> None:
        self._link = link
        self._waited = True

    def spoke(self) -> None:
        if self._waited:
            self._waited = False
            self._link.trips += 1

    def heard(self) -> None:
        self._waited = True
