"""Gemini, whichever of its two APIs carries a request.

Importing this package imports no SDK: `connect_gemini` does, when it is called.
"""

from __future__ import annotations

from label_studio_gemini.gemini.connect import connect_gemini
from label_studio_gemini.gemini.types import (
    Example,
    Gemini,
    GeminiReply,
    GeminiRequest,
    InlineImage,
    LeastThinking,
    MediaResolution,
    Options,
    Origin,
    ServiceTier,
    Thinking,
    ThinkingLevel,
    UriImage,
    Usage,
)
from label_studio_gemini.gemini.urgency import Priority, Urgency
from label_studio_gemini.gemini.vertex import VertexProject

__all__ = [
    "Example",
    "Gemini",
    "GeminiReply",
    "GeminiRequest",
    "InlineImage",
    "LeastThinking",
    "MediaResolution",
    "Options",
    "Origin",
    "Priority",
    "ServiceTier",
    "Thinking",
    "ThinkingLevel",
    "Urgency",
    "UriImage",
    "Usage",
    "VertexProject",
    "connect_gemini",
]
