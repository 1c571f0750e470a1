"""Which images are offered by their address: those that anybody can fetch from it."""

from __future__ import annotations

from dataclasses import dataclass

import httpx2
import pytest

from images_server import PNG, Names, reading
from label_studio_gemini.config import Config
from label_studio_gemini.gemini import InlineImage
from label_studio_gemini.images import LabelStudioLogin
from label_studio_gemini.pipeline import Asker
from label_studio_gemini.plan import build_plan
from label_studio_gemini.tasks import Task

XML = """<View><Image name="a" value="$a"/>
<RectangleLabels name="one" toName="a"><Label value="Car"/></RectangleLabels></View>"""
NAMES = {
    "public.example": [["93.184.216.34"]],
    "private.example": [["10.0.0.1"]],
    "labels.example": [["93.184.216.35"]],
}
LOGIN = LabelStudioLogin("https://labels.example")


class Pictures(httpx2.AsyncBaseTransport):
    """A picture, wherever it is asked for."""

    async def handle_async_request(self, _request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=PNG)


@dataclass(frozen=True)
class Case:
    address: str
    offered: bool


CASES = [
    Case("https://public.example/a.png?sig=1", offered=True),
    Case("https://private.example/a.png", offered=False),
    Case("http://10.0.0.1/a.png", offered=False),
    Case("https://labels.example/data/upload/1/a.png", offered=False),
    Case("/data/upload/1/a.png", offered=False),
    Case("https://me:secret@public.example/a.png", offered=False),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.address)
async def test_an_address_is_offered_only_if_anybody_can_fetch_it(case: Case) -> None:
    config = Config()
    allowed = frozenset({"private.example", "10.0.0.1"})
    async with reading(
        resolver=Names(dict(NAMES)), transport=Pictures(), allowed_hosts=allowed
    ) as reader:
        (asked,) = await Asker(config, reader, reader).ask(
            Task(id=1, data={"a": case.address}), build_plan(config, XML), LOGIN
        )
    (image,) = asked.request.images
    assert isinstance(image, InlineImage)
    assert image.address == (case.address if case.offered else None)
