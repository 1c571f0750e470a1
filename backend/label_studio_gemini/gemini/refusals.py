"""What Google says when it refuses a request, as one of our errors.

Status, body and headers go in, an error with a hint comes out: nothing here knows the SDK, so that
both of its error families, and a batch's items, end in the same place. The bodies differ by API
and by proxy, so they are searched by key, never unpacked by shape::

    {"error": {"code": 429, "message": …, "status": …, "details": [{"quotaId": …}, …]}}
    {"error": {"code": "quota_exceeded", "message": …}}
    <html>502 Bad Gateway</html>
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from label_studio_gemini.errors import (
    AuthenticationError,
    GeminiError,
    ModelError,
    QuotaError,
    RateLimitError,
    RequestError,
    ServiceError,
)

KEY_HINT = (
    "Set GEMINI_API_KEY (or GOOGLE_API_KEY, which wins) to a key from "
    "https://aistudio.google.com/apikey."
)
MODEL_HINT = (
    "See https://ai.google.dev/gemini-api/docs/models, or ask for `GET /v1/models` with your key; "
    "`*-latest` names exist only in the API version v1beta. If the model is right, check the base "
    "URL."
)
QUOTA_HINT = (
    "The quota of a day is renewed at midnight Pacific time: go on then, take another model, or "
    "raise the quota (https://ai.google.dev/gemini-api/docs/rate-limits)."
)
RATE_HINT = "Wait, then send fewer requests at once (https://ai.dev/usage?tab=rate-limit)."
PAYMENT_HINT = (
    "Settle the billing of the key's project: https://ai.google.dev/gemini-api/docs/billing."
)
SIZE_HINT = "Send fewer or smaller images: one inline request may have 100 MB, base64 included."
REQUEST_HINT = (
    "The request has to change: look at what Google says about the prompt, the schema, the image "
    "and the model's parameters."
)
SERVICE_HINT = "Try again in a while; https://aistudio.google.com/status shows known outages."
FORBIDDEN_HINT = (
    "Give the key the right to use the Gemini API and this model, or take another key "
    "(https://aistudio.google.com/apikey)."
)
REDIRECT_HINT = (
    "Give the base URL that is redirected to, if it is trusted: the key is never sent on by itself."
)

_MOST_QUOTED = 300
_SHORTEST_SECRET = 8
_RUN = re.compile(r"[A-Za-z0-9+/_=-]{64,}")  # base64: an image, if Google quotes the request
_KEY = re.compile(r"AIza[\w-]{30,}|(?<=api_key:)[\w.-]+|(?<=[?&]key=)[\w.-]+")
_SPAN = r"\d{1,9}(?:\.\d+)?\s*(?:ms|h|m|s)"
_DURATION = re.compile(rf"(?:{_SPAN}\s*)+")
_RETRY_IN = re.compile(rf"retry in\s+((?:{_SPAN})+)", re.IGNORECASE)
_BAD_KEY = re.compile(r"\bAPI key (?:not valid|expired|not found)", re.IGNORECASE)
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}

_BY_STATUS: Mapping[int, tuple[type[GeminiError], str]] = {
    HTTPStatus.UNAUTHORIZED: (AuthenticationError, KEY_HINT),
    HTTPStatus.PAYMENT_REQUIRED: (QuotaError, PAYMENT_HINT),
    HTTPStatus.FORBIDDEN: (AuthenticationError, FORBIDDEN_HINT),
    HTTPStatus.REQUEST_TIMEOUT: (ServiceError, SERVICE_HINT),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (RequestError, SIZE_HINT),
}


@dataclass(frozen=True, slots=True)
class Call:
    """What an error may say of the request that failed, and the key that it must not say.

    Attributes:
        model: The model asked for.
        timeout: The time limit in seconds.
        secret: The API key; it is cut out of whatever is quoted.
        access_hint: How to come by a right to use Gemini, where that is not by a key.
    """

    model: str
    timeout: float
    secret: str = field(repr=False)
    access_hint: str | None = None

    def quote(self, text: str) -> str:
        """Return the first sentences of `text`, at most 300 characters, without secrets.

        A page of HTML, as a proxy sends it, says nothing worth quoting: it gives "".
        """
        if text.lstrip().startswith("<"):
            return ""
        # A stand-in such as "demo" is no secret, and may be a word of the message.
        if len(self.secret) >= _SHORTEST_SECRET:
            text = text.replace(self.secret, "[key]")
        text = " ".join(_RUN.sub("[…]", _KEY.sub("[key]", text)).split())
        if len(text) <= _MOST_QUOTED:
            return text
        head = text[: _MOST_QUOTED - 1]
        end = head.rfind(". ")
        return head[: end + 1] if end > 0 else f"{head}…"


def error_from_response(
    call: Call, *, status: int, body: object, headers: Mapping[str, str]
) -> GeminiError:
    """Return the error that an HTTP answer other than 200 stands for.

    Args:
        call: What was asked.
        status: The HTTP status.
        body: The answer: parsed JSON where it was JSON, else its text.
        headers: The headers of the answer, to be looked up in lower case.
    """
    said = next(_values(body, "message"), body if isinstance(body, str) else "")
    message = f"Gemini answered {status}"
    quoted = call.quote(said)
    message = f"{message}: {quoted}" if quoted else f"{message}."
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return _error_from_429(message, said, body, headers)
    if status == HTTPStatus.NOT_FOUND:
        return ModelError(f"No model `{call.model}`. {message}", hint=MODEL_HINT)
    if _is_about_the_key(said, body):
        return AuthenticationError(message, hint=call.access_hint or KEY_HINT)
    kind, hint = _BY_STATUS.get(status) or _class_of(status)
    if kind is ServiceError:
        return ServiceError(message, hint=hint, retry_after=_retry_after(said, body, headers))
    if kind is AuthenticationError and call.access_hint:
        hint = call.access_hint
    return kind(message, hint=hint)


def _is_about_the_key(said: str, body: object) -> bool:
    """Return whether the key is what is wrong: it is a 400, and only what it says tells so.

    generateContent gives a reason; Interactions has been seen with a code and a message alone.
    """
    by_reason = any(reason.startswith("API_KEY_") for reason in _values(body, "reason"))
    return by_reason or _BAD_KEY.search(said) is not None


def _class_of(status: int) -> tuple[type[GeminiError], str]:
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return RequestError, REDIRECT_HINT
    if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return RequestError, REQUEST_HINT
    return ServiceError, SERVICE_HINT


def _error_from_429(
    message: str, said: str, body: object, headers: Mapping[str, str]
) -> GeminiError:
    # A day's cap carries a RetryInfo of seconds too
    # (https://github.com/googleapis/python-genai/issues/2044), so the quota's name decides.
    a_day = any("perday" in quota.lower() for quota in _values(body, "quotaId"))
    if a_day or "quota_exceeded" in _values(body, "code"):
        return QuotaError(message, hint=QUOTA_HINT)
    retry_after = _retry_after(said, body, headers)
    return RateLimitError(message, hint=RATE_HINT, retry_after=retry_after)


def _retry_after(said: str, body: object, headers: Mapping[str, str]) -> float | None:
    """Return the whole seconds that the server asks to wait, wherever it says so, or None."""
    waits = [
        _seconds_from_header(headers.get("retry-after", "")),
        *(_seconds_from_duration(delay) for delay in _values(body, "retryDelay")),
        *(_seconds_from_duration(found) for found in _RETRY_IN.findall(said)),
    ]
    # RetryInfo is the message's time cut to whole seconds: the longest is the true one.
    longest = max((wait for wait in waits if wait is not None), default=None)
    return None if longest is None else float(math.ceil(longest))


def _seconds_from_duration(text: str) -> float | None:
    """Read `47s`, `47.17s`, `1m2.5s` or `830ms`, as protobuf and Go write a duration."""
    if not _DURATION.fullmatch(text.strip()):
        return None
    spans = re.findall(r"([\d.]+)\s*(ms|h|m|s)", text)
    return sum(float(amount) * _SECONDS[unit] for amount, unit in spans)


def _seconds_from_header(value: str) -> float | None:
    """Read a Retry-After header: seconds, or the date until which to wait."""
    if re.fullmatch(r"\d{1,9}(\.\d+)?", value.strip()):
        return float(value)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    if until.tzinfo is None:  # "-0000": a time in UTC of which nothing else is known
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


def _values(body: object, key: str) -> Iterator[str]:
    """Yield the strings that stand under `key` anywhere in `body`, the outermost first."""
    queue = deque([body])
    while queue:
        node = queue.popleft()
        if isinstance(node, Mapping):
            value = node.get(key)
            if isinstance(value, str):
                yield value
            queue.extend(node.values())
        elif isinstance(node, list):
            queue.extend(node)
