"""What the two ways to an outcome share: a reply that is of use, and failures that are told."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from label_studio_gemini.cache.rows import asked_again
from label_studio_gemini.errors import BackendError, ReplyError
from label_studio_gemini.gemini.stops import cut_short_error
from label_studio_gemini.pipeline.outcomes import Failure
from label_studio_gemini.replies import read_reply

if TYPE_CHECKING:
    from label_studio_gemini.detections import Reading
    from label_studio_gemini.gemini import Gemini, GeminiReply, GeminiRequest
    from label_studio_gemini.pipeline.outcomes import Outcome
    from label_studio_gemini.questions import Question

_log = logging.getLogger(__name__)


async def generate_usable(
    gemini: Gemini, request: GeminiRequest, question: Question
) -> tuple[GeminiReply, Reading]:
    """Ask, and read the reply. One that is remembered and of no use is asked for anew, once.

    A second one that is of no use either is remembered as a failure is: until its time is over, it
    is what is met, and costs nothing.

    Raises:
        OutOfTokensError: It was cut off before there was anything in it that can be used.
        ReplyError: There is nothing in it that can be used.
        GeminiError: There is none.
    """
    reply = await gemini.generate(request)
    try:
        return reply, _usable_reading(reply, question)
    except ReplyError:
        if not reply.cached or reply.again_from is not None:
            raise
    # It was of no use before, and would never be again: another one may.
    reply = await gemini.generate(replace(request, fresh=True))
    return reply, _usable_reading(reply, question)


def failure_from(name: str, error: Exception) -> Failure:
    """Log why there is no prediction, and return that; a traceback of ours is for the log alone.

    Args:
        name: How the log calls the task.
        error: What was raised.
    """
    if isinstance(error, BackendError):
        _log_failure(name, error)
        return Failure(error)
    _log.error("%s failed in a way that is a bug", name, exc_info=error)
    hint = "the log has its traceback: report it."
    return Failure(BackendError("An unexpected error; it is a bug.", hint=hint))


def log_outcome(name: str, outcome: Outcome) -> None:
    """Log what became of a task, in one line."""
    if isinstance(outcome, Failure):
        _log_failure(name, outcome.error)
        return
    notes, unmatched = str(outcome.notes), outcome.notes.unmatched
    _log.info("%s: %d result items%s", name, len(outcome.regions), notes and f"; {notes}")
    if unmatched:
        _log.debug("%s: without a matching label: %s", name, unmatched)


def _log_failure(name: str, error: BackendError) -> None:
    # What a reply says may be what the prompt told of the task: that is for `debug` alone, and for
    # the status page.
    if isinstance(error, ReplyError):
        _log.warning("%s failed: %s", name, error.without_quote())
        _log.debug("%s, in full: %s", name, error.message)
    else:
        _log.warning("%s failed: %s", name, error)


def _usable_reading(reply: GeminiReply, question: Question) -> Reading:
    """Read a reply.

    Raises:
        OutOfTokensError: It was cut off before there was anything in it that can be used.
        ReplyError: There is nothing in it that can be used.
    """
    try:
        return _reading(reply, question)
    except ReplyError as error:
        if reply.again_from is not None:
            until = asked_again(reply.again_from)
            error.message += f" (Asked for anew, it was no better; {until}.)"
        raise


def _reading(reply: GeminiReply, question: Question) -> Reading:
    try:
        reading = read_reply(reply.text)
    except ReplyError as error:
        if reply.truncated:
            raise cut_short_error(reply) from None
        error.bill = reply.usage
        raise
    if reply.truncated:
        reading = replace(reading, truncated=True)
    why = _why_useless(reading, question, reply.text)
    if why is None:
        return reading
    if reply.truncated:
        raise cut_short_error(reply)
    raise ReplyError(
        f"Nothing in Gemini's reply could be used ({why})",
        hint="try again; if it stays so, try another model or a simpler prompt.",
        bill=reply.usage,
        text=reply.text,
    )


def _why_useless(reading: Reading, question: Question, text: str) -> str | None:
    """Say why a reply is no answer, or None where it is one: an empty list is."""
    said = {*reading.answers, *(name for one in reading.image_answers.values() for name in one)}
    asked = {recipe.target.name for recipe in question.answers}
    if reading.detections or said & asked:
        return None
    if reading.rejects:
        return reading.rejects[0].reason
    if reading.truncated:
        return "it is cut short"
    # `{"message": "…"}`: what was not asked for, and no list, not even an empty one.
    return "it says something else" if said and "[" not in text else None
