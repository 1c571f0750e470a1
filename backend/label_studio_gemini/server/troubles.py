"""What stops the whole backend, or keeps it from remembering."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from label_studio_gemini.cache.budget import SPENT_HINT
from label_studio_gemini.cache.entries import Kind
from label_studio_gemini.server.status_body import Trouble

if TYPE_CHECKING:
    from collections.abc import Iterator

    from label_studio_gemini.config import Config
    from label_studio_gemini.errors import BackendError
    from label_studio_gemini.server.status import Found

SHUT_SECONDS = 600.0
"""For which a refusal that holds for all requests is shown, unless Gemini answers one since."""

_FILE_HINT = (
    "see that the folder of MODEL_DIR can be written and its disk is not full; predictions go on, "
    "and what they do is kept in memory meanwhile, as long as this process runs."
)
_SHUT = {
    "AuthenticationError": Trouble(
        error="Gemini refuses the key.",
        hint="see that GEMINI_API_KEY is right and may use the model; then start this again.",
    ),
    "QuotaError": Trouble(
        error="What Gemini allows in a day is used up.",
        hint="go on tomorrow, or raise the quota of the key's project.",
    ),
}


def find_troubles(
    config: Config, found: Found, trouble: BackendError | None, now: float
) -> list[Trouble]:
    """Return what people have to see to.

    Args:
        config: The YAML.
        found: What the records say.
        trouble: Why tasks cannot be predicted at all.
        now: The time in seconds since 1970.
    """
    opening = [] if trouble is None else [Trouble(error=trouble.message, hint=trouble.hint)]
    return [*opening, *_shut(found, now), *_files(found), *_budget(config, found)]


def per_day(config: Config) -> Decimal | None:
    """Return the budget of a day in US dollars, where there is one."""
    return None if config.budget is None else Decimal(str(config.budget.per_day))


def _shut(found: Found, now: float) -> Iterator[Trouble]:
    """Say that Gemini refuses all requests, in its own words where they are known."""
    last = next((one for one in found.last if one.kind is not Kind.HIT), None)
    if last is None or last.outcome not in _SHUT or abs(now - last.time) > SHUT_SECONDS:
        return
    said = [one for one in found.snapshot.reasons if one.reason.kind == last.outcome]
    newest = max(said, key=lambda one: one.last, default=None)
    if newest is None:
        yield _SHUT[last.outcome]
    else:
        yield Trouble(error=newest.reason.error, hint=newest.reason.hint)


def _files(found: Found) -> Iterator[Trouble]:
    """Say which files cannot be used: once, since there is one folder and one disk."""
    if not found.trouble:
        return
    *others, last = found.trouble
    names = f"{', the '.join(others)} and the {last}" if others else last
    whys = "; ".join(dict.fromkeys(found.trouble.values()))
    yield Trouble(error=f"The {names} cannot be used: {whys}.", hint=_FILE_HINT)


def _budget(config: Config, found: Found) -> Iterator[Trouble]:
    limit = per_day(config)
    spent = found.days[-1].totals.dollars if found.days else Decimal(0)
    if limit is not None and spent >= limit:
        error = f"Today's budget of ${limit:.2f} is used up (${spent:.2f})."
        yield Trouble(error=error, hint=SPENT_HINT)
