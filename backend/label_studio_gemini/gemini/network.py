"""What carries bytes below httpcore: anyio's connections, with less work for each piece."""

from __future__ import annotations

import asyncio
import select
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import anyio
import httpcore2
from anyio.abc import SocketAttribute
from anyio.streams.tls import TLSAttribute, TLSStream

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Iterable, Iterator

    from anyio.abc import ByteStream

_BROKEN = (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream)
_ATTRIBUTES = {
    "ssl_object": TLSAttribute.ssl_object,
    "client_addr": SocketAttribute.local_address,
    "server_addr": SocketAttribute.remote_address,
    "socket": SocketAttribute.raw_socket,
}


class Network(httpcore2.AnyIOBackend):
    """Connects as httpcore's own one does: to whichever of a name's addresses answers first.

    Its streams keep time with asyncio's timers, and look for the socket once: what anyio takes for
    both was a fourth of the work that the HTTP of a request is.
    """

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,  # noqa: ARG002 - none here
    ) -> httpcore2.AsyncNetworkStream:
        """Connect.

        Raises:
            httpcore2.ConnectError: Nobody is there.
            httpcore2.ConnectTimeout: Nobody answers.
        """
        with _errors(httpcore2.ConnectTimeout, httpcore2.ConnectError):
            async with asyncio.timeout(timeout):
                stream = await anyio.connect_tcp(host, port, local_host=local_address)
        return NetworkStream(stream, stream.extra(SocketAttribute.raw_socket))  # noqa: S610


class NetworkStream(httpcore2.AsyncNetworkStream):
    """One connection.

    Args:
        stream: What reads and writes.
        raw: The socket at its bottom.
    """

    def __init__(self, stream: ByteStream, raw: socket.socket) -> None:
        self._stream = stream
        self._raw = raw

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        """Return what comes next; b"" at the end."""
        with _errors(httpcore2.ReadTimeout, httpcore2.ReadError):
            async with asyncio.timeout(timeout):
                try:
                    return await self._stream.receive(max_bytes)
                except anyio.EndOfStream:
                    return b""

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Send all of it."""
        if buffer:
            with _errors(httpcore2.WriteTimeout, httpcore2.WriteError):
                async with asyncio.timeout(timeout):
                    await self._stream.send(buffer)

    async def aclose(self) -> None:
        """Hang up."""
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore2.AsyncNetworkStream:
        """Go on with TLS."""
        try:
            with _errors(httpcore2.ConnectTimeout, httpcore2.ConnectError):
                async with asyncio.timeout(timeout):
                    stream = await TLSStream.wrap(
                        self._stream,
                        ssl_context=ssl_context,
                        hostname=server_hostname,
                        standard_compatible=False,
                        server_side=False,
                    )
        except BaseException:
            await self.aclose()
            raise
        return NetworkStream(stream, self._raw)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's interface
        """Return what httpcore and httpx ask for."""
        if info == "is_readable":
            return _is_readable(self._raw)
        attribute = _ATTRIBUTES.get(info)
        return None if attribute is None else self._stream.extra(attribute, None)  # noqa: S610


@contextmanager
def _errors(
    timeout: type[httpcore2.TimeoutException], broken: type[httpcore2.NetworkError]
) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise timeout(str(error)) from error
    except (OSError, *_BROKEN) as error:  # an error of TLS is an OSError
        raise broken(str(error)) from error


def _is_readable(raw: socket.socket) -> bool:
    """Return whether there is something to read; of a connection that is not in use, its end."""
    number = raw.fileno()
    if number < 0:
        return True
    if sys.platform == "win32":
        return bool(select.select([number], [], [], 0)[0])
    poll = select.poll()
    poll.register(number, select.POLLIN)
    return bool(poll.poll(0))
