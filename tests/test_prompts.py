"""What Gemini is told: one question, in the user's words or good ones, and the form of answer."""

from __future__ import annotations

import pytest

from label_studio_gemini.config import Config, RecipeConfig
from label_studio_gemini.errors import TaskError
from label_studio_gemini.labels import read_label_config
from label_studio_gemini.plan import build_plan
from label_studio_gemini.prompts import build_prompt, build_schema
from label_studio_gemini.questions import Question, build_questions
from label_studio_gemini.recipes import build_recipes

LABELS = '<Label value="Car" hint="four wheels"/><Label value="Pedestrian"/><Label value="Other"/>'
PROJECT = f"""<View><Image name="image" value="$image"/>
<RectangleLabels name="box" toName="image">{LABELS}</RectangleLabels></View>"""
ALL = f"""<View><Image name="image" value="$image"/>
<RectangleLabels name="box" toName="image">{LABELS}</RectangleLabels>
<BrushLabels name="brush" toName="image"><Label value="Car"/><Label value="Road"/></BrushLabels>
<KeyPointLabels name="dot" toName="image"><Label value="Nose"/></KeyPointLabels>
<Choices name="weather" toName="image"><Choice value="sunny"/><Choice value="rain"/></Choices>
<Choices name="tags" toName="image" choice="multiple">
  <Choice value="day"/><Choice value="night"/></Choices>
<TextArea name="caption" toName="image" gemini_prompt="Describe the {{{{ task.data.what }}}}."/>
<Rating name="quality" toName="image" maxRating="5"/>
<Number name="count" toName="image" min="0" max="9.5"/>
<TextArea name="text" toName="image" perRegion="true"/>
</View>"""


def questions_of(xml: str, *recipes: dict[str, object]) -> tuple[Question, ...]:
    config = Config(recipes=[RecipeConfig.model_validate({"name": "r", **one}) for one in recipes])
    project = read_label_config(xml)
    return build_questions(
        build_recipes(config, project).recipes, [tag.name for tag in project.images]
    )


def question_of(**recipe: object) -> Question:
    (question,) = questions_of(PROJECT, recipe)
    return question


def test_the_prompt_spells_out_order_labels_and_the_empty_answer() -> None:
    prompt = build_prompt(question_of(labels={"car": "Car", "man": "Pedestrian"}))
    assert prompt == (
        "Detect every instance of the following in the image: car, man.\n\n"
        "Give each object a label of its own, one of:\n"
        "- car: four wheels\n"
        "- man\n\n"
        "Answer with a JSON object that has a list `boxes` of objects with `box_2d` and `label`. "
        "The box_2d of an object is [ymin, xmin, ymax, xmax] normalized to 0-1000, tight around "
        "what is visible of it. One entry per object, each object once, at most 100 objects. "
        "Leave out whatever none of the labels fits. "
        "Where there is no such object, answer with an empty list."
    )


def test_a_prompt_of_the_user_stands_first_and_unchanged() -> None:
    prompt = build_prompt(question_of(target="box", prompt="Détecte {tout} %s ça."))
    assert prompt.startswith("Détecte {tout} %s ça.\n")


def test_labels_and_fields_of_the_task_can_be_put_in() -> None:
    """Nothing else in braces means anything, and nothing in a field does."""
    question = question_of(
        labels={"car": "Car", "man": "Pedestrian"},
        prompt="In {{ task.data.title }} ({{task.data.shop.id}}), find {labels}; {{ 1+1 }}.",
    )
    data = {"title": "{labels} {{ task.data.x }}", "shop": {"id": 7}}
    prompt = build_prompt(question, data)
    assert prompt.startswith("In {labels} {{ task.data.x }} (7), find car, man; {{ 1+1 }}.\n")


@pytest.mark.parametrize("data", [{}, {"title": None}, {"title": ["a"]}, {"title": {}}])
def test_a_field_that_the_task_lacks_is_named(data: dict[str, object]) -> None:
    question = question_of(target="box", prompt="About {{ task.data.title }}.")
    with pytest.raises(TaskError, match=r"task\.data\.title"):
        build_prompt(question, data)


def test_descriptions_and_the_most_objects_are_told() -> None:
    question = question_of(
        labels={"taxi": {"label": "Car", "description": "yellow, a sign on its roof"}},
        max_objects=12,
    )
    prompt = build_prompt(question)
    assert "- taxi: yellow, a sign on its roof\n" in prompt
    assert "at most 12 objects" in prompt


def test_the_schema_allows_only_the_labels_asked_for() -> None:
    schema = build_schema(question_of(labels={"car": "Car", "man": "Pedestrian"}))
    item = schema["properties"]["boxes"]["items"]  # type: ignore[index]
    assert item["properties"]["label"]["enum"] == ["car", "man"]
    assert item["required"] == ["box_2d", "label"]


def test_everything_about_one_image_is_one_question() -> None:
    """Boxes, masks, points, answers and attributes: the image is paid for once."""
    (question,) = build_plan(Config(), ALL).questions
    schema = build_schema(question)
    properties = schema["properties"]
    assert isinstance(properties, dict)
    assert list(properties) == ["boxes", "points", "answers"]
    box = properties["boxes"]["items"]
    assert list(box["properties"]) == ["box_2d", "label", "answers", "mask"]
    assert box["properties"]["label"]["enum"] == ["Car", "Pedestrian", "Other", "Road"]
    assert "mask" not in box["required"], "only some labels need one"
    assert properties["points"]["items"]["properties"]["label"]["enum"] == ["Nose"]
    answers = properties["answers"]
    assert answers["properties"] == {
        "weather": {"type": "string", "enum": ["sunny", "rain"]},
        "tags": {"type": "array", "items": {"type": "string", "enum": ["day", "night"]}},
        "caption": {"type": "string"},
        "quality": {"type": "integer", "minimum": 1, "maximum": 5},
        "count": {"type": "number", "minimum": 0, "maximum": 9.5},
    }
    assert answers["required"] == ["weather", "tags", "quality"]
    prompt = build_prompt(question, {"what": "zebra"})
    assert "- `caption`: Describe the zebra. A text, empty where there is none." in prompt
    assert "Only these need one: Car, Road." in prompt
    assert "- `text`: The text that is written on the object" in prompt
    assert "one of these, word for word: sunny; rain" in prompt.lower()


def test_a_label_of_two_targets_is_asked_for_once() -> None:
    (question,) = questions_of(
        ALL, {"target": "box", "labels": ["Car"]}, {"name": "s", "target": "brush"}
    )
    assert [one.target.name for one in question.objects] == ["box", "brush"]
    assert build_prompt(question).count("- Car") == 1


def test_the_same_label_in_other_words_is_another_question() -> None:
    first, second = questions_of(
        ALL,
        {"target": "box", "labels": ["Car"], "prompt": "Find the parked ones."},
        {"name": "s", "target": "brush", "prompt": "Find the moving ones."},
    )
    assert (first.objects[0].name, second.objects[0].name) == ("r", "s")


def test_other_options_are_another_question() -> None:
    first, second = questions_of(
        ALL, {"target": "box", "thinking": "high"}, {"name": "s", "target": "weather"}
    )
    assert (first.objects[0].name, second.answers[0].name) == ("r", "s")


TWO = """<View><Image name="left" value="$a"/><Image name="right" value="$b"/>
<RectangleLabels name="box" toName="left,right"><Label value="Car"/></RectangleLabels>
<RectangleLabels name="sign" toName="right"><Label value="Stop"/></RectangleLabels>
<Choices name="weather" toName="left"><Choice value="sunny"/><Choice value="rain"/></Choices>
<Pairwise name="better" toName="left,right"/></View>"""


def test_several_images_are_one_question_where_each_answer_names_its_image() -> None:
    (question,) = build_plan(Config(), TWO).questions
    assert question.image_names == ("left", "right")
    properties = build_schema(question)["properties"]
    assert isinstance(properties, dict)
    assert "image" in properties["boxes"]["items"]["required"]
    assert list(properties["answers"]["properties"]) == ["better"]
    each = properties["image_answers"]["items"]
    assert list(each["properties"]) == ["image", "weather"]
    prompt = build_prompt(question)
    assert "Detect every instance of the following in each image: Car." in prompt
    assert "Detect every instance of the following in image 2: Stop." in prompt
    assert "- `weather`: In image 1: " in prompt


def test_the_same_label_on_another_image_is_no_clash() -> None:
    """The number of its image says which prompt an object answers."""
    left, right = (
        f'<RectangleLabels name="{name}" toName="{name}" gemini_prompt="Find what is {name}.">'
        '<Label value="Car"/></RectangleLabels>'
        for name in ("left", "right")
    )
    xml = f"""<View><Image name="left" value="$a"/><Image name="right" value="$b"/>
    {left}{right}</View>""".replace('name="left" toName', 'name="l" toName').replace(
        'name="right" toName', 'name="r" toName'
    )
    (question,) = build_plan(Config(), xml).questions
    prompt = build_prompt(question)
    assert "In image 1: Find what is left." in prompt
    assert "In image 2: Find what is right." in prompt


def test_pages_are_images_of_one_question() -> None:
    xml = """<View><Image name="scan" valueList="$pages"/>
    <RectangleLabels name="box" toName="scan"><Label value="Stamp"/></RectangleLabels>
    <Choices name="kind" toName="scan"><Choice value="bill"/><Choice value="letter"/></Choices>
    <Choices name="side" toName="scan" perItem="true"><Choice value="front"/></Choices></View>"""
    (question,) = build_plan(Config(), xml).questions
    properties = build_schema(question, ["scan"] * 3)["properties"]
    assert isinstance(properties, dict)
    assert list(properties["answers"]["properties"]) == ["kind"]
    assert list(properties["image_answers"]["items"]["properties"]) == ["image", "side"]


def test_masks_that_are_drawn_are_asked_for_without_a_schema() -> None:
    """With one, models were seen to write a word in their place."""
    (question,) = questions_of(ALL, {"target": "brush", "masks": "png"})
    assert not question.structured
    assert "data:image/png;base64" in build_prompt(question)
    (question,) = questions_of(ALL, {"target": "brush"})
    assert question.structured
    assert "polygon of [x, y] points" in build_prompt(question)


def test_relations_are_asked_for_by_the_ids_of_boxes() -> None:
    xml = PROJECT.replace("</View>", '<Relations><Relation value="near"/></Relations></View>')
    (question,) = questions_of(xml, {"target": "box", "relations": {"near": "side by side"}})
    properties = build_schema(question)["properties"]
    assert isinstance(properties, dict)
    assert properties["relations"]["items"]["properties"]["label"]["enum"] == ["near"]
    assert "id" in properties["boxes"]["items"]["required"]
    assert "near (side by side)" in build_prompt(question)
