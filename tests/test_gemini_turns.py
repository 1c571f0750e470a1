"""The answer among all that a model wrote, and the names of several images."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from label_studio_gemini.gemini.turns import announced, final_text
from label_studio_gemini.gemini.types import UriImage

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
