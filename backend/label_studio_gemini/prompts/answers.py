"""An answer that is wanted → the words that ask for it, and its JSON Schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from label_studio_gemini.labels import AnswerKind, Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from label_studio_gemini.labels import AnswerTarget, NumberLimits
    from label_studio_gemini.recipes import AnswerRecipe, Wanted

MOST_OPTIONS = 200
"""Up to so many, the options are an enum of the schema; the API refuses schemas beyond a size."""

_CHOSEN = frozenset({AnswerKind.CHOICES, AnswerKind.TAXONOMY, AnswerKind.PAIRWISE})


def answer_line(recipe: AnswerRecipe, asked: str | None) -> str:
    """Return what is wanted, in the user's words where there are some, and in what form.

    Args:
        recipe: What is asked for.
        asked: The user's words.
    """
    return f"{asked or _in_general(recipe.target)} {_form(recipe)}"


def answer_schema(recipe: AnswerRecipe) -> Mapping[str, object]:
    """Return the JSON Schema of one answer."""
    target = recipe.target
    if target.kind in _CHOSEN:
        names = [wanted.name for wanted in recipe.wanted]
        one = {"type": "string", **({"enum": names} if len(names) <= MOST_OPTIONS else {})}
        return {"type": "array", "items": one} if target.many else one
    if target.kind is AnswerKind.RATING:
        return {"type": "integer", **_limits(target.limits)}
    if target.kind is AnswerKind.NUMBER:
        return {"type": "number", **_limits(target.limits)}
    if target.kind is AnswerKind.DATETIME:
        return {"type": "string", "format": _moment(target)}
    return {"type": "string"}


def _moment(target: AnswerTarget) -> str:
    """Return the JSON Schema format of a DateTime: a date also where it takes a part of one."""
    if "time" not in target.date_only:
        return "date" if target.date_only else "date-time"
    return "time" if len(target.date_only) == 1 else "date-time"


def _limits(limits: NumberLimits) -> dict[str, object]:
    said = {"minimum": limits.lowest, "maximum": limits.highest}
    return {
        name: int(value) if float(value).is_integer() else value
        for name, value in said.items()
        if value is not None
    }


def _in_general(target: AnswerTarget) -> str:
    """Say what is wanted where the user has not: all that is known is the tag's kind and name."""
    what = "the object" if target.scope is Scope.REGION else "what the image shows"
    if target.scope is Scope.TASK:
        what = "what the images show"
    if target.kind is AnswerKind.TEXTAREA:
        if target.scope is Scope.REGION:
            return "The text that is written on the object, exactly as it stands there."
        return f"The {target.name!r} of {what}."
    if target.kind is AnswerKind.PAIRWISE:
        return "Which of the two images is the better one: the first is `left`, the other `right`."
    if target.kind in _CHOSEN:
        return f"The {target.name!r} that fits {what} best."
    return f"The {target.name!r} of {what}."


def _form(recipe: AnswerRecipe) -> str:
    target = recipe.target
    if target.kind in _CHOSEN:
        options = "; ".join(_option(wanted) for wanted in recipe.wanted)
        amount = "A list of all that fit of these" if target.many else "One of these"
        return f"{amount}, word for word: {options}."
    if target.kind is AnswerKind.TEXTAREA:
        return "A text, empty where there is none."
    if target.kind is AnswerKind.DATETIME:
        return "A date in ISO 8601, like 2026-01-31 or 2026-01-31T10:30; leave it out if unknown."
    return f"A {'whole ' * (target.kind is AnswerKind.RATING)}number{_between(target.limits)}."


def _option(wanted: Wanted) -> str:
    return f"{wanted.name} ({wanted.description})" if wanted.description else wanted.name


def _between(limits: NumberLimits) -> str:
    parts = [
        *([f"from {limits.lowest:g}"] if limits.lowest is not None else []),
        *([f"to {limits.highest:g}"] if limits.highest is not None else []),
        *([f"in steps of {limits.step:g}"] if limits.step else []),
    ]
    return f" {' '.join(parts)}" if parts else ""
