"""The two kinds of Label Studio tokens, and the Authorization header that each becomes.

A legacy key is sent as it is. A personal access token is a JWT *refresh* token: Label Studio
exchanges it for an access token that is good for 300 s, and refuses it as such.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import re
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from label_studio_gemini.errors import FetchError, ImageError, UnavailableError
from label_studio_gemini.images.origins import read_login_url, shown
from label_studio_gemini.images.web import is_ok

if TYPE_CHECKING:
    from collections.abc import Callable

    from label_studio_gemini.images.types import LabelStudioLogin
    from label_studio_gemini.images.web import Web

_log = logging.getLogger(__name__)

LOGIN_HINT = (
    "create a personal access token in Label Studio (Account & Settings) and set "
    "LABEL_STUDIO_API_KEY to it, with LABEL_STUDIO_URL."
)

_JWT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
_LIFETIME = 300.0
_MARGIN = 30.0
_LARGEST_ANSWER = 65_536


class _Renewal(BaseModel):
    """The answer of /api/token/refresh/."""

    access: str


class _Claims(BaseModel):
    """What is read in an access token: seconds since 1970 by Label Studio's clock."""

    exp: float | None = None
    iat: float | None = None


@dataclass(frozen=True, slots=True)
class _Access:
    header: str = field(repr=False)
    renew_at: float


def is_personal_token(token: str) -> bool:
    """Whether `token` is a personal access token (a JWT), not a legacy key."""
    return _JWT.fullmatch(token) is not None


class Tokens:
    """Authorization headers, of any number of Label Studios; access tokens are kept and renewed.

    Args:
        web: What the exchange goes through.
        seconds: How long an exchange may take.
        clock: Seconds since 1970.
    """

    def __init__(self, web: Web, *, seconds: float, clock: Callable[[], float] = time.time) -> None:
        self._web = web
        self._seconds = seconds
        self._clock = clock
        self._held: dict[LabelStudioLogin, _Access] = {}
        self._renewals: dict[LabelStudioLogin, asyncio.Task[_Access]] = {}

    async def authorization(
        self, login: LabelStudioLogin, *, refused: str | None = None
    ) -> str | None:
        """Return the header's value for `login`, or None where it has no token.

        Args:
            login: The Label Studio. The header is for its origin alone.
            refused: The value that Label Studio has just refused, though it looked good.

        Raises:
            FetchError: The personal access token is refused.
            UnavailableError: Label Studio did not answer.
        """
        if not login.token:
            return None
        if not is_personal_token(login.token):
            return f"Token {login.token}"
        held = self._held.get(login)
        if held is None or held.header == refused or self._clock() >= held.renew_at:
            held = await self._renewed(login)
        return held.header

    async def aclose(self) -> None:
        """Stop the exchanges under way."""
        renewals = list(self._renewals.values())
        for renewal in renewals:
            renewal.cancel()
        await asyncio.gather(*renewals, return_exceptions=True)

    async def _renewed(self, login: LabelStudioLogin) -> _Access:
        """Wait for the one renewal of this login: many images ask at once, and share its fate."""
        renewal = self._renewals.get(login)
        if renewal is None:
            renewal = asyncio.create_task(self._renew(login))
            self._renewals[login] = renewal
            renewal.add_done_callback(lambda done: self._forget(login, done))
        return await asyncio.shield(renewal)  # an image that is given up does not stop the others'

    def _forget(self, login: LabelStudioLogin, renewal: asyncio.Task[_Access]) -> None:
        del self._renewals[login]
        if not renewal.cancelled():
            renewal.exception()  # looked at here too: everyone who waited may be gone

    async def _renew(self, login: LabelStudioLogin) -> _Access:
        try:
            async with asyncio.timeout(self._seconds):
                body = await self._exchange(login)
        except TimeoutError as error:
            raise UnavailableError(
                f"Label Studio ({shown(login.url)}) did not renew the token in time.",
                hint="see whether it is overloaded, or raise `images: timeout` in the config.",
            ) from error
        try:
            token = _Renewal.model_validate_json(body).access
        except ValidationError as error:
            raise FetchError(
                f"`{shown(login.url)}` answered the renewal of the token like no Label Studio.",
                hint="check that LABEL_STUDIO_URL is the address of Label Studio itself.",
            ) from error
        access = _Access(f"Bearer {token}", self._clock() + _lifetime(token, self._clock()))
        self._held[login] = access
        _log.debug("the access token of %s was renewed", shown(login.url))
        return access

    async def _exchange(self, login: LabelStudioLogin) -> bytes:
        base = read_login_url(login)
        url = base.copy_with(path=f"{base.path.rstrip('/')}/api/token/refresh/")
        response = await self._web.send(
            "POST",
            url,
            headers={"Content-Type": "application/json", "Accept": "application/json"},
            content=json.dumps({"refresh": login.token}).encode(),
            login=login,
        )
        try:
            if not is_ok(response):
                raise _renewal_error(response.status_code, login)
            return await self._web.read(response, _LARGEST_ANSWER, name=shown(str(url)))
        finally:
            await response.aclose()


def _renewal_error(status: int, login: LabelStudioLogin) -> ImageError:
    host = shown(login.url)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
        return UnavailableError(
            f"Label Studio ({host}) could not renew the token: HTTP {status}.",
            hint="try again later; look at Label Studio's log.",
        )
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return FetchError(
            f"Label Studio ({host}) refuses the personal access token (HTTP {status}): it is "
            "revoked, has expired, or belongs to another Label Studio.",
            hint=LOGIN_HINT,
        )
    return FetchError(
        f"Label Studio ({host}) has no way to renew a personal access token (HTTP {status}).",
        hint="check LABEL_STUDIO_URL (scheme, host, port, sub-path): redirects are not followed "
        "with a token. An old Label Studio knows legacy keys only.",
    )


def _lifetime(token: str, now: float) -> float:
    """Return for how many seconds from now `token` may be used.

    Its end minus its beginning, both by Label Studio's clock, which need not agree with ours.
    """
    claims = _claims(token)
    if claims.exp is None:
        lifetime = _LIFETIME
    elif claims.iat is None:
        lifetime = claims.exp - now
    else:
        lifetime = claims.exp - claims.iat
    return lifetime - min(_MARGIN, lifetime / 2)


def _claims(token: str) -> _Claims:
    payload = token.split(".")[1] if is_personal_token(token) else ""
    try:
        return _Claims.model_validate_json(
            base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        )
    except ValueError:  # a ValidationError is one
        return _Claims()
