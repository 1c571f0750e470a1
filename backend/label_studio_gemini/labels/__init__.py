"""The labelling config (XML) of a project → targets, and Gemini's words → their labels. Pure."""

from __future__ import annotations

from label_studio_gemini.labels.matching import match_label
from label_studio_gemini.labels.reader import read_label_config
from label_studio_gemini.labels.tasks import read_image_addresses
from label_studio_gemini.labels.types import (
    MASK_SHAPES,
    AnswerKind,
    AnswerTarget,
    ImageTag,
    Label,
    LabelConfig,
    NumberLimits,
    PageAddress,
    RegionTarget,
    Scope,
    Shape,
    Target,
    UnfilledTag,
)

__all__ = [
    "MASK_SHAPES",
    "AnswerKind",
    "AnswerTarget",
    "ImageTag",
    "Label",
    "LabelConfig",
    "NumberLimits",
    "PageAddress",
    "RegionTarget",
    "Scope",
    "Shape",
    "Target",
    "UnfilledTag",
    "match_label",
    "read_image_addresses",
    "read_label_config",
]
