"""By which names a server that is for its own machine alone may be called.

A page on the web can have its own name resolve to 127.0.0.1, and then asks this server with the
rights of whoever looks at the page; its requests still carry that name (DNS rebinding).
"""

from __future__ import annotations

import ipaddress
from http import HTTPStatus
from typing import TYPE_CHECKING

from label_studio_gemini.server.bodies import error_response

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Receive, Scope, Send

    from label_studio_gemini.environment import Environment

_OWN = (".localhost", ".internal")
"""Endings that nobody can register: `host.docker.internal` is the machine that runs Docker."""


class NameCheck:
    """Refuses requests to names that strangers may have made up, with 421.

    Args:
        app: What answers the others.
        names: What is allowed beside addresses and names that are not of the web.
    """

    def __init__(self, app: ASGIApp, *, names: Collection[str]) -> None:
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        app = self._app
        if scope["type"] == "http" and not is_own_name(_host_of(scope), self._names):
            app = error_response(
                HTTPStatus.MISDIRECTED_REQUEST,
                "The backend is for its own machine alone, and was asked by a name of the web.",
                "call it by localhost or an IP address, set SERVER_NAMES to the names that it is "
                "to have, or give it a login: BASIC_AUTH_USER and BASIC_AUTH_PASS.",
            )
        await app(scope, receive, send)


def needs_name_check(environment: Environment) -> bool:
    """Return whether the server is for its own machine, with nothing else to tell strangers by."""
    host, login = environment.listens_on, environment.basic_auth_user
    return login is None and host is not None and is_loopback(host)


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches what listens on `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_own_name(host: str, names: Collection[str]) -> bool:
    """Return whether a Host header is none that a stranger can have registered.

    Args:
        host: The header: `name`, `name:8080`, `[::1]:8080`; "" where there is none, which no
            browser leaves out.
        names: Names that are allowed too, in lower case.
    """
    text = host.lower()
    if text.startswith("["):
        name = text[1:].partition("]")[0]
    else:
        name = text.partition(":")[0].removesuffix(".")
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return "." not in name or name.endswith(_OWN) or name in names
    return True


def _host_of(scope: Scope) -> str:
    given: bytes = next((value for name, value in scope["headers"] if name == b"host"), b"")
    return given.decode("latin-1")
