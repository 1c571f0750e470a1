"""The whole path over the bundled photos, with the emulator in the place of Gemini."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from PIL import Image

from label_studio_gemini.bulk import (
    Job,
    build_import,
    digest_of_data,
    predict_jobs,
    prediction_of,
)
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
    from collections.abc import Iterator, Sequence

    from label_studio_gemini.bulk import Done
    from label_studio_gemini.demo.photos import SamplePhoto
    from label_studio_gemini.demo.scores import Score, Truth
    from label_studio_gemini.pipeline import Prediction
    from label_studio_gemini.plan import Plan
    from label_studio_gemini.regions import PredictionJson, RegionJson
    from label_studio_gemini.regions.json import RectangleValue

_COLUMNS = 4
_CREDITS = (
    "Answers: the bundled answer key, through the emulator, not Gemini. Photos: from scikit-image "
    "and scikit-learn, free; flower: vultilion, CC BY 2.0, boxes and labels added."
)


@dataclass(frozen=True, slots=True)
class LabelledPhoto:
    """One photo, pre-labelled.

    Attributes:
        name: Its file name.
        image: The photo.
        boxes: What was predicted, in its pixels.
        prediction: All of the prediction.
        score: How the boxes agree with the answer key.
    """

    name: str
    image: Image.Image
    boxes: tuple[LabelledBox, ...]
    prediction: Prediction
    score: Score


def run_demo(out: Path) -> tuple[LabelledPhoto, ...]:
    """Pre-label the bundled photos, write what came of it into `out`, and return it.

    Raises:
        BackendError: The folder cannot be written.
    """
    with _writing_to(out):
        out.mkdir(parents=True, exist_ok=True)
    label_config = sample_label_config()
    plan = build_plan(Config(), label_config)
    jobs = [_job(photo) for photo in sample_photos()]
    done = sorted(asyncio.run(_predict(jobs, plan, out)), key=lambda one: one.number)
    labelled = tuple(
        _labelled(one, photo) for one, photo in zip(done, sample_photos(), strict=True)
    )
    with _writing_to(out):
        _write(out, label_config, build_import(jobs, _predictions(done, plan)))
        _draw(out, labelled)
    return labelled


def _predictions(done: Sequence[Done], plan: Plan) -> dict[str, PredictionJson]:
    return {
        digest_of_data(one.job.exported["data"]): prediction
        for one in done
        if (prediction := prediction_of(one, plan.model_version)) is not None
    }


@contextmanager
def _writing_to(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"The results cannot be written to {str(out)!r}: {error.strerror}.",
            hint="--out takes a folder that can be written.",
        ) from error


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


def _labelled(done: Done, photo: SamplePhoto) -> LabelledPhoto:
    if isinstance(done.outcome, Failure):
        raise done.outcome.error
    truth = sample_truth()[photo.name]
    boxes = tuple(_boxes(done.outcome, truth))
    image = Image.open(io.BytesIO(photo.data))
    return LabelledPhoto(photo.name, image, boxes, done.outcome, score_boxes(boxes, truth.boxes))


def _boxes(prediction: Prediction, truth: Truth) -> Sequence[LabelledBox]:
    """Read the boxes back from the result items: what is scored and drawn is what is stored."""
    items = cast("Sequence[RegionJson]", prediction.regions)  # boxes alone are asked for
    values = [cast("RectangleValue", item["value"]) for item in items]
    return [
        LabelledBox(
            value["rectanglelabels"][0],
            pixel_from_percent(
                PercentBox(value["x"], value["y"], value["width"], value["height"]), truth.size
            ),
        )
        for value in values
    ]


def _write(out: Path, label_config: str, tasks: Sequence[object]) -> None:
    (out / "label_config.xml").write_text(label_config, encoding="utf-8")
    text = json.dumps(tasks, indent=1, ensure_ascii=False)
    (out / "predictions.json").write_text(text + "\n", encoding="utf-8")


def _draw(out: Path, labelled: Sequence[LabelledPhoto]) -> None:
    colours = label_colours(sample_labels())
    for one in labelled:
        overlay = draw_overlay(one.image, one.boxes, colours=colours)
        overlay.save(out / f"{Path(one.name).stem}.overlay.png")
    tiles = [Tile(one.name, _caption(one), one.image, one.boxes) for one in labelled]
    sheet = build_contact_sheet(
        tiles, _COLUMNS, header="label-studio-gemini demo", footer=_CREDITS, colours=colours
    )
    (out / "contact_sheet.png").write_bytes(png_from_image(sheet, compact=True))


def _caption(one: LabelledPhoto) -> str:
    count = len(one.boxes)
    return f"{count} object{'s' * (count != 1)}, mean IoU {_shown(one.score.mean_iou)}"


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
