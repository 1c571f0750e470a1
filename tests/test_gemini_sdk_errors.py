"""Whatever the SDK and the libraries below it raise becomes one of our errors."""

from __future__ import annotations

import asyncio
import inspect
import json
from typing import TYPE_CHECKING, Any

import httpx2
import pydantic
import pytest
from google.auth import exceptions as auth_errors
from google.genai import _interactions, errors
from google.genai._api_client import EphemeralTokenAPIKeyError

from label_studio_gemini import errors as ours
from label_studio_gemini.gemini.refusals import Call
from label_studio_gemini.gemini.sdk_errors import sdk_errors

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

KEY = "AIzaSyA-0123456789_abcdefghijklmnopqrstu"
CALL = Call(model="gemini-9", timeout=12.5, secret=KEY)
REQUEST = httpx2.Request("POST", "https://example.com")
SAID = f"Google says so to {KEY}."
BODY = {"error": {"message": SAID}}


def exceptions_of(*modules: ModuleType) -> list[type[Exception]]:
    """Every exception class that the modules show, whoever defines it; warnings are none."""
    found = {
        value
        for module in modules
        for _, value in inspect.getmembers(module, inspect.isclass)
        if issubclass(value, Exception) and not issubclass(value, Warning)
    }
    return sorted(found, key=lambda kind: (kind.__module__, kind.__name__))


def response(status: int) -> httpx2.Response:
    return httpx2.Response(status, request=REQUEST, headers={"Retry-After": "3"})


STATUS = {
    "ClientError": 400,
    "ServerError": 500,
    "BadRequestError": 400,
    "AuthenticationError": 401,
    "PermissionDeniedError": 403,
    "NotFoundError": 404,
    "ConflictError": 409,
    "UnprocessableEntityError": 422,
    "RateLimitError": 429,
    "InternalServerError": 500,
}


# How the SDK builds its errors, the special before the general.
BUILDERS: list[tuple[type[Exception], Callable[[Any, int], Exception]]] = [
    (errors.APIError, lambda kind, status: kind(status, BODY, response(status))),
    (
        _interactions.APIStatusError,
        lambda kind, status: kind(SAID, response=response(status), body=BODY),
    ),
    (_interactions.APIResponseValidationError, lambda kind, _: kind(response(200), BODY)),
    (_interactions.APITimeoutError, lambda kind, _: kind(REQUEST)),
    (_interactions.APIConnectionError, lambda kind, _: kind(message=SAID, request=REQUEST)),
    (_interactions.APIError, lambda kind, _: kind(SAID, REQUEST, body=BODY)),
    (
        httpx2.HTTPStatusError,
        lambda kind, _: kind(SAID, request=REQUEST, response=response(403)),
    ),
    (httpx2.StreamConsumed, lambda kind, _: kind()),
    (httpx2.StreamClosed, lambda kind, _: kind()),
    (httpx2.ResponseNotRead, lambda kind, _: kind()),
    (httpx2.RequestNotRead, lambda kind, _: kind()),
    (Exception, lambda kind, _: kind(SAID)),
]


def instance_of(kind: type[Exception]) -> Exception:
    build = next(build for base, build in BUILDERS if issubclass(kind, base))
    return build(kind, STATUS.get(kind.__name__, 418))


def raised(error: BaseException) -> ours.GeminiError:
    with pytest.raises(ours.GeminiError) as caught, sdk_errors(CALL):
        raise error
    return caught.value


EVERY = exceptions_of(errors, _interactions, httpx2, auth_errors)


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_every_class_of_the_sdk_is_mapped(kind: type[Exception]) -> None:
    error = raised(instance_of(kind))
    assert error.hint
    assert KEY not in str(error)
    assert error.__suppress_context__


def test_the_walk_finds_the_classes_that_matter() -> None:
    assert {errors.ServerError, _interactions.APITimeoutError, httpx2.ReadError} <= set(EVERY)
    assert len(EVERY) >= 45


EXPECTED: dict[type[Exception], type[ours.GeminiError]] = {
    errors.ClientError: ours.RequestError,
    errors.ServerError: ours.ServiceError,
    errors.UnknownApiResponseError: ours.TransportError,
    errors.ContinuationInterruptedError: ours.TransportError,
    _interactions.BadRequestError: ours.RequestError,
    _interactions.AuthenticationError: ours.AuthenticationError,
    _interactions.PermissionDeniedError: ours.AuthenticationError,
    _interactions.NotFoundError: ours.ModelError,
    _interactions.RateLimitError: ours.RateLimitError,
    _interactions.InternalServerError: ours.ServiceError,
    _interactions.APIConnectionError: ours.TransportError,
    _interactions.APITimeoutError: ours.TransportError,
    _interactions.APIResponseValidationError: ours.TransportError,
    httpx2.ConnectError: ours.TransportError,
    httpx2.PoolTimeout: ours.TransportError,
    httpx2.RemoteProtocolError: ours.TransportError,
    httpx2.DecodingError: ours.TransportError,
    httpx2.InvalidURL: ours.RequestError,
    httpx2.UnsupportedProtocol: ours.RequestError,
    httpx2.LocalProtocolError: ours.RequestError,
    httpx2.HTTPStatusError: ours.AuthenticationError,
    EphemeralTokenAPIKeyError: ours.AuthenticationError,
    ConnectionResetError: ours.TransportError,
    RecursionError: ours.TransportError,
}


@pytest.mark.parametrize("kind", EXPECTED, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_a_class_becomes_the_error_that_fits(kind: type[Exception]) -> None:
    assert type(raised(instance_of(kind))) is EXPECTED[kind]


def test_the_headers_of_both_families_are_read() -> None:
    for error in (
        errors.ClientError(429, {}, response(429)),
        instance_of(_interactions.RateLimitError),
    ):
        ours_ = raised(error)
        assert isinstance(ours_, ours.RateLimitError)
        assert ours_.retry_after == 3


def test_what_the_sdk_wraps_decides() -> None:
    """The SDK calls a wrong address a connection error, which a retry would never heal."""
    wrapped = instance_of(_interactions.APIConnectionError)
    wrapped.__cause__ = httpx2.UnsupportedProtocol("no scheme")
    assert isinstance(raised(wrapped), ours.RequestError)
    interrupted = errors.ContinuationInterruptedError("cut")
    interrupted.__cause__ = instance_of(_interactions.RateLimitError)
    assert isinstance(raised(interrupted), ours.RateLimitError)


def test_an_unreadable_answer_is_never_quoted() -> None:
    class Model(pydantic.BaseModel):
        number: int

    with pytest.raises(pydantic.ValidationError) as invalid:
        Model.model_validate({"number": "a private answer"})
    with pytest.raises(json.JSONDecodeError) as cut:
        json.loads('{"text": "a private answer')
    with pytest.raises(UnicodeDecodeError) as binary:
        b"a private answer \xff".decode()
    for error in (invalid.value, cut.value, binary.value):
        mapped = raised(error)
        assert isinstance(mapped, ours.TransportError)
        assert "private" not in str(mapped)


def test_a_time_limit_is_named() -> None:
    assert "12.5 s" in raised(TimeoutError()).message
    assert "12.5 s" in raised(httpx2.ReadTimeout("")).message


@pytest.mark.parametrize("error", [asyncio.CancelledError(), KeyboardInterrupt(), TypeError("bug")])
def test_what_is_no_error_of_the_sdk_passes_through(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, sdk_errors(CALL):
        raise error
    assert caught.value is error


def test_our_own_errors_pass_through() -> None:
    error = ours.BlockedError("blocked", hint="Stop.")
    assert raised(error) is error
