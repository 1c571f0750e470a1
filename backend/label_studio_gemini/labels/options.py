"""The `<Label>` and `<Choice>` tags of a control tag → what there is to choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from label_studio_gemini.labels.types import Label

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from label_studio_gemini.labels.tags import Tag


def labels_from_tag(tag: Tag) -> tuple[Label, ...]:
    """Return the labels of a `<RectangleLabels>`, `<Labels>` and so on; of two alike the first."""
    return _unique(_label_from_tag(child) for child in tag.walk() if _is_option(child, "label"))


def choices_from_tag(tag: Tag) -> tuple[Label, ...]:
    """Return the choices of a `<Choices>`; of two alike the first.

    Those in another choice are not there for annotators either. Source: `isSkipped` of
    https://github.com/HumanSignal/label-studio (editor/src/tags/control/Choice.jsx)
    """
    return _unique(
        _label_from_tag(child)
        for child in tag.walk()
        if _is_option(child, "choice") and not any(up.kind == "choice" for up in child.ancestors())
    )


def nodes_from_tag(tag: Tag, *, leaves_only: bool) -> tuple[Label, ...]:
    """Return the nodes of a `<Taxonomy>` that may be chosen; of two alike siblings the first.

    Source: `traverse` of
    https://github.com/HumanSignal/label-studio (editor/src/tags/control/Taxonomy/Taxonomy.jsx)
    """
    return tuple(_nodes_below(tag, (), leaves_only=leaves_only))


def why_no_options(tag: Tag, option: str) -> str:
    """Return the reason why a control tag has nothing to choose from.

    Args:
        tag: The control tag, or the `<Labels>` that it takes its labels from.
        option: What it lacks: `Label` or `Choice`.
    """
    for source in ("apiUrl", "value"):
        if where := tag.get(source):
            place = "on another server" if source == "apiUrl" else "in the data of each task"
            return f"what <{tag.written}> lets choose from is {place} ({source}={where!r})"
    return f"<{tag.written}> has no <{option} value=…> of its own"


def _is_option(tag: Tag, kind: str) -> bool:
    value = tag.get("value")  # "$" begins one that comes from each task's data
    return tag.kind == kind and bool(value.strip()) and not value.startswith("$")


def _nodes_below(tag: Tag, parents: Sequence[Label], *, leaves_only: bool) -> Iterator[Label]:
    seen: set[str] = set()
    for child in tag.children:
        if not _is_option(child, "choice") or child.get("value") in seen:
            continue
        seen.add(child.get("value"))
        node = _label_from_tag(child, parents)
        if not (leaves_only and child.children):
            yield node
        yield from _nodes_below(child, (*parents, node), leaves_only=leaves_only)


def _label_from_tag(tag: Tag, parents: Sequence[Label] | None = None) -> Label:
    value, alias = tag.get("value"), tag.get("alias") or None
    words = (word.strip() for word in tag.get("predicted_values").split(","))
    return Label(
        value=value,
        alias=alias,
        hint=tag.get("hint").strip() or None,
        predicted_values=tuple(word for word in words if word),
        parents=tuple(parent.value for parent in parents or ()),
        path=() if parents is None else (*(up.stored for up in parents), alias or value),
    )


def _unique(labels: Iterable[Label]) -> tuple[Label, ...]:
    by_value: dict[str, Label] = {}
    for label in labels:
        by_value.setdefault(label.value, label)
    return tuple(by_value.values())
