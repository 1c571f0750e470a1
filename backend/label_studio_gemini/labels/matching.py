"""What Gemini called a thing → the project's label."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from label_studio_gemini.labels.types import Label


def match_label(said: str, labels: Iterable[Label]) -> Label | None:
    """Return the label that Gemini's word means, or None; nothing is guessed by similarity.

    The order: exactly what it is called (`Label.spoken`), that but for its case, then the alias and
    the predicted values; last, of a Taxonomy, a node without its parents, if no other is called so.
    """
    labels = tuple(labels)
    folded = _fold(said)
    by_name = next((label for label in labels if label.spoken == said), None)
    by_case = next((label for label in labels if _fold(label.spoken) == folded), None)
    by_other = next((label for label in labels if folded in _others(label)), None)
    return by_name or by_case or by_other or _node(folded, labels)


def _fold(text: str) -> str:
    return text.strip().casefold()


def _others(label: Label) -> set[str]:
    return {_fold(word) for word in (label.stored_spoken, *label.predicted_values)}


def _node(folded: str, labels: Sequence[Label]) -> Label | None:
    found = [label for label in labels if folded in {_fold(label.value), _fold(label.stored)}]
    return found[0] if len(found) == 1 else None
