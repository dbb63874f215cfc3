"""A TCP proxy that misbehaves on demand: needs no root, and no features of the kernel."""

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Self, TypeVar

_T = TypeVar("_T")
_PIECE = 65_536
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of 0 seconds: close with RST


class Proxy:
    """Forwards a port of the loopback interface to another; every method may be called from any thread.

    delay: seconds that each piece is held, in each direction.
    hole: connections stay open and nothing is forwarded; what came is forwarded when the hole is closed.
    """

    def __init__(self, target: int, *, tls: ssl.SSLContext | None = None) -> None:
        self._target, self._tls, self.port = target, tls, 0
        self.delay = 0.0
        self.received = 0  #: bytes that clients have sent, forwarded or not
        self._passing = asyncio.Event()
        self._passing.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.listen()
        return self

    def __exit__(self, *_: object) -> None:
        self.refuse()
        self._do(self._end_tasks())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    # -- what it does to connections ---------------------------------------------------------------------

    def listen(self) -> None:
        """Take connections, on the same port as before."""
        self._do(self._listen())

    def refuse(self) -> None:
        """Cut all connections and take no new ones."""
        self._do(self._refuse())

    def cut(self) -> None:
        """Reset all connections, and take new ones."""
        self._do(self._cut())

    def hole(self, on: bool) -> None:
        """Forward nothing, or go on."""
        self._call(self._passing.clear if on else self._passing.set)

    # -- inside ------------------------------------------------------------------------------------------

    def _do(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def _call(self, call: Callable[[], object]) -> None:
        async def work() -> None:
            call()

        self._do(work())

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port, ssl=self._tls)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._cut()

    async def _cut(self) -> None:
        for writer in list(self._writers):
            connection = writer.get_extra_info("socket")
            if connection is not None and connection.fileno() >= 0:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()

    async def _end_tasks(self) -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, back}
        with contextlib.suppress(asyncio.CancelledError):  # the end of the proxy: asyncio would log it
            await asyncio.gather(self._forward(reader, back, reader), self._forward(there, writer, reader))
        self._writers -= {writer, back}

    async def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, client: asyncio.StreamReader
    ) -> None:
        """Forward until either end is gone; late pieces overlap, as on a long line."""
        loop, line = asyncio.get_running_loop(), asyncio.Queue[tuple[float, bytes]]()

        async def deliver() -> None:
            while True:
                due, piece = await line.get()
                await asyncio.sleep(max(0.0, due - loop.time()))
                await self._passing.wait()
                if not piece:
                    break
                writer.write(piece)
                await writer.drain()
            writer.close()

        delivering = asyncio.ensure_future(deliver())
        try:
            while piece := await reader.read(_PIECE):
                self.received += len(piece) if reader is client else 0
                line.put_nowait((loop.time() + self.delay, piece))
            line.put_nowait((loop.time() + self.delay, b""))
            await delivering
        except OSError:
            await self._passing.wait()
            writer.transport.abort()
        finally:
            delivering.cancel()
