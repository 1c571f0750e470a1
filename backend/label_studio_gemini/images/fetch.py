"""An address on the web -> the bytes behind it: redirects, tokens, limits, and what went wrong."""

from __future__ import annotations

import asyncio
import base64
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

import httpx2

from label_studio_gemini.errors import AddressError, FetchError, ImageError, UnavailableError
from label_studio_gemini.images.formats import is_web_page
from label_studio_gemini.images.origins import (
    URL_HINT,
    is_origin_of,
    origin_from_url,
    read_url,
    shown,
)
from label_studio_gemini.images.tokens import LOGIN_HINT, is_personal_token
from label_studio_gemini.images.web import is_from_public, is_ok

if TYPE_CHECKING:
    from label_studio_gemini.images.tokens import Tokens
    from label_studio_gemini.images.types import ImageLimits, LabelStudioLogin
    from label_studio_gemini.images.web import Web

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
_LOGIN_PAGE = "/user/login"
_ACCEPT = "image/*, */*;q=0.5"


class Fetched(NamedTuple):
    """What was fetched.

    Attributes:
        data: The bytes.
        public: Whether anybody gets them: each host on the way was a public one, and none was
            shown a login.
    """

    data: bytes
    public: bool


class Fetcher:
    """Fetches images. The token of a login goes to that login's origin and nowhere else."""

    def __init__(self, web: Web, tokens: Tokens, limits: ImageLimits) -> None:
        self._web = web
        self._tokens = tokens
        self._limits = limits

    async def fetch(self, url: httpx2.URL, login: LabelStudioLogin | None) -> Fetched:
        """Return the bytes behind `url`.

        Raises:
            AddressError: It leads, directly or by redirects, to where no image may come from.
            FetchError: It answers, but not with an image.
            UnavailableError: It does not answer, or not in time.
        """
        try:
            async with asyncio.timeout(self._limits.seconds):
                return await self._follow(url, login)
        except TimeoutError as error:
            raise UnavailableError(
                f"`{shown(str(url))}` did not arrive within {self._limits.seconds:g} s.",
                hint="see whether the server is slow, or raise `images: timeout` in the config.",
            ) from error

    async def _follow(self, first: httpx2.URL, login: LabelStudioLogin | None) -> Fetched:
        url, public = first, True
        for _ in range(self._limits.redirects + 1):
            response = await self._get(url, login)
            public = public and is_from_public(response)
            try:
                if not _is_redirect(response):
                    return Fetched(await self._body(response, url, login), public)
                if _is_refusal(response, url, login):
                    raise _refusal(url, login)
                url = _next_url(response, url)
            finally:
                await response.aclose()
        raise FetchError(
            f"`{shown(str(first))}` redirects more than {self._limits.redirects} times.",
            hint="open it in a browser: most often its redirects go round in a circle.",
        )

    async def _get(self, url: httpx2.URL, login: LabelStudioLogin | None) -> httpx2.Response:
        """Get one hop; an access token that is refused before its time is renewed, once."""
        if login is None or not is_origin_of(login, url):
            return await self._send(url, _basic(url), login)
        header = await self._tokens.authorization(login)
        response = await self._send(url, header, login)
        renewable = login.token is not None and is_personal_token(login.token)
        if not renewable or not _is_refusal(response, url, login):
            return response
        await response.aclose()
        return await self._send(url, await self._tokens.authorization(login, refused=header), login)

    async def _send(
        self, url: httpx2.URL, authorization: str | None, login: LabelStudioLogin | None
    ) -> httpx2.Response:
        headers = {"Accept": _ACCEPT}
        if authorization is not None:
            headers["Authorization"] = authorization
        return await self._web.send("GET", url, headers=headers, login=login)

    async def _body(
        self, response: httpx2.Response, url: httpx2.URL, login: LabelStudioLogin | None
    ) -> bytes:
        if _is_refusal(response, url, login):
            raise _refusal(url, login)
        if not is_ok(response):
            raise _status_error(response.status_code, url, login)
        body = await self._web.read(response, self._limits.bytes, name=shown(str(url)))
        if is_web_page(body):
            raise FetchError(
                f"`{shown(str(url))}` is a web page, not an image.",
                hint="the address of the image itself is needed, not of a page that shows it; "
                "a page to log in on means that the host wants a login.",
            )
        return body


def _is_redirect(response: httpx2.Response) -> bool:
    return response.status_code in _REDIRECTS and "location" in response.headers


def _is_refusal(response: httpx2.Response, url: httpx2.URL, login: LabelStudioLogin | None) -> bool:
    """Whether this is 401, or Label Studio sending a stranger to its login page."""
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        return True
    if not _is_redirect(response) or not is_origin_of(login, url):
        return False
    return _LOGIN_PAGE in response.headers["location"].partition("?")[0]


def _next_url(response: httpx2.Response, url: httpx2.URL) -> httpx2.URL:
    try:
        # a host that sends a name and a password along is not obeyed in that
        target = url.join(response.headers["location"]).copy_with(username="", password="")
        return read_url(str(target))
    except (AddressError, httpx2.InvalidURL, UnicodeError, ValueError) as error:
        raise AddressError(
            f"`{shown(str(url))}` redirects to what is no address of the web.",
            hint="only http and https are followed.",
        ) from error


def _basic(url: httpx2.URL) -> str | None:
    """Return the header for a name and password that a task's own address carries."""
    if not url.userinfo:
        return None
    pair = unquote(url.userinfo.decode("ascii"))
    return f"Basic {base64.b64encode(pair.encode()).decode('ascii')}"


def _refusal(url: httpx2.URL, login: LabelStudioLogin | None) -> FetchError:
    name = shown(str(url))
    if login is None or not is_origin_of(login, url):
        return FetchError(f"`{name}` wants a login (HTTP 401).", hint=_elsewhere_hint(url, login))
    if not login.token:
        return FetchError(
            f"Label Studio wants a login for `{name}`, and there is no token.", hint=LOGIN_HINT
        )
    kind = "personal access token" if is_personal_token(login.token) else "legacy key"
    hint = LOGIN_HINT
    if kind == "legacy key":
        hint = f"legacy keys are off in Label Studio unless its organization allows them: {hint}"
    return FetchError(f"Label Studio refuses the {kind} for `{name}`.", hint=hint)


def _elsewhere_hint(url: httpx2.URL, login: LabelStudioLogin | None) -> str:
    if login is not None:
        ours, theirs = origin_from_url(read_url(login.url.strip())), origin_from_url(url)
        if ours.host == theirs.host:
            return (
                f"the token is only sent to {ours.scheme}://{ours.host}:{ours.port}; if that is "
                "Label Studio under another scheme or port, "
                f"set LABEL_STUDIO_URL to {theirs.scheme}://{theirs.host}:{theirs.port}."
            )
    return (
        "Label Studio's token is sent to Label Studio alone. If this host is your Label Studio, "
        f"{URL_HINT} Else make the image readable without a login, or connect its bucket to "
        "Label Studio as a storage."
    )


def _status_error(status: int, url: httpx2.URL, login: LabelStudioLogin | None) -> ImageError:
    name = shown(str(url))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _LATER:
        return UnavailableError(
            f"`{name}` answered HTTP {status}.", hint="try again later; look at the server's log."
        )
    home = is_origin_of(login, url)
    hints = {
        HTTPStatus.FORBIDDEN: (
            "the token's user may not see this project; use the token of a member of it."
            if home
            else "a signed link may have expired; or the host lets no programs in."
        ),
        HTTPStatus.NOT_FOUND: (
            "the file is gone from Label Studio, its storage is not connected to the project, "
            "or LABEL_STUDIO_URL lacks the sub-path that Label Studio lives under."
            if home
            else "open the address in a browser: the image is gone or has moved."
        ),
        # what Label Studio says where it hands a storage's files out itself, and cannot
        HTTPStatus.FAILED_DEPENDENCY: "the server could not read its storage: check the storage "
        "in the project's settings (Cloud Storage), and Label Studio's log.",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "the server finds the image too large to hand out; "
        "shrink it, or raise the server's limit.",
    }
    hints[HTTPStatus.GONE] = hints[HTTPStatus.NOT_FOUND]
    fallback = "open the address in a browser to see what the server says."
    return FetchError(
        f"`{name}` answered HTTP {status}, not an image.",
        hint=next((hint for code, hint in hints.items() if code == status), fallback),
    )
