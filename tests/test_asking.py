"""What is sent for a task, whole: through the pipeline and the real SDK, by the bytes that came."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any, cast

import pytest

from label_studio_gemini.config import read_config
from label_studio_gemini.emulator import Api, Fault
from label_studio_gemini.environment import Environment
from label_studio_gemini.errors import ConfigError
from label_studio_gemini.pipeline import Prediction, open_pipeline
from label_studio_gemini.plan import build_plan

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from label_studio_gemini.emulator import RunningEmulator
    from label_studio_gemini.pipeline import Outcome

LABELS = '<Label value="person"/><Label value="cat"/><Label value="coffee cup"/>'
ONE = f"""<View><Image name="image" value="$image"/>
<RectangleLabels name="box" toName="image">{LABELS}</RectangleLabels>
<BrushLabels name="brush" toName="image">{LABELS}</BrushLabels>
<KeyPointLabels name="dot" toName="image"><Label value="cat nose"/></KeyPointLabels>
<Choices name="kind" toName="image"><Choice value="indoors"/><Choice value="person"/></Choices>
<Number name="count" toName="image"/>
<TextArea name="text" toName="image" perRegion="true"/></View>"""
PAGES = f"""<View><Image name="scan" valueList="$pages"/>
<RectangleLabels name="box" toName="scan">{LABELS}</RectangleLabels>
<TextArea name="page" toName="scan" perItem="true"/>
<TextArea name="all" toName="scan"/></View>"""
ASKING = (Api.INTERACTIONS, Api.GENERATE_CONTENT)


@pytest.fixture(params=["interactions", "generate_content"])
def api(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def predict(
    yaml: str, xml: str, data: Mapping[str, object], gemini: RunningEmulator, folder: Path
) -> Outcome:
    (folder / "c.yaml").write_text(yaml)
    config = read_config(folder / "c.yaml")
    environment = Environment(state_folder=folder, api_key="k", base_url=gemini.url)
    async with open_pipeline(config, environment, folders=(folder,)) as pipeline:
        return await pipeline.predict({"data": data}, build_plan(config, xml), None)


def items_of(outcome: Outcome) -> list[dict[str, Any]]:
    assert isinstance(outcome, Prediction), outcome
    assert str(outcome.notes) == ""
    return cast("list[dict[str, Any]]", list(outcome.regions))


def copied(photos: Path, folder: Path, *names: str) -> list[str]:
    return [str(shutil.copy(photos / name, folder / name)) for name in names]


async def test_all_about_one_image_is_one_request(
    api: str, gemini: RunningEmulator, photos: Path, tmp_path: Path
) -> None:
    (image,) = copied(photos, tmp_path, "chelsea.jpg")
    yaml = f"api: {api}\n"
    outcome = await predict(yaml, ONE, {"image": image}, gemini, tmp_path)
    assert [(item["from_name"], item["type"]) for item in items_of(outcome)] == [
        ("dot", "keypointlabels"),
        ("kind", "choices"),
        ("count", "number"),
    ]
    (sent,) = (one for one in gemini.requests if one.api in ASKING)
    assert sent.photos == ("chelsea.jpg",)
    (image,) = copied(photos, tmp_path, "astronaut.jpg")
    items = items_of(await predict(yaml, ONE, {"image": image}, gemini, tmp_path))
    assert [(item["from_name"], item["type"]) for item in items] == [
        ("box", "rectanglelabels"),
        ("text", "textarea"),
        ("brush", "brushlabels"),
        ("text", "textarea"),
        ("kind", "choices"),
        ("count", "number"),
    ]
    assert items[0]["id"] == items[1]["id"] != items[2]["id"] == items[3]["id"]
    assert items[4]["value"] == {"choices": ["person"]}
    assert len([one for one in gemini.requests if one.api in ASKING]) == 2


async def test_pages_are_one_request_and_each_answer_names_its_page(
    api: str, gemini: RunningEmulator, photos: Path, tmp_path: Path
) -> None:
    pages = copied(photos, tmp_path, "chelsea.jpg", "astronaut.jpg", "camera.jpg")
    outcome = await predict(f"api: {api}\n", PAGES, {"pages": pages}, gemini, tmp_path)
    found = [(item["from_name"], item.get("item_index")) for item in items_of(outcome)]
    assert found == [
        ("box", 1),
        ("box", 2),
        ("all", None),
        ("page", 0),
        ("page", 1),
        ("page", 2),
    ]
    (sent,) = (one for one in gemini.requests if one.api in ASKING)
    assert sent.photos == ("chelsea.jpg", "astronaut.jpg", "camera.jpg")
    assert sent.prompt.index("Image 1:") < sent.prompt.index("Image 3:")


EXAMPLE = """
api: %s
recipes:
- name: people
  labels: [person]
  target: box
  examples:
  - image: shown/camera.jpg
    answer: {boxes: [{box_2d: [120, 0, 1000, 600], label: %s}]}
"""


async def test_examples_go_before_the_question(
    api: str, gemini: RunningEmulator, photos: Path, tmp_path: Path
) -> None:
    """The file is found beside the YAML; tasks may not name it for all that."""
    (tmp_path / "shown").mkdir()
    copied(photos, tmp_path / "shown", "camera.jpg")
    (image,) = copied(photos, tmp_path, "astronaut.jpg")
    yaml = EXAMPLE % (api, "person")
    outcome = await predict(yaml, ONE, {"image": image}, gemini, tmp_path)
    assert len(items_of(outcome)) == 1
    (sent,) = (one for one in gemini.requests if one.api in ASKING)
    assert sent.photos == ("astronaut.jpg",), "those of the last turn"
    body = json.dumps(sent.body)
    answer = json.dumps(json.dumps({"boxes": [{"box_2d": [120, 0, 1000, 600], "label": "person"}]}))
    assert answer in body
    assert body.count("image/jpeg") == 2


def test_an_example_that_would_mislead_is_refused(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "shown").mkdir()
    copied(photos, tmp_path / "shown", "camera.jpg")
    (tmp_path / "c.yaml").write_text(EXAMPLE % ("interactions", "zebra"))
    with pytest.raises(ConfigError, match="the label 'zebra' is not asked for"):
        build_plan(read_config(tmp_path / "c.yaml"), ONE)


def test_an_example_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(EXAMPLE % ("interactions", "person"))
    with pytest.raises(ConfigError, match=r"examples\[0\].image: there is no file .*camera.jpg"):
        read_config(tmp_path / "c.yaml")


async def test_a_reply_without_masks_falls_back_and_says_so(
    gemini: RunningEmulator, photos: Path, tmp_path: Path
) -> None:
    gemini.script(Fault(drop_masks=1, times=2))
    (image,) = copied(photos, tmp_path, "astronaut.jpg")
    yaml = "recipes: [{name: a, target: brush, fallback: %s}]"
    boxed = await predict(yaml % "box", ONE, {"image": image}, gemini, tmp_path)
    assert isinstance(boxed, Prediction)
    assert len(boxed.regions) == 1
    assert "1 drawn as boxes for want of a mask" in str(boxed.notes)
    dropped = await predict(yaml % "drop", ONE, {"image": image}, gemini, tmp_path)
    assert isinstance(dropped, Prediction)
    assert dropped.regions == ()
    assert "1 dropped (no_mask)" in str(dropped.notes)
