"""The connections below the SDK: many at the same time, without one getting in another's way."""

from __future__ import annotations

import asyncio
import functools
import time
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies

import httpcore2
import httpx2

from label_studio_gemini.gemini.network import Network

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

KEPT = 5.0
"""Seconds for which a connection stays open that nobody uses: httpx's own default."""

_ANY_NUMBER = httpx2.Limits(max_connections=None, max_keepalive_connections=128)


def build_http(trust: ssl.SSLContext, timeout: float) -> httpx2.AsyncClient:
    """Build a client of ours for the SDK, for three reasons.

    As many connections as there are requests (the SDK's default, 100, makes the others wait; the
    caller limits concurrency), no redirects (the key's header would go along to any host), and no
    aiohttp, to which the SDK changes if it is installed.

    Args:
        trust: Whom to trust.
        timeout: Seconds for each part of a request.
    """
    if getproxies():  # which a transport of our own would pass by
        return httpx2.AsyncClient(
            verify=trust, limits=_ANY_NUMBER, timeout=timeout, follow_redirects=False
        )
    return Client(Transport(trust), timeout)


class Client(httpx2.AsyncClient):
    """httpx's client, but `request` leaves out what requests to Gemini do not have.

    There are no redirects, no cookies, no hooks, no address that others are relative to: looking
    for them took a seventh of the work that the HTTP of a request is. Its headers are those that it
    has at first. Where the address holds a login, it does as httpx does.

    Args:
        transport: What sends.
        timeout: Seconds for each part of a request that says nothing else.
    """

    def __init__(self, transport: httpx2.AsyncBaseTransport, timeout: float) -> None:
        super().__init__(transport=transport, timeout=timeout, follow_redirects=False)
        self._sending = transport
        self._usual = dict(self.headers)  # their names are in small letters

    async def request(
        self,
        method: str,
        url: httpx2.URL | str,
        *,
        content: Any = None,  # noqa: ANN401 - the types are httpx's own
        headers: Any = None,  # noqa: ANN401
        timeout: Any = httpx2.USE_CLIENT_DEFAULT,  # noqa: ANN401, ASYNC109
        **others: Any,  # noqa: ANN401
    ) -> httpx2.Response:
        """Send a request, and return its answer, which is read.

        Raises:
            httpx2.HTTPError: There is none.
        """
        address = _parsed(str(url))
        if others or self.is_closed or address.userinfo:
            return await super().request(
                method, url, content=content, headers=headers, timeout=timeout, **others
            )
        limit = self.timeout if timeout is httpx2.USE_CLIENT_DEFAULT else httpx2.Timeout(timeout)
        own = {name.lower(): value for name, value in (headers or {}).items()}
        extensions = {"timeout": limit.as_dict()}
        request = httpx2.Request(
            method, address, content=content, headers=self._usual | own, extensions=extensions
        )
        response = await self._sending.handle_async_request(request)
        response.request = request
        try:
            await response.aread()
        finally:
            await response.aclose()
        if response.headers.get("content-type", "").startswith("application/json"):
            response.encoding = "utf-8"  # it has no other; looking it up takes its time
        return response


@functools.lru_cache(maxsize=16)  # most go to the same address
def _parsed(url: str) -> httpx2.URL:
    return httpx2.URL(url)


class Transport(httpx2.AsyncHTTPTransport):
    """httpx's own transport, over `Connections`.

    Args:
        trust: Whom to trust.
        kept: Seconds for which a connection stays open that nobody uses.
    """

    def __init__(self, trust: ssl.SSLContext, *, kept: float = KEPT) -> None:
        super().__init__(verify=trust)
        self._pool = Connections(trust, kept)


class Connections(httpcore2.AsyncConnectionPool):
    """As many connections as there are requests under way; who is done leaves one to the next.

    httpcore's own pool holds each request against all of its connections, when it begins and when
    it ends: 3 ms of the processor with 128 of them, and with a single one still a fourth of what
    the HTTP of a request takes.

    Args:
        trust: Whom to trust.
        kept: Seconds for which a connection stays open that nobody uses.
    """

    def __init__(self, trust: ssl.SSLContext, kept: float) -> None:
        super().__init__(ssl_context=trust, keepalive_expiry=kept, network_backend=Network())
        self._kept = kept
        self._busy: set[httpcore2.AsyncConnectionInterface] = set()
        # Since when; the last used one last.
        self._idle: dict[httpcore2.AsyncConnectionInterface, float] = {}
        self._closed = False

    async def handle_async_request(self, request: httpcore2.Request) -> httpcore2.Response:
        """Send a request on a connection that nobody else uses until the answer is closed."""
        if request.url.scheme not in {b"http", b"https"}:
            raise httpcore2.UnsupportedProtocol("The address begins with neither http nor https.")
        origin = request.url.origin
        while True:
            connection = await self._take(origin) or self.create_connection(origin)
            self._busy.add(connection)
            try:
                response = await connection.handle_async_request(request)
            except httpcore2.ConnectionNotAvailable:  # it has ended since it was looked at
                self._busy.discard(connection)
            except BaseException:  # nobody knows where the next answer would begin
                await self._drop(connection)
                raise
            else:
                break
        return httpcore2.Response(
            status=response.status,
            headers=response.headers,
            content=_Body(response, connection, self),
            extensions=response.extensions,
        )

    async def give_back(self, connection: httpcore2.AsyncConnectionInterface) -> None:
        """Leave a connection to the next request, if its answer was read to the end."""
        if self._closed or not connection.is_idle() or _has_more(connection):
            await self._drop(connection)
            return
        self._busy.discard(connection)
        now = time.monotonic()
        # One for each that comes back is enough: while requests go on, none stays open for long.
        longest, since = next(iter(self._idle.items()), (connection, now))
        self._idle[connection] = now
        if now > since + self._kept:
            del self._idle[longest]
            await self._close_connections([longest])

    async def aclose(self) -> None:
        """Close all connections; one that is still being made is closed when it is given back."""
        self._closed = True
        closing = [*self._idle, *self._busy]
        self._idle.clear()
        self._busy.clear()
        await asyncio.shield(self._close_connections(closing))

    async def _drop(self, connection: httpcore2.AsyncConnectionInterface) -> None:
        self._busy.discard(connection)
        if not connection.is_closed():
            await self._close_connections([connection])

    async def _take(self, origin: httpcore2.Origin) -> httpcore2.AsyncConnectionInterface | None:
        """Return an open connection to `origin`, the last used one, or None."""
        while True:
            fitting = (one for one in reversed(self._idle) if one.can_handle_request(origin))
            connection = next(fitting, None)
            if connection is None:
                return None
            del self._idle[connection]
            if not connection.has_expired():
                return connection
            await self._close_connections([connection])


def _has_more(connection: Any) -> bool:  # noqa: ANN401 - what is looked at is httpcore's own
    """Return whether more came than the answer: it would be taken for that to the next request."""
    rest, _ = connection._connection._h11_state.trailing_data  # noqa: SLF001 - nothing else knows
    return bool(rest)


class _Body:
    """The body of an answer; once it is closed, its connection is free."""

    def __init__(
        self,
        answer: httpcore2.Response,
        connection: httpcore2.AsyncConnectionInterface,
        connections: Connections,
    ) -> None:
        self._answer = answer
        self._connection = connection
        self._connections: Connections | None = connections

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._answer.aiter_stream()

    async def aclose(self) -> None:
        """Close it; as often as anyone likes."""
        connections, self._connections = self._connections, None
        if connections is None:
            return
        try:
            await self._answer.aclose()
        finally:
            await connections.give_back(self._connection)
