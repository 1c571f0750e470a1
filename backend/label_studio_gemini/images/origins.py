"""URLs as this package sees them: where they lead, whose they are, and how a log may show them."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs

import httpx2

from label_studio_gemini.errors import AddressError

if TYPE_CHECKING:
    from label_studio_gemini.images.types import LabelStudioLogin

_PORTS = {"http": 80, "https": 443}
_HIGHEST_PORT = 65535
_LOCAL_FILES = "/data/local-files/"
_SHOWN = 200
_LONGEST = 5_000  # of addresses that are looked at: no server takes longer ones
_LONG = 32  # characters: what is longer shows how it begins

# Browsers disagree with libraries about a backslash; a space is fine, other blanks are not.
_UNSAFE = re.compile(r"[\\\x00-\x1f\x7f]")
# A header value: no blanks, no line ends, nothing but ASCII.
_TOKEN = re.compile(r"[\x21-\x7e]+")

# How addresses are told from other texts, for `shown`; all may be percent-encoded, even twice.
_BLANK = re.compile(r"\s")
_KIND = re.compile(r"(?:https?|ftp|file|blob|s3|gs|azure-blob):(?://)?", re.IGNORECASE)
_DATA = re.compile(
    r"data:(?:[\w.+-]{1,20}/[\w.+-]{1,40}(?:;base64)?(?=[,;]),?)?", re.IGNORECASE | re.ASCII
)
# A query, a fragment, parameters of a path (`/;sig=…/`).
_SECRETS = re.compile(
    r"[?#]|%(?:25)*(?:3f|23)|(?:;|%(?:25)*3b)[^/;]*(?:=|%(?:25)*3d)", re.IGNORECASE
)
_USER = re.compile(
    r"((?:^|[/\\]|%(?:25)*(?:2f|5c)){2})(?:(?!/|%(?:25)*2f).)*(?:@|%(?:25)*40)",
    re.IGNORECASE | re.DOTALL,
)
_ADDRESS = re.compile(
    r"""
    (?:[a-z][a-z0-9+.-]{1,20}:)?//(?:[\w.~%-]*|\[[0-9a-f:.]*\])(?::[0-9]*)?(?:[/\\].*)?  # the web
    | /(?:data|storage-data|tasks|static)/.*                                         # Label Studio
    | [./~]\S{,199}                                                              # a path, no image
    | (?:[a-z]:)?[^:@]*\.(?:jpe?g|jpe|jfif|a?png|gif|bmp|webp|tiff?|hei[cf]|avif|jp2|svg|dcm|pdf)
    """,
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)

URL_HINT = (
    "set LABEL_STUDIO_URL to the address that Label Studio is opened with, as in "
    "http://label-studio:8080."
)


class Origin(NamedTuple):
    """Scheme, host (lower case, punycode) and port: what a token belongs to."""

    scheme: str
    host: str
    port: int


def read_url(text: str) -> httpx2.URL:
    """Read an http(s) URL as a browser would: spaces and letters are escaped, escapes are kept.

    Raises:
        AddressError: It is none.
    """
    try:
        url = httpx2.URL("" if _UNSAFE.search(text) else text)
    except (httpx2.InvalidURL, UnicodeError, ValueError):
        url = httpx2.URL("")
    port_is_right = url.port is None or 0 < url.port <= _HIGHEST_PORT
    if url.scheme not in _PORTS or not url.raw_host or not port_is_right:
        raise AddressError(
            f"`{shown(text)}` is no address of the web.",
            hint="an image address looks like https://host/path/photo.jpg.",
        )
    return url.copy_with(fragment=None)


def origin_from_url(url: httpx2.URL) -> Origin:
    """Return the origin of an absolute http(s) URL."""
    return Origin(url.scheme, url.raw_host.decode("ascii").lower(), url.port or _PORTS[url.scheme])


def read_login_url(login: LabelStudioLogin) -> httpx2.URL:
    """Read the address of a Label Studio; its path has no slash at the end.

    Raises:
        AddressError: It is no http(s) address, or the token cannot be a header's value.
    """
    try:
        url = read_url(login.url.strip())
    except AddressError as error:
        message = f"`{shown(login.url)}` is no address of a Label Studio."
        raise AddressError(message, hint=URL_HINT) from error
    if login.token and not _TOKEN.fullmatch(login.token):
        raise AddressError(
            "The token of Label Studio has a character that no token has (a space, a line end).",
            hint="set LABEL_STUDIO_API_KEY to the token as Label Studio shows it, in one line.",
        )
    plain = url.copy_with(username="", password="", query=None)
    return plain.copy_with(path=plain.path.rstrip("/") or "/")


def is_origin_of(login: LabelStudioLogin | None, url: httpx2.URL) -> bool:
    """Whether `url` is of the very scheme, host and port of `login`."""
    return login is not None and origin_from_url(read_login_url(login)) == origin_from_url(url)


def is_elsewhere(address: str, login: LabelStudioLogin | None) -> bool:
    """Whether `address` is one of the web that is not Label Studio's: others may open it too."""
    if not address.lower().startswith(("http://", "https://")):
        return False
    return not is_origin_of(login, read_url(address))


def ip_from_host(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address that `host` spells out, or None where it is a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def shown(address: str) -> str:
    """Return `address` for people and logs: no query (a signed link is a secret), no password.

    The one query that is shown is the path of a local file of Label Studio: it is no secret, and
    the rest says nothing without it. What looks like no address may be the image itself, or words
    about a person: only its length is shown, and where it is long and has no blanks its beginning.
    """
    text = address.strip()
    if text[:5].lower() == "data:":
        return _DATA.match(text)[0] + "…"  # type: ignore[index] # its last part matches anything
    head, _, query = text.partition("#")[0].partition("?")
    if len(head) > _LONGEST:
        return _length(text)
    path = _SECRETS.split(head, maxsplit=1)[0]
    if path.endswith(_LOCAL_FILES):
        told = "".join(parse_qs(query, max_num_fields=None).get("d", [])[:1])
        path += "?d=" + _SECRETS.split(told[:_LONGEST], maxsplit=1)[0]
    path = _USER.sub(r"\1", path)
    return _printable(path) if _ADDRESS.fullmatch(path) else _length(text)


def _length(text: str) -> str:
    """Say how long a text is that must not be shown."""
    kind = _KIND.match(text)
    start = kind[0] if kind else text[:4] if len(text) > _LONG and not _BLANK.search(text) else ""
    return f"{_printable(start)}… ({len(text):,} characters)"


def _printable(text: str) -> str:
    clean = "".join(letter if letter.isprintable() else "�" for letter in text[: _SHOWN + 1])
    return clean if len(clean) <= _SHOWN else clean[:_SHOWN] + "…"
