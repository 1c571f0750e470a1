"""Projects in a real Label Studio whose tasks our backend predicts, made as a person makes them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from editor_tasks import with_addresses
from services import Backends, Service

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pydantic import JsonValue

    from editor_tasks import Item, Tasks
    from real_tags_key import Album
    from real_tags_masks import Form


@dataclass(frozen=True)
class Drawn:
    """A control tag that draws regions.

    Attributes:
        control: Its name.
        labels: The labels of the objects that it draws.
        form: What it draws of them.
        least: How much of what is painted and of what should be must be shared (IoU).
        images: The places of its images among the task's, from 0.
    """

    control: str
    labels: tuple[str, ...]
    form: Form
    least: float
    images: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Task:
    """A task to look at.

    Attributes:
        name: What it is called, and its screenshot.
        data: Its data, with names of photos for addresses.
        answers: The values that are stored beside the regions, by the names of their tags; of a tag
            that asks about each region or each page, one for each in their order.
    """

    name: str
    data: Mapping[str, str | list[str]]
    answers: Mapping[str, Sequence[JsonValue]] = field(default_factory=dict)
    relations: int = 0

    @property
    def pages(self) -> int:
        """How many pages its images have."""
        return max(len(value) if isinstance(value, list) else 1 for value in self.data.values())

    def photo(self, image: int, page: int) -> str:
        """Return the photo that an image shows on a page."""
        value = list(self.data.values())[image]
        return value if isinstance(value, str) else value[page]


@dataclass(frozen=True)
class Project:
    """A project, and what our backend makes of its tasks.

    Attributes:
        name: What it is called.
        config: Its labelling config.
        drawn: Its control tags that draw regions.
        tasks: The tasks to look at.
        recipes: The YAML that the backend needs for it; empty for none.
    """

    name: str
    config: str
    tasks: tuple[Task, ...]
    drawn: tuple[Drawn, ...] = ()
    recipes: str = ""


@dataclass(frozen=True)
class Predicted:
    """A project whose tasks have predictions.

    Attributes:
        project: Its id.
        tasks: The id of each task, by its name.
        results: What is stored as the prediction of each task, by its name.
    """

    project: int
    tasks: Mapping[str, int]
    results: Mapping[str, Sequence[Item]]


@contextmanager
def running_backend(emulator: Service, folder: Path, recipes: str) -> Iterator[Service]:
    """Run a backend that has a YAML file, and learns from each /setup where Label Studio is."""
    config = folder / "recipes.yaml"
    config.write_text(recipes or "{}", encoding="utf-8")
    backends = Backends(emulator.url, folder)
    with backends.start(LABEL_STUDIO_GEMINI_CONFIG=str(config)) as service:
        yield service


def predict(
    tasks: Tasks, projects: Sequence[Project], album: Album, backends: Mapping[str, Service]
) -> dict[str, Predicted]:
    """Make each project, connect its backend, import its tasks, and click Retrieve Predictions.

    Args:
        tasks: The Label Studio.
        projects: What to make.
        album: The photos of their tasks.
        backends: The backend for each YAML file.

    Returns:
        The projects by their names; each of their tasks has a prediction.
    """
    addresses = tasks.upload_files(album.photos)
    predicted = {}
    for case in projects:
        project = tasks.create_project(case.config)
        tasks.connect(project, backends[case.recipes].url)
        ids = {
            task.name: tasks.create_task(project, with_addresses(task.data, addresses))
            for task in case.tasks
        }
        tasks.retrieve_predictions(project)
        stored = tasks.results(project)
        assert stored.keys() == set(ids.values()), f"{case.name}: a task has no prediction"
        results = {name: stored[task] for name, task in ids.items()}
        predicted[case.name] = Predicted(project, ids, results)
    return predicted
