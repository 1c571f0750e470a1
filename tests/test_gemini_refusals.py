"""Google's refusals become our errors: by status and body, whichever API they come from."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from label_studio_gemini import errors
from label_studio_gemini.gemini.refusals import Call, error_from_response

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KEY = "AIzaSyA-0123456789_abcdefghijklmnopqrstu"
CALL = Call(model="gemini-9", timeout=30, secret=KEY)


def quota(quota_id: str, delay: str = "47s", message: str = "Quota exceeded.") -> object:
    details = [{"violations": [{"quotaId": quota_id}]}, {"retryDelay": delay}]
    return {"error": {"code": 429, "message": message, "details": details}}


def coded(code: str) -> object:
    return {"error": {"code": code, "message": "Said."}}


@dataclass(frozen=True)
class Case:
    name: str
    status: int
    body: object
    expected: type[errors.GeminiError]
    retry_after: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    hint: str = ""


CASES = [
    Case("bad request", 400, coded("invalid_request"), errors.RequestError),
    Case(
        "bad key",
        400,
        {"error": {"code": 400, "details": [{"reason": "API_KEY_INVALID"}]}},
        errors.AuthenticationError,
        hint="aistudio.google.com/apikey",
    ),
    Case(
        "bad key, Interactions",
        400,
        {"error": {"code": "invalid_request", "message": "API key not valid. Please pass one."}},
        errors.AuthenticationError,
        hint="aistudio.google.com/apikey",
    ),
    Case("no key", 401, coded("authentication"), errors.AuthenticationError, hint="GEMINI_API_KEY"),
    Case("unpaid", 402, coded("payment_required"), errors.QuotaError, hint="billing"),
    Case("no right", 403, coded("permission_denied"), errors.AuthenticationError, hint="right"),
    Case("no model", 404, coded("model_not_found"), errors.ModelError, hint="/v1/models"),
    Case("too slow", 408, "", errors.ServiceError),
    Case("too large", 413, "", errors.RequestError, hint="smaller"),
    Case("conflict", 409, "", errors.RequestError),
    Case("out of range", 416, coded("out_of_range"), errors.RequestError),
    Case("redirect", 302, "", errors.RequestError, hint="base URL"),
    Case("nothing", 204, "", errors.ServiceError),
    Case("internal", 500, "", errors.ServiceError),
    Case("html", 502, "<html><h1>Bad Gateway", errors.ServiceError),
    Case("overloaded", 503, coded("unavailable"), errors.ServiceError),
    Case("a header of a 503", 503, "", errors.ServiceError, 31, {"retry-after": "30.5"}),
    Case("a header of a 408", 408, "", errors.ServiceError, 7, {"retry-after": "7"}),
    Case("RetryInfo of a 500", 500, quota("", "1.2s"), errors.ServiceError, 2),
    Case("a message of a 502", 502, "Please retry in 59.3s.", errors.ServiceError, 60),
    Case(
        "the longest of all",
        503,
        quota("", "4s", "Please retry in 4.5s."),
        errors.ServiceError,
        6,
        {"retry-after": "6"},
    ),
    Case("a header of a 400", 400, "", errors.RequestError, None, {"retry-after": "7"}),
    Case("late", 504, None, errors.ServiceError),
    Case("a minute", 429, quota("RequestsPerMinutePerProject"), errors.RateLimitError, 47),
    Case("a day", 429, quota("RequestsPerDayPerProject"), errors.QuotaError, hint="midnight"),
    Case("a day by code", 429, coded("quota_exceeded"), errors.QuotaError),
    Case("a minute by code", 429, coded("rate_limit_exceeded"), errors.RateLimitError),
    Case("rounded up", 429, quota("PerMinute", "47.17s"), errors.RateLimitError, 48),
    Case(
        "the message knows better than RetryInfo",
        429,
        quota("PerMinute", "47s", "Please retry in 47.174066935s."),
        errors.RateLimitError,
        48,
    ),
    Case("minutes", 429, {"message": "Please retry in 1m2.5s."}, errors.RateLimitError, 63),
    Case("milliseconds", 429, {"message": "Please retry in 830.5ms."}, errors.RateLimitError, 1),
    Case("header", 429, "", errors.RateLimitError, 7, {"retry-after": "6.2"}),
    Case("odd header", 429, "", errors.RateLimitError, None, {"retry-after": "inf"}),
    Case("odd delay", 429, quota("PerMinute", "soon"), errors.RateLimitError),
    Case("error is a text", 400, {"error": "no"}, errors.RequestError),
    Case("a list", 400, [coded("invalid_request")], errors.RequestError),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_refusal_becomes_the_error_that_says_what_to_do(case: Case) -> None:
    error = error_from_response(CALL, status=case.status, body=case.body, headers=case.headers)
    assert type(error) is case.expected
    assert str(case.status) in error.message
    assert case.hint in error.hint
    assert error.hint.endswith(".")
    assert getattr(error, "retry_after", None) == case.retry_after


def test_only_what_time_can_heal_is_retryable() -> None:
    healing = {408, 429, 500, 502, 503, 504}
    for status in range(300, 600):
        error = error_from_response(CALL, status=status, body="", headers={})
        assert error.retryable is (status in healing or status >= 500), status


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_date_in_retry_after_is_a_wait_until_then(status: int) -> None:
    for until in (datetime.now(UTC) + timedelta(seconds=90), datetime.now(UTC)):
        headers = {"retry-after": format_datetime(until)}
        error = error_from_response(CALL, status=status, body="", headers=headers)
        assert isinstance(error, errors.LaterError)
        assert error.retry_after is not None
        wait = (until - datetime.now(UTC)).total_seconds()
        assert error.retry_after == pytest.approx(max(wait, 0), abs=2)
    naive = {"retry-after": "Sun, 22 Nov 2020 03:44:00 -0000"}
    error = error_from_response(CALL, status=status, body="", headers=naive)
    assert getattr(error, "retry_after", None) == 0


def test_the_recorded_bodies_are_understood(shared: Path) -> None:
    recorded = json.loads((shared / "replies" / "errors.json").read_text("utf-8"))
    minute = recorded["generateContent_429_minute"]
    error = error_from_response(CALL, status=minute["status"], body=minute["body"], headers={})
    assert isinstance(error, errors.RateLimitError)
    assert error.retry_after == 48
    assert "You exceeded your current quota" in error.message

    day = json.loads(json.dumps(minute["body"]).replace("PerMinute", "PerDay"))
    error = error_from_response(CALL, status=429, body=day, headers={})
    assert isinstance(error, errors.QuotaError)

    bad = recorded["generateContent_400_bad_key"]
    error = error_from_response(CALL, status=bad["status"], body=bad["body"], headers={})
    assert isinstance(error, errors.AuthenticationError)

    vertex = recorded["vertex_429"]
    error = error_from_response(CALL, status=429, body=vertex["body"], headers={})
    assert isinstance(error, errors.RateLimitError)
    assert error.retry_after is None

    old = recorded["interactions_400"]
    error = error_from_response(CALL, status=400, body=old["body"], headers={})
    assert isinstance(error, errors.RequestError)
    assert "invalid_tool_type_xyz" in error.message


def test_a_missing_model_is_named() -> None:
    error = error_from_response(CALL, status=404, body=coded("not_found"), headers={})
    assert "`gemini-9`" in error.message


@dataclass(frozen=True)
class Quote:
    name: str
    said: str
    expected: str


QUOTES = [
    Quote("short", "It is wrong.\nVery.", "It is wrong. Very."),
    Quote("the key", f"Consumer 'api_key:{KEY}' is suspended.", "Consumer 'api_key:[key]' is sus"),
    Quote("another key", "at ?alt=x&key=abc.def-1 now", "at ?alt=x&key=[key] now"),
    Quote("an image", f"Base64 of {'iVBORw0KGgo' * 99}== failed", "Base64 of […] failed"),
    Quote("sentences", "One is here. " * 40, "One is here. One is here."),
    Quote("no sentence", "word " * 99, "word word"),
    Quote("html", " <!doctype html>", ""),
]


@pytest.mark.parametrize("case", QUOTES, ids=lambda case: case.name)
def test_a_quote_is_short_and_keeps_secrets(case: Quote) -> None:
    quote = CALL.quote(case.said)
    assert quote.startswith(case.expected)
    assert len(quote) <= 300
    assert quote.endswith((".", "…", "now", "failed")) or not quote


def test_a_stand_in_for_a_key_is_no_secret() -> None:
    assert Call(model="m", timeout=1, secret="demo").quote("The demo key.") == "The demo key."


def test_the_key_is_in_no_representation() -> None:
    assert KEY not in repr(CALL)


JSON = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(["error", "message", "code", "quotaId", "reason", "retryDelay"]), inner
        )
    ),
    max_leaves=12,
)


@given(status=st.integers(100, 599), body=JSON, wait=st.text())
def test_no_answer_is_too_odd_to_become_an_error(status: int, body: object, wait: str) -> None:
    error = error_from_response(CALL, status=status, body=body, headers={"retry-after": wait})
    assert isinstance(error, errors.GeminiError)
    assert len(error.message) < 400


@given(
    status=st.sampled_from([408, 429, 500, 503]),
    seconds=st.integers(0, 10**6),
    nanos=st.integers(0, 10**9 - 1),
)
def test_a_delay_is_never_cut_short(status: int, seconds: int, nanos: int) -> None:
    body = quota("PerMinute", f"{seconds}.{nanos:09d}s")
    error = error_from_response(CALL, status=status, body=body, headers={})
    assert isinstance(error, errors.LaterError)
    assert error.retry_after == seconds + (nanos > 0)
