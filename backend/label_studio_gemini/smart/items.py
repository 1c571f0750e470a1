"""Result items as Label Studio sends them: of a smart tool's context, a draft, an annotation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PREDICTED: Final = "prediction"
"""The `origin` of what a model made; of what was changed since, `prediction-changed`."""

_LABELS = "labels"
_MOST_ITEMS = 5000
"""More items than that in one list are no annotator's; the newest are the last."""


@dataclass(frozen=True, slots=True)
class Item:
    """One result item, or the items of one region together.

    Attributes:
        id: Its id; all items of a region have the same.
        type: What it is: `rectanglelabels`, `keypoint`, `textarea`, …
        from_name: The control tag that it was made with.
        to_name: The Image tag that it is on.
        value: The rest of it.
        labels: The labels that it has, as they are stored.
        positive: Of a prompt with a key point, whether it is meant; else None.
        page: Its page, where it names one.
        predicted: Whether a model made it: a suggestion that was accepted, or what the annotation
            began with. Label Studio keeps that as its `origin`, also when it is changed by hand.
    """

    id: str
    type: str
    from_name: str
    to_name: str
    value: Mapping[str, object] = field(repr=False)
    labels: tuple[str, ...] = ()
    positive: bool | None = None
    page: int | None = None
    predicted: bool = False

    @property
    def kind(self) -> str:
        """What it draws, whether its labels are in it or in another item: `rectangle`."""
        return kind_of(self.type)

    def is_on(self, image_name: str, page: int | None) -> bool:
        """Say whether it is on an image; without a page it is on the first."""
        return self.to_name == image_name and (self.page or 0) == (page or 0)


def read_items(value: object) -> tuple[Item, ...]:
    """Read a list of result items; what is none is left out.

    The items of one region (a geometry tag's and that of its `<Labels>` tag, with one id) become
    one: the first of them that draws something, with the labels of all.
    """
    if not isinstance(value, list):
        return ()
    found = (_read_item(one) for one in value[-_MOST_ITEMS:])
    regions: dict[tuple[str, str, int | None], Item] = {}
    for item in found:
        if item is None:
            continue
        key = (item.id or f"{len(regions)} without id", item.to_name, item.page)
        regions[key] = _joined(regions[key], item) if key in regions else item
    return tuple(one for one in regions.values() if one.type != _LABELS)


def kind_of(kind: str) -> str:
    """Return what a type draws: `rectangle` for `rectanglelabels`."""
    return kind.removesuffix(_LABELS)


def is_item(value: object) -> bool:
    """Say whether a value is a result item, whatever its type."""
    return _read_item(value) is not None


def ids_of(items: Iterable[Item]) -> frozenset[str]:
    """Return the ids of items."""
    return frozenset(item.id for item in items if item.id)


def _joined(first: Item, other: Item) -> Item:
    labels = tuple(dict.fromkeys((*first.labels, *other.labels)))
    return replace(other if first.type == _LABELS else first, labels=labels)


def _read_item(value: object) -> Item | None:
    if not isinstance(value, Mapping):
        return None
    texts = [value.get(name) for name in ("type", "from_name", "to_name")]
    said, item_id, page = value.get("value"), value.get("id"), value.get("item_index")
    origin = value.get("origin")
    kind, from_name, to_name = (text if isinstance(text, str) else "" for text in texts)
    if not kind or not to_name or not isinstance(said, Mapping):
        return None
    positive = value.get("is_positive")
    return Item(
        id=item_id if isinstance(item_id, str) else "",
        type=kind,
        from_name=from_name,
        to_name=to_name,
        value=said,
        labels=_labels(kind, said),
        positive=positive if isinstance(positive, bool) else None,
        page=page if type(page) is int and page >= 0 else None,
        predicted=isinstance(origin, str) and origin.startswith(PREDICTED),
    )


def _labels(kind: str, value: Mapping[str, object]) -> tuple[str, ...]:
    keys: Sequence[str] = (kind, _LABELS) if kind.endswith(_LABELS) else (_LABELS,)
    lists = (value.get(key) for key in keys)
    texts = (text for one in lists if isinstance(one, list) for text in one)
    return tuple(dict.fromkeys(text for text in texts if isinstance(text, str) and text))
