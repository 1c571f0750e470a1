"""An image that anybody can fetch from its address is known by where it really came from."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx2
import pytest

from images_server import IMAGE, PNG, Names, login, reading, serving
from label_studio_gemini.geometry import PixelArea

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = {
    "public.example": [["93.184.216.34"]],
    "private.example": [["10.0.0.1"]],
    "mixed.example": [["10.0.0.1", "93.184.216.34"]],
}
ALLOWED = frozenset({"private.example", "mixed.example", "10.0.0.1"})


class Internet(httpx2.AsyncBaseTransport):
    """Answers with a picture, or with a redirect by the path; some addresses do not answer."""

    def __init__(
        self, redirects: Mapping[str, str] | None = None, down: frozenset[str] = frozenset()
    ) -> None:
        self.redirects = redirects or {}
        self.down = down

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.host in self.down:
            raise httpx2.ConnectError("down")
        target = self.redirects.get(request.url.path)
        if target is not None:
            return httpx2.Response(302, headers={"Location": target})
        return httpx2.Response(200, content=PNG)


@dataclass(frozen=True)
class Case:
    why: str
    address: str
    public: bool
    redirects: Mapping[str, str] | None = None
    down: frozenset[str] = frozenset()


CASES = [
    Case("a public address", "https://public.example/a.png", public=True),
    Case("by number", "https://93.184.216.34/a.png", public=True),
    Case("a private one that is allowed", "https://private.example/a.png", public=False),
    Case("by number", "http://10.0.0.1/a.png", public=False),
    Case(
        "through a private one",
        "https://private.example/to",
        public=False,
        redirects={"/to": "https://public.example/a.png"},
    ),
    Case(
        "to a private one",
        "https://public.example/to",
        public=False,
        redirects={"/to": "https://private.example/a.png"},
    ),
    Case(
        "from one public address to another",
        "https://public.example/to",
        public=True,
        redirects={"/to": "https://93.184.216.34/a.png"},
    ),
    Case("the one of two that answers", "https://mixed.example/a.png", public=False),
    Case(
        "the other one",
        "https://mixed.example/a.png",
        public=True,
        down=frozenset({"10.0.0.1"}),
    ),
    Case("with a password", "https://me:secret@public.example/a.png", public=False),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.why)
async def test_public_is_what_was_connected_to(case: Case) -> None:
    internet = Internet(case.redirects, case.down)
    async with reading(
        resolver=Names(dict(NAMES)), transport=internet, allowed_hosts=ALLOWED
    ) as reader:
        image = await reader.read(case.address, login=None, task_id=None)
        crop = await reader.read_crop(
            case.address, lambda size: PixelArea(0, 0, *size), login=None, task_id=None
        )
    assert (image.untouched, image.public) == (True, case.public)
    assert crop.image.public is case.public


async def test_what_was_changed_is_not_what_anybody_gets() -> None:
    async with reading(resolver=Names(dict(NAMES)), transport=Internet()) as reader:
        crop = await reader.read_crop(
            "https://public.example/a.png",
            lambda _: PixelArea(0, 0, 2, 2),
            login=None,
            task_id=None,
        )
    assert not crop.image.public


async def test_label_studios_own_images_and_files_are_not_public() -> None:
    async with serving({"/data/upload/1/a.png": IMAGE}) as site, reading() as reader:
        image = await reader.read("/data/upload/1/a.png", login=login(site), task_id=1)
        assert not image.public
        data = "data:image/png;base64," + base64.b64encode(PNG).decode()
        assert not (await reader.read(data, login=None, task_id=None)).public
