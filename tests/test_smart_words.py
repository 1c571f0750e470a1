"""What is meant in an image is told to Gemini in words, on the grid of what is sent."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from label_studio_gemini.config import Config, RecipeConfig
from label_studio_gemini.geometry import GeminiBox, GeminiPoint
from label_studio_gemini.plan import build_plan
from label_studio_gemini.prompts import Focus, FoundObject, build_prompt

XML = """<View><Image name="img" value="$image"/><RectangleLabels name="rect" toName="img">
<Label value="Car" hint="four wheels"/><Label value="Bus"/></RectangleLabels></View>"""
LABELS = "\n\nGive each object a label of its own, one of:\n- Car: four wheels\n- Bus\n\n"
ONE, TWO = GeminiBox(100.4, 200.6, 300, 400), GeminiBox(1, 2, 3, 4)
HERE, THERE = GeminiPoint(10, 20), GeminiPoint(30, 40)


def words(focus: Focus, prompt: str | None = None) -> tuple[str, str]:
    """Return what a prompt says before and after the labels."""
    config = Config(recipes=[RecipeConfig(name="r", prompt=prompt)])
    (question,) = build_plan(config, XML).questions
    before, after = build_prompt(question, focus=focus).split(LABELS)
    return before, after


@dataclass(frozen=True)
class Case:
    id: str
    focus: Focus
    says: str


@pytest.mark.parametrize(
    "case",
    [
        Case(
            "a box",
            Focus(boxes=(ONE,)),
            "A person drew the box [100, 201, 300, 400], which is [ymin, xmin, ymax, xmax] "
            "normalized to 0-1000, around one object of the image, perhaps loosely. Answer with "
            "that object alone, and with all of it that is visible: what is in this box?",
        ),
        Case(
            "boxes in a part",
            Focus(boxes=(ONE, TWO), is_part=True),
            "The image is a part of a larger one.\n\n"
            "A person drew these boxes, each [ymin, xmin, ymax, xmax] normalized to 0-1000, each "
            "around one object of the image, perhaps loosely: [100, 201, 300, 400], [1, 2, 3, 4]. "
            "Answer with those objects alone, and with all of them that is visible: "
            "what is in each box?",
        ),
        Case(
            "a point",
            Focus(points=(HERE,)),
            "A person means the object at the point [10, 20], which is [y, x] normalized to "
            "0-1000. Answer with that alone, the whole of it.",
        ),
        Case(
            "points, and one that is not",
            Focus(points=(HERE, THERE), not_points=(GeminiPoint(5, 6),)),
            "A person means the object, or the objects, at the points [10, 20], [30, 40], each of "
            "which is [y, x] normalized to 0-1000. Answer with that alone, the whole of it. "
            "Not meant is what is at [5, 6]: leave that out.",
        ),
        Case(
            "only what is not",
            Focus(not_points=(HERE,)),
            "Find every instance of the following in the image: Car, Bus. A point here is [y, x] "
            "normalized to 0-1000. Not meant is what is at [10, 20]: leave that out.",
        ),
        Case(
            "a text, with what is there",
            Focus(text="find the rest", found=(FoundObject("Car", ONE), FoundObject("Bus", HERE))),
            "Find what a person who labels the image asks for in these words:\nfind the rest\n\n"
            "These are found already, by their [ymin, xmin, ymax, xmax] or [y, x] normalized to "
            "0-1000. They are not wanted again:\n- [100, 201, 300, 400]: Car\n- [10, 20]: Bus",
        ),
    ],
    ids=lambda case: case.id,
)
def test_what_is_meant(case: Case) -> None:
    before, after = words(case.focus)
    assert before == case.says
    assert "at most 100 objects." in after


def test_how_many_are_wanted() -> None:
    assert "at most 1 object." in words(Focus(boxes=(ONE,), most=1))[1]
    assert "at most 2 objects." in words(Focus(boxes=(ONE, TWO), most=2))[1]


def test_the_prompt_of_a_recipe_only_tells_what_labels_mean() -> None:
    before, _ = words(Focus(boxes=(ONE,)), "Find {labels} that drive.")
    assert before.startswith(
        "Whole images are labelled by these instructions:\nFind Car, Bus that drive.\n"
        "Here they only tell what the labels mean.\n\nA person drew the box"
    )


def test_a_text_takes_the_place_of_the_prompt_of_a_recipe() -> None:
    before, _ = words(Focus(text="red ones"), "Find {labels} that drive.")
    assert before == "Find what a person who labels the image asks for in these words:\nred ones"
