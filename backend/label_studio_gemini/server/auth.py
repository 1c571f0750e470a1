"""Who may ask: HTTP basic auth, as Label Studio sends it, and a secret for its webhooks."""

from __future__ import annotations

import base64
import binascii
import hmac
from http import HTTPStatus
from typing import TYPE_CHECKING

from label_studio_gemini.errors import ConfigError
from label_studio_gemini.server.bodies import error_response

if TYPE_CHECKING:
    from fastapi.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from label_studio_gemini.environment import Environment

WEBHOOK = "/webhook"


class Guard:
    """Knows the login and the secret, where there are such.

    Args:
        environment: BASIC_AUTH_USER, BASIC_AUTH_PASS, WEBHOOK_SECRET.

    Raises:
        ConfigError: Half a login is set.
    """

    def __init__(self, environment: Environment) -> None:
        user, password = environment.basic_auth_user, environment.basic_auth_pass
        if (user is None) != (password is None):
            missing = "BASIC_AUTH_USER" if user is None else "BASIC_AUTH_PASS"
            raise ConfigError(
                f"{missing} is not set, and the other half of the login is.",
                hint="set both BASIC_AUTH_USER and BASIC_AUTH_PASS, or neither.",
            )
        self._spelled = [] if user is None else _spellings(f"{user}:{password}")
        self._secret = environment.webhook_secret

    @property
    def wants_login(self) -> bool:
        """Whether there is a login."""
        return bool(self._spelled)

    @property
    def wants_secret(self) -> bool:
        """Whether webhooks have to have the secret in their path."""
        return self._secret is not None

    def knows(self, scope: Scope) -> bool:
        """Return whether a request carries the login."""
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        said = _read_basic(given)
        # All are compared, so that the time says nothing.
        return sum(hmac.compare_digest(said, one) for one in self._spelled) > 0

    def knows_secret(self, said: str) -> bool:
        """Return whether it is the secret of webhooks."""
        return self._secret is not None and hmac.compare_digest(
            said.encode("utf-8", "surrogatepass"), self._secret.encode()
        )


class LoginWall:
    """Asks for the login, except at GET /health; webhooks are for their handler to check.

    Args:
        app: What answers who is known.
        guard: Knows the login.
    """

    def __init__(self, app: ASGIApp, *, guard: Guard) -> None:
        self._app = app
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        app = self._app
        if self._guard.wants_login and not _is_open(scope) and not self._guard.knows(scope):
            app = build_refusal("The backend wants a login.")
        await app(scope, receive, send)


def build_refusal(message: str) -> Response:
    """Return the answer for who is not known."""
    return error_response(
        HTTPStatus.UNAUTHORIZED,
        message,
        "use HTTP basic auth with BASIC_AUTH_USER and BASIC_AUTH_PASS of the backend; Label Studio "
        "takes both under Settings → Model. Webhooks may have WEBHOOK_SECRET in their path instead:"
        " POST /webhook/<secret>.",
        {"WWW-Authenticate": 'Basic realm="label-studio-gemini", charset="UTF-8"'},
    )


def _is_open(scope: Scope) -> bool:
    if scope["type"] != "http":
        return bool(scope["type"] == "lifespan")
    path: str = scope["path"].removeprefix(scope.get("root_path", ""))
    if scope["method"] == "POST":
        return path == WEBHOOK or path.startswith(f"{WEBHOOK}/")
    return (scope["method"], path) == ("GET", "/health")


def _spellings(login: str) -> list[bytes]:
    """Return the bytes of a login: Label Studio writes it in Latin-1, other clients in UTF-8."""
    try:
        return [login.encode(), login.encode("latin-1")]
    except UnicodeEncodeError:
        return [login.encode()]


def _read_basic(header: bytes) -> bytes:
    """Return `user:password` of an Authorization header; b"" where it is no such thing."""
    scheme, _, value = header.partition(b" ")
    if scheme.lower() != b"basic":
        return b""
    try:
        return base64.b64decode(value.strip(), validate=True)
    except binascii.Error:
        return b""
