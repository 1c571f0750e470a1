"""Who may ask: HTTP basic auth, as Label Studio sends it, and a secret for its webhooks."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from label_studio_gemini.errors import ConfigError
from label_studio_gemini.server.bodies import error_response

if TYPE_CHECKING:
    from fastapi.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from label_studio_gemini.environment import Environment

WEBHOOK = "/webhook"

_SECRET = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._~-]+")


class Guard:
    """Knows the login and the secret, where there are such.

    Args:
        environment: BASIC_AUTH_USER, BASIC_AUTH_PASS, WEBHOOK_SECRET.

    Raises:
        ConfigError: Half a login is set, or the secret cannot be a part of a path.
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
        if self._secret is not None and not _SECRET.fullmatch(self._secret):
            raise ConfigError(
                "WEBHOOK_SECRET has a character that cannot stand in an address as it is.",
                hint="make it of letters, digits and - _ ~ . alone: `openssl rand -hex 16` does.",
            )

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
    """Asks for the login, except at /health, and for the secret of webhooks; it reads no body.

    An event that comes without both is for its handler to check.

    Args:
        app: What answers who is known.
        guard: Knows the login.
    """

    def __init__(self, app: ASGIApp, *, guard: Guard) -> None:
        self._app = app
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        refusal = self._webhook_refusal(scope) if is_webhook(scope) else self._refusal(scope)
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        if not self._guard.wants_login or _is_open(scope) or self._guard.knows(scope):
            return None
        return build_refusal("The backend wants a login.")

    def _webhook_refusal(self, scope: Scope) -> Response | None:
        secret = _path(scope).removeprefix(WEBHOOK)
        if secret and not self._guard.knows_secret(secret.removeprefix("/")):
            return error_response(
                HTTPStatus.NOT_FOUND,
                "There is no such webhook.",
                "Label Studio sends its events to /webhook, or to /webhook/<secret> with the "
                "WEBHOOK_SECRET of the backend.",
            )
        if secret or not self._guard.wants_secret or self._guard.knows(scope):
            return None
        return build_refusal("This webhook is not for everyone.")


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


def is_webhook(scope: Scope) -> bool:
    """Return whether a request is a webhook, by its path."""
    if scope["type"] != "http" or scope["method"] != "POST":
        return False
    path = _path(scope)
    return path == WEBHOOK or path.startswith(f"{WEBHOOK}/")


def _path(scope: Scope) -> str:
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def _is_open(scope: Scope) -> bool:
    if scope["type"] != "http":
        return bool(scope["type"] == "lifespan")
    return scope["method"] in {"GET", "HEAD"} and _path(scope) == "/health"


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
