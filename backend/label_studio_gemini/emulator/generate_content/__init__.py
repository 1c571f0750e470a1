"""The generateContent API: what it takes, and what it answers."""

from __future__ import annotations

from label_studio_gemini.emulator.generate_content.reading import read_ask, read_count_ask
from label_studio_gemini.emulator.generate_content.reply import build_count, build_reply

__all__ = ["build_count", "build_reply", "read_ask", "read_count_ask"]
