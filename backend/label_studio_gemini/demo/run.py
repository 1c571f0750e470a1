"""The whole path over the bundled photos, with the emulator in the place of Gemini."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from rich.console import Console
from rich.table import Table

from label_studio_gemini.bulk import Job, build_import, predict_jobs
from label_studio_gemini.config import Config
from label_studio_gemini.demo.overlay import draw_overlay, label_colours
from label_studio_gemini.demo.photos import (
    answer_key_path,
    sample_folder,
    sample_label_config,
    sample_labels,
    sample_photos,
    sample_truth,
)
from label_studio_gemini.demo.scores import LabelledBox, score_boxes
from label_studio_gemini.demo.sheet import Tile, build_contact_sheet, png_from_image
from label_studio_gemini.emulator import read_answer_key, run_emulator
from label_studio_gemini.environment import Environment
from label_studio_gemini.errors import UsageError
from label_studio_gemini.geometry import PercentBox, pixel_from_percent
from label_studio_gemini.pipeline import Failure, open_pipeline
from label_studio_gemini.plan import build_plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from label_studio_gemini.bulk import Done
    from label_studio_gemini.demo.photos import SamplePhoto
    from label_studio_gemini.demo.scores import Score, Truth
    from label_studio_gemini.pipeline import Prediction
    from label_studio_gemini.plan import Plan

_COLUMNS = 4
_CREDITS = (
    "Answers: the bundled answer key, through the emulator, not Gemini. Photos: from scikit-image "
    "and scikit-learn, free; flower: vultilion, CC BY 2.0, boxes and labels added."
)


@dataclass(frozen=True, slots=True)
class _Labelled:
    """One photo, pre-labelled: what was predicted, and how good it is."""

    name: str
    image: Image.Image
    boxes: tuple[LabelledBox, ...]
    prediction: Prediction
    score: Score


def run_demo(out: Path) -> None:
    """Pre-label the bundled photos and write what came of it into the folder `out`.

    Raises:
        BackendError: The folder cannot be written.
    """
    _make_folder(out)
    label_config = sample_label_config()
    plan = build_plan(Config(), label_config)
    jobs = [_job(photo) for photo in sample_photos()]
    done = asyncio.run(_predict(jobs, plan, out))
    _write(out, label_config, build_import(jobs, done, plan.model_version))
    labelled = [
        _labelled(one, photo) for one, photo in zip(sorted(done), sample_photos(), strict=True)
    ]
    _draw(out, labelled)
    _say(out, labelled)


def _job(photo: SamplePhoto) -> Job:
    """The photo travels inside the task, so that the result can be imported without storage."""
    data: dict[str, object] = {
        "image": f"data:image/jpeg;base64,{base64.b64encode(photo.data).decode()}"
    }
    return Job(name=photo.name, task={"data": data}, exported={"data": data})


async def _predict(jobs: Sequence[Job], plan: Plan, out: Path) -> list[Done]:
    with (
        sample_folder() as folder,
        run_emulator(read_answer_key(answer_key_path(folder), folder)) as emulator,
    ):
        environment = Environment(state_folder=out, api_key="demo", base_url=emulator.url)
        async with open_pipeline(Config(), environment) as pipeline:
            return [one async for one in predict_jobs(jobs, pipeline, plan)]


def _labelled(done: Done, photo: SamplePhoto) -> _Labelled:
    if isinstance(done.outcome, Failure):
        raise done.outcome.error
    truth = sample_truth()[photo.name]
    boxes = tuple(_boxes(done.outcome, truth))
    image = Image.open(io.BytesIO(photo.data))
    return _Labelled(photo.name, image, boxes, done.outcome, score_boxes(boxes, truth.boxes))


def _boxes(prediction: Prediction, truth: Truth) -> Sequence[LabelledBox]:
    """Read the boxes back from the result items: what is scored and drawn is what is stored."""
    return [
        LabelledBox(
            value["rectanglelabels"][0],
            pixel_from_percent(
                PercentBox(value["x"], value["y"], value["width"], value["height"]), truth.size
            ),
        )
        for value in (item["value"] for item in prediction.regions)
    ]


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"The folder {str(out)!r} cannot be made: {error.strerror}.",
            hint="--out takes a folder that can be written.",
        ) from error


def _write(out: Path, label_config: str, tasks: Sequence[object]) -> None:
    (out / "label_config.xml").write_text(label_config, encoding="utf-8")
    text = json.dumps(tasks, indent=1, ensure_ascii=False)
    (out / "predictions.json").write_text(text + "\n", encoding="utf-8")


def _draw(out: Path, labelled: Sequence[_Labelled]) -> None:
    colours = label_colours(sample_labels())
    for one in labelled:
        overlay = draw_overlay(one.image, one.boxes, colours=colours)
        overlay.save(out / f"{Path(one.name).stem}.overlay.png")
    tiles = [Tile(one.name, _caption(one), one.image, one.boxes) for one in labelled]
    sheet = build_contact_sheet(
        tiles, _COLUMNS, header="label-studio-gemini demo", footer=_CREDITS, colours=colours
    )
    (out / "contact_sheet.png").write_bytes(png_from_image(sheet, compact=True))


def _caption(one: _Labelled) -> str:
    count = len(one.boxes)
    return f"{count} object{'s' * (count != 1)}, mean IoU {_percent(one.score.mean_iou)}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _say(out: Path, labelled: Sequence[_Labelled]) -> None:
    console = Console()
    table = Table(title="Pre-labelled")
    table.add_column("photo")
    for column in ("objects", "mean IoU", "seconds", "tokens"):
        table.add_column(column, justify="right")
    for one in labelled:
        table.add_row(
            one.name,
            f"{one.score.matched} of {one.score.matched + one.score.missed}",
            _percent(one.score.mean_iou),
            f"{one.prediction.seconds:.2f}",
            f"{one.prediction.usage.total:,}",
        )
    console.print(table)
    console.print(
        "These answers come from the bundled answer key, through the emulator that stands in for "
        "Gemini here: they show the way through, not how well Gemini sees.\n"
        "The IoU is what is lost on Gemini's whole-number 0-1000 grid."
    )
    console.print(f"\nLook at {out / 'contact_sheet.png'}; import {out / 'predictions.json'}.")
    console.print("With a key (https://aistudio.google.com/apikey), your own photos:")
    console.print(
        f"  GEMINI_API_KEY=… label-studio-gemini predict PHOTOS "
        f"--label-config {out / 'label_config.xml'} --out tasks.json",
        soft_wrap=True,
        highlight=False,
    )
