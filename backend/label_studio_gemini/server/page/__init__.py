"""The status page: one document, made of the files of this folder.

page.html    its frame      *.css   its looks
page.js      what it does, with the modules that it imports; bundle.py makes one script of them

All is within the document, so that the page needs no other address than its own, whatever login or
proxy stands before it. Its policy lets the browser run this script and no other, ask this server
and no other, and make elements from no text at all.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

from fastapi.responses import HTMLResponse

from label_studio_gemini.server.page.bundle import bundle

if TYPE_CHECKING:
    from fastapi.responses import Response

_STYLES = (
    *("colours.css", "page.css", "glance.css", "lists.css", "left_out.css", "plot.css"),
    "screens.css",  # undoes some of the others
)
_SCRIPT = "page.js"


class _Page(NamedTuple):
    document: bytes
    policy: str


def page_response() -> Response:
    """Answer with the page. It is the same for all, and shows what `api/status` says."""
    document, policy = _page()
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",  # a newer backend has a newer page
    }
    return HTMLResponse(document, headers=headers)


@cache
def _page() -> _Page:
    style = "".join(_read(name) for name in _STYLES)
    script = bundle(_SCRIPT, _read)
    frame = _read("page.html")
    before, between, after = frame.replace("{{script}}", "{{style}}").split("{{style}}")
    document = f"{before}{style}{between}{script}{after}"
    return _Page(document.encode(), _build_policy(style, script))


def _read(name: str) -> str:
    """Return a file of this folder; line ends are those that a browser hashes."""
    return (files(__name__) / name).read_text(encoding="utf-8")


def _build_policy(style: str, script: str) -> str:
    """Return the Content-Security-Policy: https://www.w3.org/TR/CSP3/."""
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_hash(style)}'",
            f"script-src '{_hash(script)}'",
            "connect-src 'self'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
