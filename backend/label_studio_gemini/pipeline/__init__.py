"""The one way through: a task → its images → Gemini → a prediction, or the reason why not.

The only package that knows all stages. It never raises for a task: one bad task harms no other.
"""

from __future__ import annotations

from label_studio_gemini.pipeline.asking import Asked, Asker, open_asker
from label_studio_gemini.pipeline.outcomes import (
    Failure,
    Notes,
    Outcome,
    Prediction,
    Spent,
    total_notes,
)
from label_studio_gemini.pipeline.pipeline import Pipeline, open_pipeline

__all__ = [
    "Asked",
    "Asker",
    "Failure",
    "Notes",
    "Outcome",
    "Pipeline",
    "Prediction",
    "Spent",
    "open_asker",
    "open_pipeline",
    "total_notes",
]
