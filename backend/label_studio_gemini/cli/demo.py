"""The command `demo`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from label_studio_gemini.demo.run import run_demo

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from label_studio_gemini.demo.run import LabelledPhoto


def run_demo_command(out: Path) -> None:
    """Run the demo and say what came of it.

    Raises:
        BackendError: The folder cannot be written.
    """
    console = Console(emoji=False)
    console.print(_table(run_demo(out)))
    config = out / "label_config.xml"
    for line in (
        "These answers come from the bundled answer key, through the emulator that stands in for",
        "Gemini here: they show the way through, not how well Gemini sees. The IoU is what is lost",
        "on Gemini's whole-number 0-1000 grid.",
        "",
        f"Look at {out / 'contact_sheet.png'}. To see it in Label Studio, make a project with",
        f"{config} and import {out / 'predictions.json'}.",
        "",
        "With a key (https://aistudio.google.com/apikey), your own photos:",
        f"  GEMINI_API_KEY=… label-studio-gemini predict PHOTOS --label-config {config}",
    ):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _table(labelled: Sequence[LabelledPhoto]) -> Table:
    table = Table()
    table.add_column("photo")
    for column in ("objects", "mean IoU", "seconds", "tokens"):
        table.add_column(column, justify="right")
    for photo in labelled:
        iou = photo.score.mean_iou
        table.add_row(
            photo.name,
            f"{photo.score.matched} of {photo.score.matched + photo.score.missed}",
            "-" if iou is None else f"{iou:.3f}",
            f"{photo.prediction.seconds:.2f}",
            f"{photo.prediction.usage.total:,}",
        )
    return table
