"""Two requests have one digest if nothing that can change the reply differs, and only then."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_studio_gemini.cache import digest_of_request
from label_studio_gemini.cache.digest import LEFT_OUT
from label_studio_gemini.gemini.types import (
    Example,
    GeminiRequest,
    InlineImage,
    LeastThinking,
    MediaResolution,
    Options,
    Origin,
    ServiceTier,
    ThinkingLevel,
    UriImage,
)
from label_studio_gemini.gemini.urgency import Priority, Urgency

if TYPE_CHECKING:
    from collections.abc import Iterator

IMAGE = InlineImage(b"pixels", "image/png")
REQUEST = GeminiRequest(
    model="gemini-9",
    prompt="Detect.",
    images=(
        dataclasses.replace(IMAGE, digest="", resolution=MediaResolution.LOW, address="https://a"),
        UriImage("https://b", "image/png", MediaResolution.LOW),
    ),
    schema={"type": "array", "items": {"type": "object"}},
    options=Options(
        system="Be exact.",
        temperature=0.5,
        top_p=0.9,
        seed=7,
        max_output_tokens=9000,
        thinking=ThinkingLevel.LOW,
        resolution=MediaResolution.HIGH,
        tier=ServiceTier.FLEX,
        safety=(("harassment", "off"),),
        code_execution=True,
    ),
    examples=(Example("Detect.", (IMAGE,), "[]"),),
    urgency=Urgency(Priority.INTERACTIVE),
)
SAME = frozenset(
    (kind.__name__, name) for kind, names in LEFT_OUT.items() for name in names
) - frozenset({("InlineImage", "data")})  # without a digest, the bytes count


def digest(request: GeminiRequest, *, api: str = "interactions", where: str = "https://g") -> str:
    return digest_of_request(request, api=api, where=where)


def other(value: object) -> object:
    """Return a value of the same kind that differs."""
    found: object = Origin("7", 1)
    match value:
        case bool():
            found = not value
        case MediaResolution() | ServiceTier() | ThinkingLevel() | Priority():
            found = next(one for one in type(value) if one is not value)
        case str() | bytes():
            found = value * 2 or "x"
        case int() | float():
            found = type(value)(value / 2)
        case tuple():
            found = (*value, *value)
        case dict():
            found = {**value, "maxItems": 3}
        case Options() | Urgency():
            found = type(value)()
    assert type(found) is type(value) or value is None
    return found


def variants(value: Any) -> Iterator[tuple[str, str, Any]]:
    """Yield all of `value` with one field changed, however deep it is; and what it is called."""
    for field in dataclasses.fields(value):
        inner = getattr(value, field.name)
        yield type(value).__name__, field.name, replace(value, **{field.name: other(inner)})
        parts = inner if isinstance(inner, tuple) else (inner,)
        for number, part in enumerate(parts):
            if not dataclasses.is_dataclass(part):
                continue
            for kind, name, changed in variants(part):
                whole = (
                    (*inner[:number], changed, *inner[number + 1 :])
                    if isinstance(inner, tuple)
                    else changed
                )
                yield kind, name, replace(value, **{field.name: whole})


def test_what_was_paid_for_before_is_met_again() -> None:
    """These are of an older version: another form would have all replies paid for again."""
    assert digest(REQUEST).startswith("83acba9f7730467f63a510d1c2133079")
    assert digest(replace(REQUEST, schema=None)).startswith("d882d9650eeba973895ff9e8a5e95aa8")


def test_any_change_of_any_field_changes_the_digest() -> None:
    """Whatever fields there are: one that is new counts, or is left out by name."""
    seen = {digest(REQUEST)}
    fields = set()
    for kind, name, changed in variants(REQUEST):
        fields.add((kind, name))
        if (kind, name) in SAME:
            assert digest(changed) == digest(REQUEST), (kind, name)
        else:
            assert digest(changed) not in seen, (kind, name)
            seen.add(digest(changed))
    kinds = (GeminiRequest, Options, InlineImage, UriImage, Example)
    every = {(kind.__name__, field.name) for kind in kinds for field in dataclasses.fields(kind)}
    assert fields == every


def test_the_other_api_and_another_address_are_other_requests() -> None:
    digests = {digest(REQUEST), digest(REQUEST, api="x"), digest(REQUEST, where="https://h")}
    assert len(digests) == 3


def test_thinking_is_told_apart_by_kind() -> None:
    ways = (None, 0, 1024, LeastThinking(), *ThinkingLevel)
    requests = [replace(REQUEST, options=Options(thinking=way)) for way in ways]
    assert len({digest(one) for one in requests}) == len(ways)
    again = replace(REQUEST, options=Options(thinking=LeastThinking()))
    assert digest(again) == digest(requests[3])


def test_an_image_counts_by_its_bytes_whether_its_digest_came_along_or_not() -> None:
    def with_image(image: InlineImage) -> str:
        return digest(replace(REQUEST, images=(image,)))

    known = replace(IMAGE, digest=hashlib.sha256(IMAGE.data).hexdigest())
    assert with_image(known) == with_image(IMAGE)
    assert with_image(replace(known, data=b"")) == with_image(known)
    assert with_image(replace(known, digest="0" * 64)) != with_image(known)


def test_the_order_of_images_and_of_labels_counts() -> None:
    assert digest(replace(REQUEST, images=REQUEST.images[::-1])) != digest(REQUEST)
    cat, dog = ({"enum": ["cat", "dog"]}, {"enum": ["dog", "cat"]})
    assert digest(replace(REQUEST, schema=cat)) != digest(replace(REQUEST, schema=dog))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_the_order_of_a_schemas_keys_makes_no_difference(schema: dict[str, Any]) -> None:
    backwards = MappingProxyType(dict(reversed(schema.items())))
    assert digest(replace(REQUEST, schema=backwards)) == digest(replace(REQUEST, schema=schema))


@given(st.text(), st.text())
def test_prompts_that_differ_have_digests_that_differ(one: str, two: str) -> None:
    digests = {digest(replace(REQUEST, prompt=one)), digest(replace(REQUEST, prompt=two))}
    assert len(digests) == len({one, two})


def test_equal_numbers_are_the_same() -> None:
    """`temperature: 0` and `0.0` in a YAML are one request."""
    whole = replace(REQUEST, options=Options(temperature=0))
    assert digest(whole) == digest(replace(REQUEST, options=Options(temperature=-0.0)))


def test_what_has_no_canonical_form_is_refused() -> None:
    with pytest.raises(TypeError, match="object has no canonical form"):
        digest(replace(REQUEST, schema={"type": object()}))


def test_processes_agree() -> None:
    """Whatever the order of their sets: nothing hangs on `hash`, which differs here and there."""
    script = (
        "import json, test_cache_digest as t;"
        "print(json.dumps([t.digest(t.REQUEST), t.digest(t.replace(t.REQUEST, schema=None))]))"
    )
    expected = [digest(REQUEST), digest(replace(REQUEST, schema=None))]
    folder = str(Path(__file__).parent)
    ran = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONHASHSEED": "1", "PYTHONPATH": folder},
        capture_output=True,
        check=True,
    )
    assert json.loads(ran.stdout) == expected
