"""JSON with images in it is what `json.dumps` writes of them as text."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_studio_gemini.gemini.json_body import write_json

LEAVES = st.none() | st.booleans() | st.integers() | st.text() | st.binary()
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


def as_text(value: object) -> object:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, list):
        return [as_text(one) for one in value]
    if isinstance(value, dict):
        return {key: as_text(one) for key, one in value.items()}
    return value


@given(VALUES)
def test_it_is_json_with_base64(value: object) -> None:
    assert write_json(value) == json.dumps(as_text(value)).encode()


def test_what_json_has_not_is_refused() -> None:
    with pytest.raises(TypeError, match="set is nothing that JSON has"):
        write_json({"image": b"1", "other": {1}})
