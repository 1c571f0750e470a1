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

# Browsers disagree with libraries about a backslash; a space is fine, other blanks are not.
_UNSAFE = re.compile(r"[\\\x00-\x1f\x7f]")
# A header value: no blanks, no line ends, nothing but ASCII.
_TOKEN = re.compile(r"[\x21-\x7e]+")

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
    the rest says nothing without it.
    """
    if address[:5].lower() == "data:":
        return f"{_printable(address[:30].partition(',')[0])},…"
    head, _, query = address.partition("#")[0].partition("?")
    if head.endswith(_LOCAL_FILES):
        head += "?d=" + "".join(parse_qs(query, max_num_fields=None).get("d", [])[:1])
    head = re.sub(r"^([a-zA-Z][a-zA-Z0-9+.-]*:)?//[^/]*@", r"\1//", head)
    return _printable(head)


def _printable(text: str) -> str:
    clean = "".join(letter if letter.isprintable() else "�" for letter in text[: _SHOWN + 1])
    return clean if len(clean) <= _SHOWN else clean[:_SHOWN] + "…"
