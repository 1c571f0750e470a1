"""One HTTP exchange: the name is looked up, its addresses are checked, a checked one is connected.

The URL that goes to the transport has the address in the place of the name, with the name in the
Host header and in TLS (SNI and the certificate's check). So a name cannot answer twice, once for
the check and once for the connection (DNS rebinding). It needs connections that are not reused:
two names at one address may not share a TLS connection that only one of them has proven itself on.

Neither proxies nor certificates nor netrc are taken from the environment: a proxy would look the
name up again, out of sight. The transport is used without httpx2's client, which would keep
cookies, follow redirects and write whole URLs, so signed links too, into the log.
"""

from __future__ import annotations

import asyncio
import functools
import socket
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx2

from label_studio_gemini.errors import AddressError, FetchError, UnavailableError
from label_studio_gemini.images.origins import (
    ip_from_host,
    is_origin_of,
    origin_from_url,
    shown,
)
from label_studio_gemini.images.reach import Reach, reach, read_ip

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from label_studio_gemini.images.types import ImageLimits, LabelStudioLogin

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Looks up a name (and a port): its IP addresses as text, best first; OSError where it cannot."""

_CONNECT_SECONDS = 10.0
_USER_AGENT = "label-studio-gemini"


async def resolve(host: str, port: int) -> list[str]:
    """Look `host` up as the operating system does."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@functools.cache
def _trust() -> ssl.SSLContext:
    """Load the system's certificates once: each transport would take 50 ms for it."""
    return httpx2.create_ssl_context(trust_env=False)


def build_transport() -> httpx2.AsyncHTTPTransport:
    """Build a transport that looks at no variable of the environment and reuses no connection."""
    return httpx2.AsyncHTTPTransport(
        verify=_trust(),
        trust_env=False,
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=0),
    )


class Web:
    """Sends requests to addresses that may be opened, and to no others."""

    def __init__(
        self,
        *,
        limits: ImageLimits,
        allowed_hosts: frozenset[str] = frozenset(),
        resolver: Resolver = resolve,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._limits = limits
        self._allowed = frozenset(host.strip().rstrip(".").lower() for host in allowed_hosts)
        self._resolver = resolver
        self._transport = transport

    async def send(
        self,
        method: str,
        url: httpx2.URL,
        *,
        headers: Mapping[str, str],
        login: LabelStudioLogin | None,
        content: bytes | None = None,
    ) -> httpx2.Response:
        """Send one request; its answer has to be closed.

        Raises:
            AddressError: The host's addresses may not be opened.
            UnavailableError: It did not answer.
        """
        if self._transport is None:  # it reads the system's certificates: not in a constructor
            self._transport = build_transport()
        addresses = await self._addresses(url, login)
        for address in addresses[:-1]:
            request = self._request(method, url, address, headers, content)
            try:
                return await self._exchange(request, url)
            except UnavailableError as error:
                if not isinstance(error.__cause__, (httpx2.ConnectError, httpx2.ConnectTimeout)):
                    raise
        request = self._request(method, url, addresses[-1], headers, content)
        return await self._exchange(request, url)

    async def read(self, response: httpx2.Response, limit: int, *, name: str) -> bytes:
        """Read an answer's body, decompressed, up to `limit` bytes.

        Raises:
            FetchError: It is larger.
            UnavailableError: It broke off.
        """
        length = response.headers.get("content-length", "")
        # as many digits as an int takes at once; a longer number is a lie, and read until it shows
        if length.isascii() and length.isdigit() and int(length[:20]) > limit:
            raise _too_large(name, limit)
        body = bytearray()
        try:
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > limit:
                    raise _too_large(name, limit)
        except httpx2.HTTPError as error:
            raise UnavailableError(
                f"`{name}` broke off after {len(body)} bytes ({type(error).__name__}).",
                hint="try again; if it stays so, look at the server's log.",
            ) from error
        return bytes(body)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._transport is not None:
            await self._transport.aclose()

    async def _exchange(self, request: httpx2.Request, url: httpx2.URL) -> httpx2.Response:
        assert self._transport is not None
        try:
            response = await self._transport.handle_async_request(request)
        except httpx2.HTTPError as error:
            raise UnavailableError(
                f"`{shown(str(url))}` does not answer: {type(error).__name__}: {error}.",
                hint="check that this machine reaches it, as in `curl -I <address>`; in a "
                "container, localhost is the container itself.",
            ) from error
        response.request = request  # for `is_from_public`
        return response

    def _request(
        self,
        method: str,
        url: httpx2.URL,
        address: str,
        headers: Mapping[str, str],
        content: bytes | None,
    ) -> httpx2.Request:
        timeout = httpx2.Timeout(self._limits.seconds, connect=_CONNECT_SECONDS)
        name = url.raw_host.decode("ascii")
        extensions: dict[str, object] = {"timeout": timeout.as_dict()}
        if ip_from_host(name) is None:
            extensions["sni_hostname"] = name
        return httpx2.Request(
            method,
            url.copy_with(host=address, username="", password=""),
            headers={
                "Host": url.netloc.decode("ascii"),
                "User-Agent": _USER_AGENT,
                "Accept-Encoding": "identity",
                **headers,
            },
            content=content,
            extensions=extensions,
        )

    async def _addresses(self, url: httpx2.URL, login: LabelStudioLogin | None) -> list[str]:
        origin = origin_from_url(url)
        if ip_from_host(origin.host) is not None:
            found: Sequence[str] = [origin.host]
        else:
            try:
                found = await self._resolver(origin.host, origin.port)
            except (OSError, UnicodeError) as error:
                raise _unknown_host(origin.host) from error
        if not found:
            raise _unknown_host(origin.host)
        highest = self._highest(url, login)
        for address in found:
            if reach(read_ip(address)) > highest:
                raise _closed(origin.host, address)
        return list(found)

    def _highest(self, url: httpx2.URL, login: LabelStudioLogin | None) -> Reach:
        """Return how private an address of this URL's host may be."""
        origin = origin_from_url(url)
        host = origin.host.rstrip(".")
        names = {host, f"{host}:{origin.port}"}
        if ":" in host:
            names |= {f"[{host}]", f"[{host}]:{origin.port}"}
        if names & self._allowed:
            return Reach.NEVER
        # A /setup needs no password, so what it names is let in only as far as a Label Studio
        # can be: never to a metadata service.
        return Reach.PRIVATE if is_origin_of(login, url) else Reach.PUBLIC


def is_ok(response: httpx2.Response) -> bool:
    """Whether an answer carries what was asked for."""
    return response.status_code == HTTPStatus.OK


def is_from_public(response: httpx2.Response) -> bool:
    """Whether an answer came from the public internet, and without a login: all may have it."""
    request = response.request  # to the address that was connected to, whatever the host's name
    is_public = reach(read_ip(request.url.host)) is Reach.PUBLIC
    return is_public and "authorization" not in request.headers


def _too_large(name: str, limit: int) -> FetchError:
    return FetchError(
        f"`{name}` is larger than {limit:,} bytes.",
        hint="shrink the image, or raise `images: max_megabytes` in the config.",
    )


def _unknown_host(host: str) -> UnavailableError:
    return UnavailableError(
        f"The host `{host}` has no address.",
        hint="check its name; a name that only other containers know is unknown here.",
    )


def _closed(host: str, address: str) -> AddressError:
    where = f"`{host}`" if host == address else f"`{host}` ({address})"
    return AddressError(
        f"{where} is not on the public internet, so it is not opened because a task names it.",
        hint=f"if images do come from there, add {host!r} to `images: allowed_hosts` in the "
        "config; if it is your Label Studio, set LABEL_STUDIO_URL to its address.",
    )
