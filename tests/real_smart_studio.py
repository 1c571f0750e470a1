"""Projects with smart tools, what annotators draw in them, and how close the answers come."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx2
from pydantic import BaseModel, TypeAdapter

from answer_keys import Box, overlap
from editor_tasks import Item, with_addresses
from real_tags_projects import running_backend
from services import running_emulator

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from editor_tasks import Tasks
    from real_smart import Corners
    from real_tags_key import Album, Thing
    from services import Service

AROUND_ONE = "around one object"
"""What Gemini is told of a single box, and of no other question."""
IMAGE = '<Image name="image" value="$image"/>'
ASK = '<TextArea name="ask" toName="image" smart="true"/>'
DISHES = ("cup", "saucer", "spoon")
COLOURS = {"cup": "#ff00ff", "saucer": "#00d000", "spoon": "#0030ff", "coin": "#ff00ff"}


def tag(kind: str, name: str, *labels: str, smart: bool = False, to: str = "image") -> str:
    inner = "".join(
        f'<Label value="{label}" background="{COLOURS.get(label, "#ffe000")}"/>' for label in labels
    )
    said = str(smart).lower()  # Label Studio takes every tag for a smart one that says nothing
    return f'<{kind} name="{name}" toName="{to}" smart="{said}">{inner}</{kind}>'


BOXES = tag("RectangleLabels", "box", *DISHES, smart=True)
COINS = tag("RectangleLabels", "box", "coin", smart=True)
DOTS = tag("KeyPointLabels", "dot", *DISHES, smart=True)


class _Request(BaseModel):
    number: int
    api: str
    prompt: str
    photos: list[str | None]


def boxes_of(items: list[Item]) -> list[Box]:
    """Return rectangles with their labels, which may be in items of their own."""
    boxes: dict[str, dict[str, float]] = {}
    labels: dict[str, str] = {}
    for item in items:
        value, name = item["value"], str(item["id"])
        assert isinstance(value, dict)
        if "width" in value:
            number = TypeAdapter(float).validate_python
            boxes[name] = {key: number(value[key]) for key in ("x", "y", "width", "height")}
        said = value.get(str(item["type"]))
        if isinstance(said, list):
            labels[name] = str(said[0])
    return [
        Box(labels.get(name, ""), at["x"], at["y"], at["x"] + at["width"], at["y"] + at["height"])
        for name, at in boxes.items()
    ]


def around(thing: Thing, room: float = 2.0) -> Corners:
    """Return where a person draws a box around a thing: with so much room, in percent."""
    left, top, right, bottom = thing.box
    return left - room, top - room, right + room, bottom + room


def thing(album: Album, label: str, photo: str = "coffee.jpg") -> Thing:
    return next(one for one in album.things[photo] if one.label == label)


def assert_tight(items: list[Item], *things: Thing) -> None:
    """Check that these are the boxes of these things, with their labels, in this order."""
    found = boxes_of(items)
    assert [box.label for box in found] == [one.label for one in things]
    for box, one in zip(found, things, strict=True):
        assert overlap(box, Box(one.label, *one.box)) > 0.9


@dataclass(frozen=True)
class Studio:
    """A Label Studio whose projects ask our backend, and that asks the emulator.

    Attributes:
        tasks: The Label Studio.
        backend: Ours.
        emulator: Gemini.
        addresses: Where the photos are that were uploaded, by name.
    """

    tasks: Tasks
    backend: Service
    emulator: Service
    addresses: Mapping[str, str]

    def create(self, *tags: str, predicts: bool = False, **photos: str) -> tuple[int, int]:
        """Make a project with interactive preannotations and one task.

        Args:
            tags: Its labelling config, inside the View.
            predicts: Whether a task is predicted when it is opened.
            photos: The names of the task's photos, by the keys of its data.

        Returns:
            The project and the task.
        """
        project = self.tasks.create_project(f"<View>{''.join(tags)}</View>")
        connect = {"project": project, "url": self.backend.url, "title": "gemini"}
        self.tasks._post("/api/ml", {**connect, "is_interactive": True})
        task = self.tasks.create_task(project, with_addresses(photos, self.addresses))
        if not predicts:
            self.tasks.create_prediction(task, [])  # with one, Label Studio asks for no other
        return project, task

    def asked(self) -> list[_Request]:
        """Return what Gemini was asked, in the order in which it came."""
        page = httpx2.get(f"{self.emulator.url}/emulator/requests").raise_for_status().json()
        requests = TypeAdapter(list[_Request]).validate_python(page["requests"])
        return [one for one in requests if one.photos]

    @contextmanager
    def asking(self, count: int) -> Iterator[None]:
        """Check that Gemini is asked so often in the block."""
        before = len(self.asked())
        yield
        assert len(self.asked()) - before == count


@contextmanager
def running_studio(tasks: Tasks, album: Album, folder: Path, recipes: str = "") -> Iterator[Studio]:
    """Run an emulator that knows the album and a backend that asks it, and upload the photos.

    Args:
        tasks: The Label Studio.
        album: The photos.
        folder: What the backend keeps goes there.
        recipes: The backend's YAML.
    """
    with (
        running_emulator(album.key, album.folder, album.folder / "emulator.log") as emulator,
        running_backend(emulator, folder, recipes) as backend,
    ):
        yield Studio(tasks, backend, emulator, tasks.upload_files(album.photos))
