"""Every control tag, filled by our backend, as a real Label Studio stores and shows it."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from editor_tasks import Item, Tasks
from real_label_studio import label_studio_command, running_label_studio
from real_tags_cases import PROJECTS
from real_tags_key import Album, Thing, write_album
from real_tags_masks import covered, share
from real_tags_projects import Drawn, Predicted, Project, Task, predict, running_backend
from services import Service, running_emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pydantic import JsonValue

    from real_editor import Editor
    from real_label_studio import LabelStudio

pytestmark = pytest.mark.label_studio

CHECKS = {"fflag_feat_utc_210_prediction_validation_15082025": "true"}
"""With this in its environment, Label Studio stores no prediction that its own library refuses."""
MARKS = ("id", "from_name", "to_name", "type", "item_index", "from_id", "to_id", "direction")
"""What tells an item of a result from the others, its value apart."""

each_task = pytest.mark.parametrize(
    ("case", "task"),
    [pytest.param(case, task, id=task.name) for case in PROJECTS for task in case.tasks],
)


@pytest.fixture(scope="module")
def album(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Album:
    return write_album(photos, tmp_path_factory.mktemp("album"))


@pytest.fixture(scope="module")
def backends(
    album: Album, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Service]]:
    """Run a backend for each YAML file."""
    with ExitStack() as stack:
        emulator = stack.enter_context(
            running_emulator(album.key, album.folder, album.folder / "emulator.log")
        )
        yield {
            recipes: stack.enter_context(
                running_backend(emulator, tmp_path_factory.mktemp("backend"), recipes)
            )
            for recipes in {project.recipes for project in PROJECTS}
        }


@pytest.fixture(scope="module")
def predicted(
    label_studio: LabelStudio, album: Album, backends: Mapping[str, Service]
) -> dict[str, Predicted]:
    with Tasks(label_studio.service) as tasks:
        return predict(tasks, PROJECTS, album, backends)


@pytest.fixture(scope="module")
def checking(
    label_studio: LabelStudio, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Tasks]:
    """Run a second Label Studio, which checks predictions before it stores them."""
    data = tmp_path_factory.mktemp("checking-label-studio")
    with (
        running_label_studio(
            label_studio_command(), data, like=label_studio.data, port=0, **CHECKS
        ) as client,
        Tasks(client.service) as tasks,
    ):
        yield tasks


def drawn_on(drawn: Drawn, photo: str, album: Album) -> list[Thing]:
    return [thing for thing in album.things[photo] if thing.label in drawn.labels]


def value_of(item: Item) -> dict[str, JsonValue]:
    value = item["value"]
    assert isinstance(value, dict)
    return value


def has_place(item: Item) -> bool:
    """Say whether an item is a region, not an answer or a relation."""
    return "original_width" in item


def labels_of(result: Sequence[Item]) -> Counter[str]:
    """Return the labels of all regions; of those with two items, one has it."""
    lists = (value_of(item).get(str(item["type"])) for item in result if has_place(item))
    return Counter(str(label) for one in lists if isinstance(one, list) for label in one)


def answers_of(result: Sequence[Item]) -> dict[str, list[JsonValue]]:
    answers: dict[str, list[JsonValue]] = {}
    for item in result:
        if not has_place(item) and item["type"] != "relation":
            answers.setdefault(str(item["from_name"]), []).append(item["value"])
    return answers


def by_marks(result: Sequence[Item]) -> dict[tuple[JsonValue, ...], Item]:
    marked = {tuple(item.get(mark) for mark in MARKS): item for item in result}
    assert len(marked) == len(result)
    return marked


@each_task
def test_what_is_stored_is_what_the_photos_have(
    case: Project, task: Task, predicted: Mapping[str, Predicted], album: Album
) -> None:
    """A region for each object, under its label; the answers that were given; the relations."""
    result = predicted[case.name].results[task.name]
    assert labels_of(result) == Counter(
        thing.label
        for drawn in case.drawn
        for image in drawn.images
        for page in range(task.pages)
        for thing in drawn_on(drawn, task.photo(image, page), album)
    )
    assert answers_of(result) == task.answers

    regions = {item["id"] for item in result if has_place(item)}
    relations = [item for item in result if item["type"] == "relation"]
    assert len(relations) == task.relations
    assert all({item["from_id"], item["to_id"]} <= regions for item in relations)


@each_task
def test_the_page_shows_what_is_stored(
    case: Project,
    task: Task,
    *,
    predicted: Mapping[str, Predicted],
    editor: Editor,
    album: Album,
    measured: Callable[[str], None],
) -> None:
    """As many regions, painted where the photos have their objects; and it keeps all of it."""
    known = predicted[case.name]
    stored = by_marks(known.results[task.name])
    shown = editor.open(known.project, known.tasks[task.name], task.name)

    assert shown.errors == []
    assert shown.regions == len({item["id"] for item in stored.values() if has_place(item)})
    kept = by_marks(shown.results)
    assert kept.keys() == stored.keys()
    for mark, item in stored.items():
        if not has_place(item) and item["type"] != "relation":
            assert value_of(item).items() <= value_of(kept[mark]).items()

    for page in range(task.pages):
        if page:
            editor.turn_to(page, f"{task.name}-{page + 1}")
        for figure in check_painted(case, task, page, editor, album):
            measured(f"{task.name}: {figure}")


def check_painted(
    case: Project, task: Task, page: int, editor: Editor, album: Album
) -> Iterator[str]:
    """Check that each control tag paints over the objects of each image, and nowhere else."""
    photos = [task.photo(image, page) for image in range(len(task.data))]
    things = {
        drawn: [
            drawn_on(drawn, photo, album) if image in drawn.images else []
            for image, photo in enumerate(photos)
        ]
        for drawn in case.drawn
    }
    here = [drawn for drawn in case.drawn if any(things[drawn])]
    painted = editor.painted([drawn.control for drawn in here]) if here else {}
    for drawn in here:
        for photo, there, mask in zip(photos, things[drawn], painted[drawn.control], strict=True):
            found = share(mask, covered(there, drawn.form, (mask.shape[1], mask.shape[0])))
            assert found >= drawn.least, f"{drawn.control} over {photo}: {found:.3f}"
            if there:
                yield f"{drawn.control} over {photo}: IoU {found:.3f}"


def test_no_prediction_is_refused_where_label_studio_checks_them(
    checking: Tasks,
    album: Album,
    backends: Mapping[str, Service],
    predicted: Mapping[str, Predicted],
) -> None:
    """What is stored without checks is stored with them; and there are checks."""
    checked = predict(checking, PROJECTS, album, backends)
    assert {name: project.results for name, project in checked.items()} == {
        name: project.results for name, project in predicted.items()
    }
    task = checked["answers"].tasks["answers"]
    unknown: Item = {
        "from_name": "animal",
        "to_name": "image",
        "type": "choices",
        "value": {"choices": ["ant"]},
    }
    with pytest.raises(AssertionError, match="Error validating prediction"):
        checking.create_prediction(task, [unknown])
