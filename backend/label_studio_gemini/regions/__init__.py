"""Readings → Label Studio's result items, each checked before it leaves. Pure.

Label Studio stores whatever it is given, and one malformed region breaks the labelling page of its
task; with its validation on, it rejects the whole batch. So an item that is not right is dropped
here, and counted. Source of the shapes: https://labelstud.io/guide/predictions
"""

from __future__ import annotations

from label_studio_gemini.regions.builder import Regions, build_regions
from label_studio_gemini.regions.check import check_item
from label_studio_gemini.regions.json import PredictionJson, RegionJson, RelationJson, ResultJson
from label_studio_gemini.regions.types import ShownImage

__all__ = [
    "PredictionJson",
    "RegionJson",
    "Regions",
    "RelationJson",
    "ResultJson",
    "ShownImage",
    "build_regions",
    "check_item",
]
