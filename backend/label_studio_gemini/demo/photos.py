"""The photos that the demo labels, their answer key, and the labelling config made of it.

They are package data, in the folder `photos` beside this module; LICENSES.md there says where each
comes from.
"""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import TYPE_CHECKING, NamedTuple
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from label_studio_gemini.demo.overlay import label_colours
from label_studio_gemini.demo.scores import Truth, read_categories, read_truth

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from importlib.resources.abc import Traversable
    from pathlib import Path

_ANSWER_KEY = "instances.json"


class SamplePhoto(NamedTuple):
    """A bundled photo: its file name, and its bytes as JPEG."""

    name: str
    data: bytes


def sample_photos() -> tuple[SamplePhoto, ...]:
    """Return the bundled photos, in the answer key's order."""
    return tuple(SamplePhoto(name, (_folder() / name).read_bytes()) for name in sample_truth())


def sample_truth() -> dict[str, Truth]:
    """Return the answer key: file name -> size in pixels and objects."""
    return read_truth(_answer_key())


def sample_labels() -> tuple[str, ...]:
    """Return the labels of the answer key, in its order."""
    return read_categories(_answer_key())


def sample_folder() -> AbstractContextManager[Path]:
    """Return a context in which the photos and their key are files of a real folder.

    The folder is only to be read, and only within the context.
    """
    return as_file(_folder())


def answer_key_path(folder: Path) -> Path:
    """Return where the answer key (COCO instances JSON) is in the folder of `sample_folder`."""
    return folder / _ANSWER_KEY


def sample_label_config() -> str:
    """Build the labelling config (XML) of a project for the sample photos.

    Its RectangleLabels tag has a label for each category of the answer key, in the overlays'
    colours. Source of the tags: https://labelstud.io/tags/rectanglelabels
    """
    labels = sample_labels()
    colours = label_colours(labels)
    view = Element("View")
    SubElement(view, "Image", name="image", value="$image", zoom="true")
    control = SubElement(view, "RectangleLabels", name="label", toName="image")
    for label in labels:
        SubElement(control, "Label", value=label, background=colours[label.casefold()])
    indent(view)
    return tostring(view, encoding="unicode") + "\n"


def _folder() -> Traversable:
    return files("label_studio_gemini.demo") / "photos"


def _answer_key() -> bytes:
    return (_folder() / _ANSWER_KEY).read_bytes()
