"""Every refusal that the real service gives, in the form of each of its two families of endpoints.

The generateContent family writes `{"error": {"code": 400, "message", "status", "details"}}`, the
interactions family `{"error": {"code": "invalid_request", "message"}}`. The texts are those met in
public error reports.
"""

from __future__ import annotations

import math
from enum import StrEnum

from pydantic import JsonValue

from label_studio_gemini.emulator.api import Api, JsonObject

_TYPE = "type.googleapis.com/google.rpc."
_RETRY_SECONDS = 47.0
_TIMED_OUT = 408
_SERVICE_FAILED = 500
_QUOTA_METRIC = "generativelanguage.googleapis.com/generate_content_free_tier_requests"


class Refusal(Exception):  # noqa: N818 - it is an answer on the wire, not a failure of the emulator
    """A request that gets an error for an answer.

    Attributes:
        status: The HTTP status.
        rpc: The status word of the generateContent family, such as `INVALID_ARGUMENT`.
        code: The code word of the interactions family, such as `invalid_request`.
        message: The text, the same in both families.
        details: The typed details, which only the generateContent family carries.
        retry_after: Seconds of a Retry-After header, which only interactions sends.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        rpc: str = "INVALID_ARGUMENT",
        code: str = "invalid_request",
        details: tuple[JsonObject, ...] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.rpc = rpc
        self.code = code
        self.details = details
        self.retry_after = retry_after

    def asking(self, seconds: float | None) -> Refusal:
        """Return it with a delay in the form of each family, if one helps; None asks for none."""
        if seconds is not None and (self.status == _TIMED_OUT or self.status >= _SERVICE_FAILED):
            self.retry_after = seconds
            self.details = (*self.details, _retry_info(seconds))
        return self

    def body(self, api: Api) -> JsonObject:
        """Return the JSON that `api` answers with."""
        if api is Api.INTERACTIONS:
            return {"error": {"code": self.code, "message": self.message}}
        error: JsonObject = {"code": self.status, "message": self.message, "status": self.rpc}
        if self.details:
            error["details"] = list[JsonValue](self.details)
        return {"error": error}

    def headers(self, api: Api) -> dict[str, str]:
        """Return the headers that `api` adds."""
        if api is Api.INTERACTIONS and self.retry_after is not None:
            return {"Retry-After": str(math.ceil(self.retry_after))}
        return {}


class Problem(StrEnum):
    """A failure of the service that can be scripted; each value is what a `Fault` names."""

    BAD_REQUEST = "bad_request"
    BAD_KEY = "bad_key"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    TIMEOUT = "timeout"
    RATE_LIMIT = "rate_limit"
    QUOTA = "quota"
    INTERNAL = "internal"
    OVERLOADED = "overloaded"


def refusal_from_problem(problem: Problem, *, model: str, retry_seconds: float | None) -> Refusal:
    """Return what the service answers when it has `problem`.

    Args:
        problem: What goes wrong.
        model: The model that was asked, which some messages name.
        retry_seconds: The delay that is asked for; None for what is usual, which is some with a
            rate limit or a quota, and none with anything else. It is not asked for where waiting
            would not help.
    """
    if problem in {Problem.RATE_LIMIT, Problem.QUOTA}:
        seconds = _RETRY_SECONDS if retry_seconds is None else retry_seconds
        return exhausted(model=model, seconds=seconds, daily=problem is Problem.QUOTA)
    plain = {
        Problem.BAD_REQUEST: Refusal("Request contains an invalid argument."),
        Problem.BAD_KEY: bad_key(),
        Problem.UNAUTHENTICATED: unauthenticated(),
        Problem.FORBIDDEN: Refusal(
            "The caller does not have permission",
            status=403,
            rpc="PERMISSION_DENIED",
            code="permission_denied",
        ),
        Problem.NOT_FOUND: unknown_model(model),
        Problem.TIMEOUT: Refusal(
            "The request timed out.", status=408, rpc="DEADLINE_EXCEEDED", code="timeout"
        ),
        Problem.INTERNAL: Refusal(
            "An internal error has occurred. Please retry or report in "
            "https://developers.generativeai.google/guide/troubleshooting",
            status=500,
            rpc="INTERNAL",
            code="internal",
        ),
        Problem.OVERLOADED: Refusal(
            "The model is overloaded. Please try again later.",
            status=503,
            rpc="UNAVAILABLE",
            code="unavailable",
        ),
    }
    return plain[problem].asking(retry_seconds)


def exhausted(*, model: str, seconds: float, daily: bool) -> Refusal:
    """Return a 429: of the minute, or of the day (which carries a RetryInfo all the same)."""
    period = "PerDay" if daily else "PerMinute"
    return Refusal(
        "You exceeded your current quota, please check your plan and billing details. For more "
        "information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits. "
        "To monitor your current usage, head to: https://ai.dev/usage?tab=rate-limit. \n"
        f"* Quota exceeded for metric: {_QUOTA_METRIC}, limit: 5, model: {model}\n"
        f"Please retry in {seconds:.9f}s.",
        status=429,
        rpc="RESOURCE_EXHAUSTED",
        code="quota_exceeded" if daily else "rate_limit_exceeded",
        retry_after=seconds,
        details=(
            {
                "@type": f"{_TYPE}Help",
                "links": [
                    {
                        "description": "Learn more about Gemini API quotas",
                        "url": "https://ai.google.dev/gemini-api/docs/rate-limits",
                    }
                ],
            },
            {
                "@type": f"{_TYPE}QuotaFailure",
                "violations": [
                    {
                        "quotaMetric": _QUOTA_METRIC,
                        "quotaId": f"GenerateRequests{period}PerProjectPerModel-FreeTier",
                        "quotaDimensions": {"location": "global", "model": model},
                        "quotaValue": "5",
                    }
                ],
            },
            _retry_info(seconds),
        ),
    )


def _retry_info(seconds: float) -> JsonObject:
    return {"@type": f"{_TYPE}RetryInfo", "retryDelay": f"{seconds:g}s"}


def bad_key() -> Refusal:
    """Return the refusal of a key that is no key: a 400, not a 401."""
    message = "API key not valid. Please pass a valid API key."
    return Refusal(
        message,
        code="invalid_request",
        details=(
            {
                "@type": f"{_TYPE}ErrorInfo",
                "reason": "API_KEY_INVALID",
                "domain": "googleapis.com",
                "metadata": {"service": "generativelanguage.googleapis.com"},
            },
            {"@type": f"{_TYPE}LocalizedMessage", "locale": "en-US", "message": message},
        ),
    )


def unauthenticated() -> Refusal:
    """Return the refusal of a token that is none."""
    return Refusal(
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login "
        "cookie or other valid authentication credential.",
        status=401,
        rpc="UNAUTHENTICATED",
        code="authentication",
    )


def missing_key(api: Api) -> Refusal:
    """Return the refusal of a request that carries no key: 401 for interactions, 403 elsewhere."""
    return Refusal(
        "Method doesn't allow unregistered callers (callers without established identity). Please "
        "use API Key or other form of API consumer identity to call this API.",
        status=401 if api is Api.INTERACTIONS else 403,
        rpc="PERMISSION_DENIED",
        code="authentication",
    )


def unknown_model(model: str, version: str = "v1beta") -> Refusal:
    """Return the refusal of a model that does not exist."""
    return Refusal(
        f"models/{model} is not found for API version {version}, or is not supported for "
        "generateContent. Call ListModels to see the list of available models and their supported "
        "methods.",
        status=404,
        rpc="NOT_FOUND",
        code="model_not_found",
    )


def not_offered(what: str) -> Refusal:
    """Return the refusal of what the real service has and the emulator does not."""
    return Refusal(
        f"The emulator does not offer {what}.",
        status=501,
        rpc="UNIMPLEMENTED",
        code="unimplemented",
    )


def not_found(what: str) -> Refusal:
    """Return the refusal of an address under which there is nothing."""
    return Refusal(f"{what} is not found.", status=404, rpc="NOT_FOUND", code="not_found")


def bad_field(field: str, description: str) -> Refusal:
    """Return a 400 that names the field in its details as the protobuf layer does."""
    return Refusal(description, details=(bad_request_detail([(field, description)]),))


def bad_request_detail(violations: list[tuple[str, str]]) -> JsonObject:
    """Return the BadRequest detail for pairs of field and description."""
    return {
        "@type": f"{_TYPE}BadRequest",
        "fieldViolations": [{"field": f, "description": d} for f, d in violations],
    }
