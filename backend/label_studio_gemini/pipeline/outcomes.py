"""What becomes of a task: a prediction with notes of what was left out, or the reason why not."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from label_studio_gemini.errors import BackendError, GeminiError, ReplyError
from label_studio_gemini.gemini import Usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from label_studio_gemini.detections import Reading
    from label_studio_gemini.gemini import ServiceTier
    from label_studio_gemini.regions import Regions, ResultJson


@dataclass(frozen=True, slots=True)
class Notes:
    """What was left out of a prediction, by reason, so that nothing is dropped silently.

    Attributes:
        rejects: Items of the replies that could not be read.
        unmatched: Labels that Gemini used and the recipe does not have.
        dropped: Regions and answers that failed the check, or could not be made.
        masks_unreadable: Masks that could not be read; their boxes are kept.
        fallbacks: Regions that are made of a box, since there was no mask.
        clamped: Boxes that reached outside the image and were cut back to it.
        truncated: Replies that end in the middle of an item.
    """

    rejects: Mapping[str, int] = field(default_factory=dict)
    unmatched: Mapping[str, int] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)
    masks_unreadable: int = 0
    fallbacks: int = 0
    clamped: int = 0
    truncated: int = 0

    def __str__(self) -> str:
        """Count it; the unmatched labels are not named: a prompt may make them of a task's data."""
        unmatched = sum(self.unmatched.values())
        parts = [
            *(f"{count} rejected ({reason})" for reason, count in self.rejects.items()),
            *([f"{unmatched} without a matching label"] if unmatched else []),
            *(f"{count} dropped ({reason})" for reason, count in self.dropped.items()),
            *([f"{self.masks_unreadable} masks unreadable"] if self.masks_unreadable else []),
            *([f"{self.fallbacks} drawn as boxes for want of a mask"] if self.fallbacks else []),
            *([f"{self.clamped} cut back to the image"] if self.clamped else []),
            *([f"{self.truncated} replies cut short"] if self.truncated else []),
        ]
        return ", ".join(parts)


class Spent(NamedTuple):
    """The tokens of one request, and the tier that they are priced by; none if it was cached."""

    usage: Usage
    tier: ServiceTier | None = None
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Prediction:
    """A task's regions; none where it was looked at and nothing was found.

    Attributes:
        regions: Its result items.
        notes: What was left out.
        spent: What its requests took.
        seconds: How long it took, from reading its image to the last region.
    """

    regions: tuple[ResultJson, ...]
    notes: Notes
    spent: tuple[Spent, ...]
    seconds: float

    @property
    def usage(self) -> Usage:
        """The tokens of all its replies."""
        return sum((one.usage for one in self.spent), Usage())


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a task has no prediction. It stays retriable in Label Studio.

    Attributes:
        error: The reason.
        spent: What its requests took all the same.
    """

    error: BackendError
    spent: tuple[Spent, ...] = ()


Outcome: TypeAlias = Prediction | Failure


@dataclass(frozen=True, slots=True)
class Answered:
    """What one request gave."""

    reading: Reading
    regions: Regions
    usage: Usage
    cached: bool = False


def outcome_from_answers(
    answers: Sequence[tuple[Answered | BackendError, ServiceTier | None]], *, seconds: float
) -> Outcome:
    """Put together what the requests of one task gave, each with its tier.

    One that failed fails the task: half a prediction would be stored, and the rest never asked for
    again. What the others gave is not lost, since replies are remembered.
    """
    spent = tuple(
        Spent(_usage(one), tier, isinstance(one, Answered) and one.cached) for one, tier in answers
    )
    answered = []
    for one, _ in answers:
        if isinstance(one, BackendError):
            return Failure(one, spent)
        answered.append(one)
    return Prediction(
        seconds=seconds,
        regions=tuple(item for one in answered for item in one.regions.items),
        notes=total_notes([_notes(one) for one in answered]),
        spent=spent,
    )


def _usage(answer: Answered | BackendError) -> Usage:
    if isinstance(answer, Answered):
        return answer.usage
    bill = answer.bill if isinstance(answer, GeminiError | ReplyError) else None
    return bill if isinstance(bill, Usage) else Usage()


def total_notes(notes: Sequence[Notes]) -> Notes:
    """Return the sum of several predictions' notes."""
    return Notes(
        rejects=_total(one.rejects for one in notes),
        unmatched=_total(one.unmatched for one in notes),
        dropped=_total(one.dropped for one in notes),
        masks_unreadable=sum(one.masks_unreadable for one in notes),
        fallbacks=sum(one.fallbacks for one in notes),
        clamped=sum(one.clamped for one in notes),
        truncated=sum(one.truncated for one in notes),
    )


def _total(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return dict(total)


def _notes(answered: Answered) -> Notes:
    return Notes(
        rejects=Counter(str(reject.reason) for reject in answered.reading.rejects),
        unmatched=answered.regions.unmatched,
        dropped=answered.regions.dropped,
        masks_unreadable=answered.reading.masks_unreadable,
        fallbacks=answered.regions.fallbacks,
        clamped=answered.reading.clamped,
        truncated=int(answered.reading.truncated),
    )
