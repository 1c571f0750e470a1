"""What the labelling page of a real Label Studio draws, in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from pydantic import BaseModel, TypeAdapter

from editor_cases import CONFIRMED, FOUND, PHOTOS, Case
from editor_tasks import Item

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from real_editor import Editor, Shown

pytestmark = pytest.mark.label_studio


class Confirmed(BaseModel):
    """An entry of `controls.json`: what was sent, and what a person's page made of it."""

    label_config: str
    prediction_result_sent: list[Item]
    ui_regions: int
    ui_serialized_back: list[Item]


@pytest.fixture(scope="module")
def confirmed(shared: Path) -> Mapping[str, Confirmed]:
    file = shared / "label-studio" / "controls.json"
    return TypeAdapter(dict[str, Confirmed]).validate_json(file.read_bytes())


def render(editor: Editor, case: Case, label_config: str, result: Sequence[Item]) -> Shown:
    photos = {name: PHOTOS[name].jpeg() for name in case.names()}
    return editor.render(case.control.replace(" ", "-"), label_config, photos, case.data, result)


def painted_share(shown: Shown, case: Case) -> float:
    """Return the IoU of what is painted over the first photo, which is grey, and the shapes."""
    picture = shown.picture()
    channels = np.asarray(picture).astype(int)
    painted = channels.max(axis=2) - channels.min(axis=2) > 20
    shapes = PHOTOS[case.names()[0]].mask(*case.shapes, size=picture.size)
    return float((painted & shapes).sum() / max((painted | shapes).sum(), 1))


def without_made_up_ids(items: Sequence[Item], sent: Sequence[Item]) -> list[Item]:
    """Return what the page would submit; it gives random ids to what was sent without."""
    ids = [item.get("id") for item in sent]
    return [item if item.get("id") in ids else item | {"id": None} for item in items]


@pytest.mark.parametrize("case", CONFIRMED, ids=lambda case: case.control)
def test_the_page_makes_of_a_confirmed_prediction_what_it_did(
    case: Case,
    editor: Editor,
    confirmed: Mapping[str, Confirmed],
    measured: Callable[[str], None],
) -> None:
    """As many regions, painted where the photo shows their shapes, and kept as they were."""
    known = confirmed[case.control]
    sent = known.prediction_result_sent
    shown = render(editor, case, known.label_config, sent)

    assert shown.errors == []
    assert shown.regions == known.ui_regions
    back = without_made_up_ids(known.ui_serialized_back, sent)
    assert without_made_up_ids(shown.results, sent) == back
    if case.shapes:
        share = painted_share(shown, case)
        measured(f"{case.control}: {share:.3f} of the painted pixels and the shapes are shared")
        assert share >= case.least


@pytest.mark.parametrize("case", FOUND, ids=lambda case: case.control)
def test_the_page_draws(case: Case, editor: Editor, measured: Callable[[str], None]) -> None:
    assert case.given is not None
    label_config, sent, regions = case.given
    shown = render(editor, case, label_config, sent)

    assert shown.errors == []
    assert shown.regions == regions
    assert [item["type"] for item in shown.results] == [item["type"] for item in sent]
    share = painted_share(shown, case)
    measured(f"{case.control}: {share:.3f} of the painted pixels and the shapes are shared")
    assert share >= case.least


def test_a_prediction_that_breaks_the_page_is_not_passed_over(editor: Editor) -> None:
    """A number as text: Label Studio stores it, and its page dies of it."""
    photos = {"scene.jpg": PHOTOS["scene.jpg"].jpeg()}
    config = '<View><Image name="img" value="$image"/><Number name="number" toName="img"/></View>'
    result: list[Item] = [
        {"from_name": "number", "to_name": "img", "type": "number", "value": {"number": "7"}}
    ]
    project, task = editor.tasks.store(config, photos, {"image": "scene.jpg"}, result)
    with pytest.raises(AssertionError, match="No matching type"):
        editor.open(project, task, "broken", within=10)
