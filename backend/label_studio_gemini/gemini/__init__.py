"""Gemini, whichever of its two APIs carries a request.

Importing this package imports no SDK: `connect_gemini` does, when it is called.
"""

from __future__ import annotations

from label_studio_gemini.gemini.connect import connect_gemini
from label_studio_gemini.gemini.types import (
    Gemini,
    GeminiReply,
    GeminiRequest,
    InlineImage,
    Usage,
)

__all__ = [
    "Gemini",
    "GeminiReply",
    "GeminiRequest",
    "InlineImage",
    "Usage",
    "connect_gemini",
]
