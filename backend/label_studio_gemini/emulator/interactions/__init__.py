"""The interactions API: what it takes, and what it answers."""

from __future__ import annotations

from label_studio_gemini.emulator.interactions.reading import read_ask
from label_studio_gemini.emulator.interactions.reply import build_reply

__all__ = ["build_reply", "read_ask"]
