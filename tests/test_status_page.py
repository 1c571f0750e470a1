"""The status page's document: whole in itself, with nothing that its policy would not allow."""

from __future__ import annotations

import base64
import hashlib
import re
from graphlib import CycleError
from html.parser import HTMLParser
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

import status_page_states as states
from label_studio_gemini.server import page
from label_studio_gemini.server.page import page_response
from label_studio_gemini.server.page.bundle import bundle
from label_studio_gemini.server.status_body import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

DOCUMENT = bytes(page_response().body).decode()
FILES = {
    one.name: one.read_text(encoding="utf-8")
    for one in files(page).iterdir()
    if one.name.endswith((".js", ".css", ".html"))
}
MODULES = {name: text for name, text in FILES.items() if name.endswith(".js")}
LOADS = {"src", "srcset", "action", "formaction", "data", "poster", "background"}


class Seen(HTMLParser):
    """What the document's tags hold."""

    def __init__(self) -> None:
        super().__init__()
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: dict[str, list[str]] = {"style": [], "script": []}
        self.feed(DOCUMENT)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        if self.lasttag in self.texts and data.strip():
            self.texts[self.lasttag].append(data)


SEEN = Seen()


def policy() -> dict[str, str]:
    parts = page_response().headers["content-security-policy"].split("; ")
    return dict(part.partition(" ")[::2] for part in parts)


def test_headers() -> None:
    headers = page_response().headers
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-cache"


def test_the_policy_allows_this_style_and_this_script_and_nothing_else() -> None:
    hashes = {}
    for tag in ("style", "script"):
        (text,) = re.findall(f"<{tag}[^>]*>(.*?)</{tag}>", DOCUMENT, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        hashes[tag] = f"'sha256-{digest}'"
    assert policy() == {
        "default-src": "'none'",
        "style-src": hashes["style"],
        "script-src": hashes["script"],
        "connect-src": "'self'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }


def test_nothing_is_loaded_from_anywhere() -> None:
    assert not [one for one in SEEN.attributes if one[1] in LOADS]
    assert {value for _, name, value in SEEN.attributes if name == "href"} == {
        "api/status",
        *(value for tag, _, value in SEEN.attributes if tag == "link" and value[:5] == "data:"),
    }
    (style,) = SEEN.texts["style"]
    assert "@import" not in style
    assert "url(" not in style
    (script,) = SEEN.texts["script"]
    addresses = set(re.findall(r"https?://[^\s\"'`/]+", script))
    assert addresses == {"http://www.w3.org"}, "the name of SVG, which is no address"


def test_nothing_runs_or_is_styled_but_by_the_two() -> None:
    """A policy with hashes would refuse these."""
    assert not [one for one in SEEN.attributes if one[1] == "style" or one[1].startswith("on")]
    assert len(SEEN.texts["style"]) == len(SEEN.texts["script"]) == 1


@pytest.mark.parametrize("name", MODULES)
def test_text_only_ever_becomes_text(name: str) -> None:
    ways = (
        r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|new Function|setHTML|DOMParser"
    )
    assert not re.search(ways, MODULES[name])


@pytest.mark.parametrize("name", MODULES)
def test_what_a_module_imports_is_exported_and_used(name: str) -> None:
    lines = re.findall(r'^import \{([^}]+)\} from "\./(.+)";$', MODULES[name], re.MULTILINE)
    assert len(lines) == len(re.findall(r"^import\b", MODULES[name], re.MULTILINE))
    for names, other in lines:
        for one in filter(None, map(str.strip, names.split(","))):
            export = rf"^export (async )?(function|const) {one}\b"
            assert re.search(export, MODULES[other], re.MULTILINE)
            assert len(re.findall(rf"\b{one}\b", MODULES[name])) > 1, f"{one} is not used"


def test_without_javascript_the_json_is_named() -> None:
    (shown,) = re.findall("<noscript>(.*?)</noscript>", DOCUMENT, re.DOTALL)
    assert '<a href="api/status">/api/status</a>' in shown


def test_the_document_is_whole() -> None:
    assert "{{" not in re.sub(r"<script.*</script>", "", DOCUMENT, flags=re.DOTALL)
    for name in MODULES:
        assert f"const {name.removesuffix('.js')}_module = " in DOCUMENT, f"{name} is not in it"
    for name, text in FILES.items():
        if name.endswith(".css"):
            assert text in DOCUMENT
        assert len(text.splitlines()) <= 300
    assert page_response().body == page_response().body


def test_modules_become_one_script_in_which_names_do_not_meet() -> None:
    sources = {
        "a.js": 'import { one, two } from "./b.js";\n'
        'import { three } from "./c.js";\nconst x = one;\n',
        "b.js": 'import { three } from "./c.js";\n// b\n'
        "export const one = three;\nexport function two() {}\n",
        "c.js": "const x = 3;\nexport const three = x;\n",
    }
    assert bundle("a.js", sources.__getitem__).split("\n") == [
        "const c_module = (() => {",
        "const x = 3;",
        "const three = x;",
        "return { three };",
        "})();",
        "const b_module = (() => {",
        "const { three } = c_module;",
        "// b",
        "const one = three;",
        "function two() {}",
        "return { one, two };",
        "})();",
        "const a_module = (() => {",
        "const { one, two } = b_module;",
        "const { three } = c_module;",
        "const x = one;",
        "return {  };",
        "})();",
        "",
    ]


def test_modules_that_import_each_other_are_refused() -> None:
    sources = {
        "a.js": 'import { b } from "./b.js";\nexport const a = b;\n',
        "b.js": 'import { a } from "./a.js";\nexport const b = a;\n',
    }
    with pytest.raises(CycleError):
        bundle("a.js", sources.__getitem__)


@pytest.mark.parametrize(
    "status",
    [states.empty_status, states.busy_status, states.failing_status, states.troubled_status],
)
def test_the_other_tests_show_what_the_backend_says(
    status: Callable[[], Mapping[str, Any]],
) -> None:
    """Else the page could be tested against an answer that never comes."""
    said = status()
    assert Status.model_validate(said, strict=True).model_dump() == said
