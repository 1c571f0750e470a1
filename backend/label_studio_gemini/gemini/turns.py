"""What a request says in both APIs alike: its turns, its images' names, the answer at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from label_studio_gemini.errors import RequestError
from label_studio_gemini.gemini.types import LeastThinking, ThinkingLevel

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from label_studio_gemini.gemini.types import GeminiRequest, Options, RequestImage

MOST_IMAGES = 3600
"""Of one request, examples included.

https://ai.google.dev/gemini-api/docs/image-understanding
"""


class Turn(NamedTuple):
    """One question, with its answer where it is an example."""

    prompt: str
    images: tuple[RequestImage, ...]
    answer: str | None


def turns_from_request(request: GeminiRequest) -> tuple[Turn, ...]:
    """Return the examples, then the question, in text that can be sent.

    Raises:
        RequestError: If there are more images than a request may have.
    """
    examples = (
        Turn(sendable(one.prompt), one.images, sendable(one.answer)) for one in request.examples
    )
    turns = (*examples, Turn(sendable(request.prompt), request.images, None))
    count = sum(len(turn.images) for turn in turns)
    if count > MOST_IMAGES:
        raise RequestError(
            f"The request has {count:,} images, examples included.",
            hint=f"Gemini takes at most {MOST_IMAGES:,}: ask about fewer pages at once, or give "
            "fewer examples.",
        )
    return turns


def sendable(text: str) -> str:
    """Return `text` as UTF-8 can have it: halves of surrogate pairs are joined, or become U+FFFD.

    A task's JSON may have such halves (an emoji cut in two), and Google refuses a request with one.
    """
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def announced(images: tuple[RequestImage, ...]) -> Iterator[tuple[str | None, RequestImage]]:
    """Yield each image with the text that goes before it: its number where there are several."""
    for number, image in enumerate(images, 1):
        yield (f"Image {number}:" if len(images) > 1 else None), image


def thinking_from_options(options: Options) -> ThinkingLevel | int | None:
    """Return the level or the budget in tokens that is asked for.

    Raises:
        TypeError: If it is still to be found out which is the least: no wrapper has.
    """
    if isinstance(options.thinking, LeastThinking):
        raise TypeError("`LeastThinking` is for the wrapper that learns what a model refuses.")
    return options.thinking


def final_text(pieces: Iterable[str | None], *, ended: bool) -> str:
    """Return the answer among all that a model wrote.

    That is the text after the last code, result or other piece that is no text; what stands before
    it says what the model is about to do. A model that ended by itself right after some code had
    given its answer before, and that is returned; one that was stopped there has not answered.

    Args:
        pieces: The fragments of text in order, without thoughts; None for what is no text.
        ended: Whether the model says that it had done.

    Returns:
        The text, or one that is blank where there is no answer.
    """
    runs: list[list[str]] = [[]]
    for piece in pieces:
        if piece is None:
            runs.append([])
        else:
            runs[-1].append(piece)
    texts = ["".join(run) for run in runs]
    said = [text for text in texts if text.strip()] if ended else texts
    return said[-1] if said else ""
