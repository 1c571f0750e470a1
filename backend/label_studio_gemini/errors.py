"""Every error that this package raises on purpose.

Each says what is wrong in its message, what to do about it in its `hint`, and by its class whether
the same attempt can succeed later (`retryable`)::

    BackendError
    ├── UsageError                 an argument of the command line
    ├── ConfigError                the YAML file, or what it asks of a project
    ├── LabelConfigError           the labelling config (XML) of a project
    ├── TaskError                  a task without what the labelling config names
    ├── ImageError                 a task's image
    │   ├── AddressError           an address that is refused or not understood
    │   ├── FetchError             an address that answered, but not with an image
    │   ├── UnavailableError       an address that did not answer (retryable)
    │   └── ImageFormatError       bytes that are no usable image
    ├── GeminiError                a request to Gemini
    │   ├── AuthenticationError    the key is missing, wrong or lacks a right
    │   ├── RequestError           the request is refused as it stands
    │   ├── ModelError             no such model
    │   ├── QuotaError             the day's quota is used up
    │   ├── LaterError             not now; it may say how long to wait (retryable)
    │   │   ├── RateLimitError     too many requests
    │   │   └── ServiceError       Gemini's own fault
    │   ├── TransportError         no answer, or half of one (retryable)
    │   ├── BlockedError           the prompt or the answer was blocked
    │   │   ├── PromptBlockedError the prompt or an image was blocked before anything was written
    │   │   ├── SafetyError        a safety filter blocked the answer
    │   │   └── RecitationError    the answer was too close to something published
    │   ├── BudgetError            the budget of the day is used up: nothing was sent
    │   └── IncompleteError        Gemini stopped before it wrote an answer
    │       ├── OutOfTokensError   the output tokens were used up, by thoughts as a rule
    │       └── FailedError        the interaction failed or was cancelled on Gemini's side
    └── ReplyError                 a reply in which nothing can be read
        └── MaskError              a mask of a reply that is no usable picture
"""

from __future__ import annotations

from typing import ClassVar, Protocol

_MOST_QUOTED = 80  # characters of a reply


class BackendError(Exception):
    """The root: a message, and a hint that says what would help."""

    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} Hint: {self.hint}"


class UsageError(BackendError):
    """An argument of the command line cannot be used."""


class ConfigError(BackendError):
    """The YAML file is wrong, or asks for what a project does not have."""


class LabelConfigError(BackendError):
    """A labelling config (XML) cannot be read, or has nothing that can be filled."""


class TaskError(BackendError):
    """A task lacks what the labelling config names."""


class ImageError(BackendError):
    """A task's image cannot be had or used."""


class AddressError(ImageError):
    """An image address is refused, or of a kind that is not understood."""


class FetchError(ImageError):
    """An image address answered, but not with an image: 401, 404, too large, too many redirects."""


class UnavailableError(ImageError):
    """An image address did not answer, or with a 5xx: later it may."""

    retryable = True


class ImageFormatError(ImageError):
    """The bytes are not an image that can be used: no image, truncated, a decompression bomb."""


class Bill(Protocol):
    """What an attempt cost, in tokens; the usage of a reply is one."""

    @property
    def input_tokens(self) -> int:
        """All that was sent."""
        ...

    @property
    def output_tokens(self) -> int:
        """What was written, without thoughts."""
        ...

    @property
    def thought_tokens(self) -> int:
        """The thoughts."""
        ...

    @property
    def cached_tokens(self) -> int:
        """The part of the input that was read from a cache."""
        ...

    @property
    def image_tokens(self) -> int:
        """The part of the input that images became."""
        ...


class GeminiError(BackendError):
    """A request to Gemini failed.

    Args:
        message: What happened.
        hint: What would help.
        bill: What the attempt cost all the same, or None where nothing is known to be billed: an
            answer that was blocked or cut off is paid for.

    Attributes:
        sent: Whether Gemini was asked; not where the answer was known beforehand.
    """

    sent: bool = True

    def __init__(self, message: str, *, hint: str, bill: Bill | None = None) -> None:
        super().__init__(message, hint=hint)
        self.bill = bill


class AuthenticationError(GeminiError):
    """The key is missing or wrong, or lacks the right to do this (401, 403, `API_KEY_INVALID`)."""


class RequestError(GeminiError):
    """Gemini refuses the request as it stands (4xx)."""


class ModelError(GeminiError):
    """Gemini knows no such model (404)."""


class LaterError(GeminiError):
    """Gemini answered that it cannot for now.

    Args:
        message: What happened.
        hint: What would help.
        retry_after: Seconds to wait as the server asks for them, or None where it does not say.
    """

    retryable = True

    def __init__(self, message: str, *, hint: str, retry_after: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class RateLimitError(LaterError):
    """Too many requests for now (429)."""


class ServiceError(LaterError):
    """Gemini failed on its side (408, 5xx)."""


class QuotaError(GeminiError):
    """The quota of the day is used up (429 with a per-day quota): a minute's wait will not help."""


class BudgetError(GeminiError):
    """The budget that the user set for a day is used up, or cannot be kept: nothing was sent."""

    sent = False


class TransportError(GeminiError):
    """No answer came from Gemini, or only a part: refused, reset, timed out, cut short."""

    retryable = True


class BlockedError(GeminiError):
    """Gemini blocked the prompt or its own answer (a blocklist, prohibited content, …)."""


class PromptBlockedError(BlockedError):
    """Gemini blocked the prompt or an image of it, and wrote nothing."""


class SafetyError(BlockedError):
    """A safety filter blocked Gemini's answer."""


class RecitationError(BlockedError):
    """Gemini's answer was blocked as too close to something published."""


class IncompleteError(GeminiError):
    """Gemini stopped before it wrote an answer, for one of the reasons below or for another."""


class OutOfTokensError(IncompleteError):
    """The output tokens were used up before there was an answer: less thinking leaves more."""


class FailedError(IncompleteError):
    """The interaction failed or was cancelled on Gemini's side."""


class ReplyError(BackendError):
    """A reply holds nothing that can be read as an answer.

    Args:
        message: What it holds.
        hint: What would help.
        bill: What it cost all the same, where that is known.
        text: The reply, if the message is to end in its beginning.
    """

    def __init__(
        self, message: str, *, hint: str, bill: Bill | None = None, text: str | None = None
    ) -> None:
        self._quoted = "" if text is None else f": {text[:_MOST_QUOTED]!r}."
        super().__init__(message + self._quoted, hint=hint)
        self.bill = bill

    def without_quote(self) -> str:
        """Return what `str` does, without the reply's words: they may be those of the prompt."""
        return str(self).replace(self._quoted, ".") if self._quoted else str(self)


class MaskError(ReplyError):
    """A mask of a reply is no picture that can be used: it costs that mask, and never its box."""
