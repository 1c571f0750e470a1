"""Answers to questions about a picture or an object, made from what the key has there.

What is answered follows from the objects and can be worked out beforehand, by the type asked for:

* a choice: the option that names an object, the one that names most of them; where none does, the
  first option. Several choices: every option that names an object, in that order, with the first
  others where more are required;
* a number: how many objects there are, moved into the limits that are stated;
* yes or no as a boolean: whether there is any object;
* a text: the objects, as in "2 car, 1 person", or "nothing"; of one object, its label;
* a date, a time or both: always `MOMENTS`;
* a list of anything else: one such value.

Options are named as in `names_for`. An answer that the key scripts comes before all this, where the
question has its name and allows its value.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from label_studio_gemini.emulator.labels import names_for
from label_studio_gemini.emulator.schema import Kind, Shape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import JsonValue

    from label_studio_gemini.emulator.api import JsonObject
    from label_studio_gemini.emulator.scene import Found, View

MOMENTS = {"date": "2026-01-31", "date-time": "2026-01-31T10:30:00", "time": "10:30:00"}
"""The answer to every question about time, by the `format` of its schema."""
_NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Subject:
    """What a question is about.

    Attributes:
        counts: How many objects of each category there are, the most frequent first.
        text: What is said of it in words.
        scripted: What the key says of it, by the question's name; what comes first is preferred.
    """

    counts: Mapping[str, int]
    text: str
    scripted: tuple[Mapping[str, JsonValue], ...]

    def total(self) -> int:
        """Return how many objects there are."""
        return sum(self.counts.values())


def subject_from_views(views: Sequence[View]) -> Subject:
    """Return pictures, taken together, as the subject of questions."""
    counted = Counter(thing.category for view in views for thing in view.things)
    counts = dict(counted.most_common())  # equally frequent: in the order of the key
    text = ", ".join(f"{number} {category}" for category, number in counts.items())
    return Subject(counts, text or _NOTHING, tuple(view.answers for view in views))


def subject_from_object(found: Found) -> Subject:
    """Return one object as the subject of questions; its like in the picture are counted."""
    thing = found.thing
    return Subject({thing.category: found.alike}, found.label, (thing.answers,))


def build_answers(shape: Shape, subject: Subject) -> JsonObject:
    """Return the answer to each question that the schema of an object has."""
    return {name: _answer(name, wanted, subject) for name, wanted in shape.properties}


def _answer(name: str, wanted: Shape, subject: Subject) -> JsonValue:
    scripted = [said[name] for said in subject.scripted if name in said]
    allowed = [value for value in scripted if wanted.allows(value)]
    return allowed[0] if allowed else _derived(wanted, subject)


def _derived(wanted: Shape, subject: Subject) -> JsonValue:
    if wanted.enum:
        return next(iter(_named(wanted.enum, subject)), wanted.enum[0])
    if wanted.kind is Kind.OBJECT:
        return build_answers(wanted, subject)
    if wanted.kind is Kind.ARRAY:
        return _listed(wanted, subject)
    plain: dict[Kind, JsonValue] = {
        Kind.STRING: MOMENTS.get(wanted.format or "", subject.text),
        Kind.INTEGER: wanted.nearest(subject.total()),
        Kind.NUMBER: wanted.nearest(subject.total()),
        Kind.BOOLEAN: subject.total() > 0,
        Kind.NULL: None,
    }
    return plain[wanted.kind]


def _listed(wanted: Shape, subject: Subject) -> JsonValue:
    if wanted.items is None:
        return wanted.neutral()
    values: list[JsonValue]
    if wanted.items.enum:
        values = [*_named(wanted.items.enum, subject)]
        others = [option for option in wanted.items.enum if option not in values]
        values += others[: max(wanted.fewest - len(values), 0)]
    else:
        values = [_derived(wanted.items, subject)] if subject.counts else []
    values += [wanted.items.neutral()] * (wanted.fewest - len(values))
    return values[: wanted.most]


def _named(options: Sequence[JsonValue], subject: Subject) -> list[str]:
    """Return the options that name an object; the one that names most of them is the first."""
    words = [option for option in options if isinstance(option, str)]
    if not words:
        return []
    names = names_for(tuple(subject.counts), asked=words, prompt="")
    counts: Counter[str] = Counter()
    for category, number in subject.counts.items():
        if category in names:
            counts[names[category]] += number
    return [option for option, _ in counts.most_common()]
