"""The answer among all that a model wrote, and the names of several images."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from label_studio_gemini.gemini.turns import (
    announced,
    final_text,
    sendable,
    turns_from_request,
)
from label_studio_gemini.gemini.types import Example, GeminiRequest, UriImage

PIECES = st.lists(st.none() | st.text(max_size=5))


@given(before=PIECES, after=PIECES, ended=st.booleans())
def test_what_stands_before_the_last_code_does_not_matter_where_there_is_text_after_it(
    *, before: list[str | None], after: list[str | None], ended: bool
) -> None:
    texts = [piece for piece in after if piece is not None]
    answer = final_text([*before, None, *texts], ended=ended)
    if "".join(texts).strip():
        assert answer == "".join(texts)


@given(PIECES)
def test_the_answer_is_whole_and_the_last(pieces: list[str | None]) -> None:
    """Between two pieces that are no text stands one answer at most."""
    answer = final_text(pieces, ended=True)
    runs = [[""]]
    for piece in pieces:
        if piece is None:
            runs.append([""])
        else:
            runs[-1].append(piece)
    said = ["".join(run) for run in runs if "".join(run).strip()]
    assert answer == (said[-1] if said else "")


def test_a_model_that_was_stopped_after_code_has_not_answered() -> None:
    assert final_text(["I zoom in.", None], ended=False) == ""
    assert final_text(["[1]", None], ended=True) == "[1]"


def test_one_image_has_no_name() -> None:
    one, two = UriImage("a", "image/png"), UriImage("b", "image/png")
    assert list(announced(())) == []
    assert list(announced((one,))) == [(None, one)]
    assert list(announced((one, two))) == [("Image 1:", one), ("Image 2:", two)]


@given(st.text())
def test_any_text_can_be_sent_and_good_text_is_as_it_was(text: str) -> None:
    """This has no surrogates: text of `st.characters()` may."""
    assert sendable(text) == text


@given(st.text(st.characters(codec=None, categories=["Cs", "L", "So"])))
def test_halves_of_surrogate_pairs_never_leave(text: str) -> None:
    sent = sendable(text)
    sent.encode()
    assert "".join(c for c in sent if c != "\ufffd" and ord(c) < 0x10000) == "".join(
        c for c in text if not 0xD800 <= ord(c) < 0xE000 and c != "\ufffd" and ord(c) < 0x10000
    )


def test_two_halves_are_the_character_and_one_is_none() -> None:
    assert sendable("a\ud83d\ude00b") == "a\U0001f600b"
    assert sendable("a\ud83d b\ude00") == "a\ufffd b\ufffd"
    assert sendable("日本\ude00") == "日本\ufffd"


def test_prompts_and_examples_are_mended() -> None:
    example = Example("Where\ud83d?", (), "[\ud83d]")
    request = GeminiRequest("m", "What\ud83d?", (), None, examples=(example,))
    turns = turns_from_request(request)
    assert [(one.prompt, one.answer) for one in turns] == [
        ("Where\ufffd?", "[\ufffd]"),
        ("What\ufffd?", None),
    ]
