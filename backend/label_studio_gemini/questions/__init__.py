"""Questions: what is asked together in one request, and which images an answer is about. Pure."""

from __future__ import annotations

from label_studio_gemini.questions.builder import Question, build_questions, names_of, wanted_of
from label_studio_gemini.questions.layout import Layout

__all__ = ["Layout", "Question", "build_questions", "names_of", "wanted_of"]
