"""Everything that can be asked for is in the bytes that are sent, in each API's own words."""

from __future__ import annotations

import importlib
import re
import sys
from dataclasses import fields, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from gemini_features import (
    ANSWERS,
    APIS,
    FEATURES,
    KEY,
    MISSING,
    PLAIN,
    Api,
    Feature,
    asked,
    found,
    recorded,
)
from gemini_recorder import Answer, recording
from label_studio_gemini.errors import RequestError
from label_studio_gemini.gemini import connect_gemini
from label_studio_gemini.gemini.lessons import BUDGET, Refused, read_refusal
from label_studio_gemini.gemini.turns import MOST_IMAGES
from label_studio_gemini.gemini.types import (
    Example,
    GeminiRequest,
    InlineImage,
    LeastThinking,
    Options,
    ServiceTier,
    UriImage,
)

if TYPE_CHECKING:
    from pathlib import Path

    from label_studio_gemini.emulator import RunningEmulator

SENT = [
    pytest.param(api, one, id=f"{api}-{one.name}")
    for one in FEATURES
    for api in APIS
    if one.sent(api)
]


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
async def test_the_bytes_sent(feature: Feature) -> None:
    """By both APIs; a plain request says nothing of it: what is not set is Google's choice."""
    for api in APIS:
        wanted = feature.sent(api)
        if not wanted:
            continue
        sent, plain = await recorded(api, feature.request, PLAIN)
        assert {path: found(sent.body, path) for path in wanted} == wanted, api
        said = {path: found(plain.body, path) for path in wanted}
        assert (said == wanted) is feature.always, api


async def test_a_thinking_budget_is_nothing_that_interactions_take() -> None:
    """Said before it is sent, in words from which it is learnt that no budget is taken at all."""
    request = asked(thinking=0)
    async with recording(Answer(ANSWERS["interactions"])) as recorder:
        gemini = connect_gemini(api="interactions", api_key=KEY, base_url=recorder.url, timeout=9)
        with pytest.raises(RequestError, match="`thinking_budget`") as caught:
            await gemini.generate(request)
        await gemini.aclose()
    assert "thinking level" in caught.value.hint
    assert read_refusal(caught.value.message, request) == Refused(names=frozenset({BUDGET}))
    assert not recorder.requests


def test_every_field_of_a_request_is_in_the_table() -> None:
    """But those that only wrappers read: who goes first, and what uploads are remembered by."""
    known = {feature.option for feature in FEATURES}
    contract = {
        one.name for kind in (GeminiRequest, Options, InlineImage, UriImage) for one in fields(kind)
    }
    never_sent = {"options", "urgency", "origin", "fresh", "on_attempt", "digest"}
    assert contract - known == {*never_sent, "data", "mime_type", "address"}


@pytest.mark.parametrize("api", APIS)
async def test_a_plain_request_says_no_more_than_it_has_to(api: Api) -> None:
    [sent] = await recorded(api, PLAIN)
    body = sent.body
    assert set(body) - {"generationConfig"} == (
        {"contents"} if api == "generate_content" else {"model", "input", "store"}
    )
    assert not body.get("generationConfig")


@pytest.mark.parametrize(("api", "feature"), SENT)
async def test_the_emulator_takes_it(
    api: Api, feature: Feature, gemini: RunningEmulator, photos: Path
) -> None:
    """The emulator is held to the real service's names and values, and shares no code with us."""
    photo = (photos / "chelsea.jpg").read_bytes()
    gemini.publish("https://example.com/cat.jpg", photo, "image/jpeg")
    request = feature.request
    request = replace(
        request,
        images=tuple(shown(image, photo) for image in request.images),
        examples=tuple(
            replace(one, images=tuple(shown(image, photo) for image in one.images))
            for one in request.examples
        ),
    )
    client = connect_gemini(api=api, api_key=KEY, base_url=gemini.url, timeout=20)
    reply = await client.generate(request)
    await client.aclose()
    assert "box_2d" in reply.text or feature.option == "schema"
    assert reply.usage.image_tokens >= 280


def shown(image: InlineImage | UriImage, photo: bytes) -> InlineImage | UriImage:
    if isinstance(image, UriImage):
        return replace(image, uri="https://example.com/cat.jpg", mime_type="image/jpeg")
    return replace(image, data=photo, mime_type="image/jpeg")


@pytest.mark.parametrize("api", APIS)
async def test_the_key_is_a_header(api: Api) -> None:
    [sent] = await recorded(api, PLAIN)
    assert sent.headers["x-goog-api-key"] == KEY
    assert "authorization" not in sent.headers


A_LOT = (UriImage("https://example.com/a", "image/png"),) * (MOST_IMAGES - 1)
MOST = replace(PLAIN, images=A_LOT, examples=(Example("q", A_LOT[:1], "a"),))


@pytest.mark.parametrize(
    "api", ["interactions", pytest.param("generate_content", marks=pytest.mark.slow)]
)
async def test_as_many_images_as_gemini_takes_are_sent(api: Api) -> None:
    assert len(await recorded(api, MOST)) == 1


@pytest.mark.parametrize("api", APIS)
async def test_more_images_than_gemini_takes_are_not_sent(api: Api) -> None:
    """Those of the examples count too."""
    async with recording(Answer(ANSWERS[api])) as recorder:
        gemini = connect_gemini(api=api, api_key=KEY, base_url=recorder.url, timeout=9)
        with pytest.raises(RequestError, match="3,601 images") as caught:
            await gemini.generate(replace(MOST, images=(*A_LOT, A_LOT[0])))
        await gemini.aclose()
    assert "3,600" in caught.value.hint
    assert not recorder.requests


@pytest.mark.parametrize("api", APIS)
async def test_the_least_thinking_never_reaches_an_adapter(api: Api) -> None:
    """It is a wrapper that finds out what it is; to send nothing instead would cost money."""
    async with recording(Answer(ANSWERS[api])) as recorder:
        gemini = connect_gemini(api=api, api_key=KEY, base_url=recorder.url, timeout=9)
        with pytest.raises(TypeError, match="wrapper"):
            await gemini.generate(asked(thinking=LeastThinking()))
        await gemini.aclose()
    assert not recorder.requests


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("tier", "limit", "seconds"),
    [
        (None, 30, 30),
        (ServiceTier.STANDARD, 30, 30),
        (ServiceTier.PRIORITY, 30, 30),
        (ServiceTier.FLEX, 30, 900),
        (ServiceTier.FLEX, 1200, 1200),
    ],
)
async def test_the_time_limit_fits_the_tier(
    api: Api, tier: ServiceTier | None, limit: float, seconds: int
) -> None:
    """Google is told how long is waited, in seconds; the SDK is told in milliseconds."""
    [sent] = await recorded(api, asked(tier=tier), limit=limit)
    assert sent.headers["x-server-timeout"] == str(seconds)


def test_the_readme_s_table_names_tests_that_are_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`cog` is a module only while cog runs."""
    lines: list[str] = []
    monkeypatch.setitem(sys.modules, "cog", SimpleNamespace(outl=lines.append))
    monkeypatch.delitem(sys.modules, "docs", raising=False)
    importlib.import_module("docs").print_features()
    monkeypatch.delitem(sys.modules, "docs")
    assert len(lines) == len(FEATURES) + 2
    assert all(line.count("|") == 5 for line in lines)
    named = re.findall(r"`(test_the_bytes_sent\[[^`]+\])`", "\n".join(lines))
    assert named == [f"test_the_bytes_sent[{feature.name}]" for feature in FEATURES]


def test_a_path_that_leads_nowhere_is_missing() -> None:
    assert found({"a": [{"b": 1}]}, "a[0].b") == 1
    for path in ("a[1].b", "a[0].c", "b", "a[0].b.c"):
        assert found({"a": [{"b": 1}]}, path) is MISSING
