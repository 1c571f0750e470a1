"""What carries bytes below httpcore: asyncio's own transports, TLS included."""

from __future__ import annotations

import asyncio
import select
import socket
import sys
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import aiohappyeyeballs
import httpcore2

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Iterator

_HEAD_START = 0.25  # seconds that one address of a name has before the next is tried as well
_MOST_UNREAD = 1_000_000  # bytes that are taken in before they are asked for
_PIECE = 250_000  # bytes that are sent before it is asked whether the other side takes them
_NEVER = 1e6  # seconds; asyncio's own limit for a handshake would come before a longer one of ours
_NAMES = {
    "ssl_object": "ssl_object",
    "client_addr": "sockname",
    "server_addr": "peername",
    "socket": "socket",
}


class Network(httpcore2.AnyIOBackend):
    """Connects as httpcore's own one does: to whichever of a name's addresses answers first.

    What carries the bytes then is asyncio's, or uvloop's, without anyio between: that was a third
    of the work that the HTTP of a request is, and does TLS in Python.
    """

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        local_address: str | None = None,  # noqa: ARG002 - nobody asks for one
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore2.AsyncNetworkStream:
        """Connect.

        Raises:
            httpcore2.ConnectError: Nobody is there.
            httpcore2.ConnectTimeout: Nobody answers.
        """
        loop = asyncio.get_running_loop()
        with _errors(httpcore2.ConnectTimeout, httpcore2.ConnectError):
            async with asyncio.timeout(timeout):
                addresses = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                raw = await aiohappyeyeballs.start_connection(
                    addresses, happy_eyeballs_delay=_HEAD_START, interleave=1
                )
                try:
                    _, stream = await loop.create_connection(NetworkStream, sock=raw)
                except BaseException:
                    raw.close()
                    raise
        return stream


class NetworkStream(httpcore2.AsyncNetworkStream, asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._transport = asyncio.Transport()
        self._unread: deque[bytes] = deque()
        self._unread_size = 0
        self._ended = False
        self._error: Exception | None = None
        self._blocked = False
        # What `read` and `write` wait for.
        self._reading: asyncio.Future[None] | None = None
        self._writing: asyncio.Future[None] | None = None

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        """Return what comes next; b"" at the end."""
        if not self._unread and not self._ended:
            self._reading = asyncio.get_running_loop().create_future()
            try:
                await _within(timeout, self._reading)
            except TimeoutError as error:
                raise httpcore2.ReadTimeout from error
            finally:
                self._reading = None
        if self._unread:
            return self._take(max_bytes)
        if self._error is not None:
            raise httpcore2.ReadError(str(self._error)) from self._error
        return b""

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Send all of it, but for the little that the system does not take yet."""
        # TLS takes in whatever it is given at once, and says only then that it is too much.
        for start in range(0, len(buffer), _PIECE):
            if not self._ended:
                self._transport.write(buffer[start : start + _PIECE])
            if self._blocked and not self._ended:
                await self._unblocked(timeout)
            if self._ended:
                raise httpcore2.WriteError(str(self._error or "the other side has hung up"))

    async def aclose(self) -> None:
        """Hang up; whoever reads at the time is not to take that for the end of an answer."""
        if not self._ended:
            self._end(ConnectionAbortedError("closed on this side"))
        self._transport.abort()
        await asyncio.sleep(0)  # then it is closed

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore2.AsyncNetworkStream:
        """Go on with TLS."""
        loop = asyncio.get_running_loop()
        # What came before it might be anyone's, and would be taken for an answer that TLS vouches
        # for. Between this look and the handshake nothing else may run.
        if self._unread or self._ended or self._transport.is_closing():
            await self.aclose()
            raise httpcore2.ConnectError("the other side speaks no TLS, or has hung up")
        try:
            with _errors(httpcore2.ConnectTimeout, httpcore2.ConnectError):
                async with asyncio.timeout(timeout):
                    transport = await loop.start_tls(
                        self._transport,
                        self,
                        ssl_context,
                        server_hostname=server_hostname,
                        ssl_handshake_timeout=_NEVER,
                    )
        except BaseException:
            await self.aclose()
            raise
        if transport is None:
            raise httpcore2.ConnectError("the other side has hung up")
        self._transport = transport
        return self

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's interface
        """Return what httpcore and httpx ask for."""
        if info == "is_readable":
            return self._ended or bool(self._unread) or _is_readable(self._transport)
        return self._transport.get_extra_info(_NAMES[info]) if info in _NAMES else None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        self._unread.append(data)
        self._unread_size += len(data)
        if self._unread_size > _MOST_UNREAD:
            self._transport.pause_reading()
        _wake(self._reading)

    def eof_received(self) -> None:
        """Nothing more will come."""
        self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more will come or go."""
        self._end(exc)

    def pause_writing(self) -> None:
        """Write no more for now."""
        self._blocked = True

    def resume_writing(self) -> None:
        """Go on writing."""
        self._blocked = False
        _wake(self._writing)

    async def _unblocked(self, timeout: float | None) -> None:  # noqa: ASYNC109
        self._writing = asyncio.get_running_loop().create_future()
        try:
            await _within(timeout, self._writing)
        except TimeoutError as error:
            raise httpcore2.WriteTimeout from error
        finally:
            self._writing = None

    def _take(self, most: int) -> bytes:
        data = self._unread.popleft()
        if len(data) > most:
            self._unread.appendleft(data[most:])
            data = data[:most]
        if self._unread_size > _MOST_UNREAD >= self._unread_size - len(data) and not self._ended:
            self._transport.resume_reading()
        self._unread_size -= len(data)
        return data

    def _end(self, error: Exception | None) -> None:
        self._ended = True
        self._error = self._error or error
        _wake(self._reading)
        _wake(self._writing)


@contextmanager
def _errors(
    timeout: type[httpcore2.TimeoutException], broken: type[httpcore2.NetworkError]
) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise timeout(str(error)) from error
    except (OSError, UnicodeError) as error:  # of the network, of TLS; of a name that can be none
        raise broken(str(error)) from error


async def _within(timeout: float | None, waiter: asyncio.Future[None]) -> None:  # noqa: ASYNC109
    """Wait, at the most so many seconds. This is half the work of `asyncio.timeout`."""
    if timeout is None:
        await waiter
        return
    timer = asyncio.get_running_loop().call_later(timeout, _give_up, waiter)
    try:
        await waiter
    finally:
        timer.cancel()


def _give_up(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError())


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)


def _is_readable(transport: asyncio.Transport) -> bool:
    """Return whether there is something to read; of a connection that is not in use, its end."""
    raw = transport.get_extra_info("socket")  # None for a moment, where TLS has ended
    number = -1 if raw is None or transport.is_closing() else raw.fileno()
    if number < 0:
        return True
    if sys.platform == "win32":
        return bool(select.select([number], [], [], 0)[0])
    poll = select.poll()
    poll.register(number, select.POLLIN)
    return bool(poll.poll(0))
