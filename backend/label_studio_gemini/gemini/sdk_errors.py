"""The one place where what google-genai raises becomes one of our errors.

The SDK has two error families that know nothing of each other (`google.genai.errors` for
generateContent, `google.genai._interactions` for Interactions), lets some errors of the HTTP
library, of the JSON parser and of google-auth through, and wraps others. A test walks all these
modules, so that a class that a new version brings cannot slip by unmapped.
"""

from __future__ import annotations

import json
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx2
import pydantic
from google.auth import exceptions as auth_errors
from google.genai import _interactions, errors
from google.genai._api_client import EphemeralTokenAPIKeyError

from label_studio_gemini.errors import (
    AuthenticationError,
    GeminiError,
    RequestError,
    TransportError,
)
from label_studio_gemini.gemini.refusals import KEY_HINT, Call, error_from_response

if TYPE_CHECKING:
    from collections.abc import Iterator

_logger = logging.getLogger(__name__)

SDK_ERRORS: tuple[type[Exception], ...] = (
    errors.APIError,
    errors.ContinuationInterruptedError,
    _interactions.GeminiNextGenAPIClientError,
    auth_errors.GoogleAuthError,
    httpx2.HTTPError,
    httpx2.InvalidURL,
    httpx2.CookieConflict,
    httpx2.StreamError,
    OSError,  # TimeoutError is one
    ValueError,  # of JSON, of Unicode, of pydantic, and the SDK's own checks of a request
    RecursionError,  # of JSON that is nested too deeply
)
_TIMEOUTS = (TimeoutError, httpx2.TimeoutException, _interactions.APITimeoutError)
_UNREADABLE = (
    pydantic.ValidationError,
    _interactions.APIResponseValidationError,
    errors.UnknownApiResponseError,
    json.JSONDecodeError,
    UnicodeDecodeError,
    RecursionError,
)
_UNSENDABLE = (
    httpx2.InvalidURL,
    httpx2.UnsupportedProtocol,
    httpx2.LocalProtocolError,
    ValueError,
)

TIMEOUT_HINT = (
    "Raise the time limit (the service tier flex can take 15 minutes), or send fewer or smaller "
    "images; if every request ends so, look at the network."
)
UNREADABLE_HINT = (
    "The answer was cut short, or something between here and Google (a proxy, a login page, a "
    "wrong base URL) answered in its place."
)
UNSENDABLE_HINT = "Look at the base URL (it starts with https:// or http://) and the model's name."
NETWORK_HINT = "Look at the network, the proxy settings and the base URL, then try again."


@contextmanager
def sdk_errors(call: Call) -> Iterator[None]:
    """Turn whatever the SDK raises inside the block into one of our errors.

    The SDK's error is not kept as the cause: it holds the request, image and key included, and
    prints the body of the answer. `asyncio.CancelledError` passes through untouched.

    Raises:
        GeminiError: In place of the SDK's.
    """
    try:
        yield
    except SDK_ERRORS as error:
        _logger.debug("The SDK raised %s.", type(error).__name__)
        raise error_from_sdk(error, call) from None


def error_from_sdk(error: BaseException, call: Call) -> GeminiError:
    """Return our error for one of the SDK's."""
    error = _root(error)
    known = _error_from_answer(error, call) or _error_from_sign_in(error, call)
    if known is not None:
        return known
    if isinstance(error, _TIMEOUTS):
        return TransportError(f"No answer within {call.timeout:g} s.", hint=TIMEOUT_HINT)
    if isinstance(error, _UNREADABLE):
        return TransportError("The answer is not what Gemini sends.", hint=UNREADABLE_HINT)
    said = call.quote(str(error)) or type(error).__name__
    if isinstance(error, _UNSENDABLE):
        return RequestError(f"The request cannot be sent: {said}", hint=UNSENDABLE_HINT)
    return TransportError(f"The connection failed: {said}", hint=NETWORK_HINT)


def _error_from_sign_in(error: BaseException, call: Call) -> GeminiError | None:
    """Return the error if a key or credentials of Google Cloud cannot be used, else None."""
    if isinstance(error, EphemeralTokenAPIKeyError):
        return AuthenticationError("An ephemeral token is no API key.", hint=KEY_HINT)
    if not isinstance(error, auth_errors.GoogleAuthError):
        return None
    said = call.quote(str(error)) or type(error).__name__
    if isinstance(error, auth_errors.TransportError) or error.retryable:
        return TransportError(f"Signing in to Google Cloud failed: {said}", hint=NETWORK_HINT)
    hint = call.access_hint or KEY_HINT
    return AuthenticationError(f"There is no access to Google Cloud: {said}", hint=hint)


def _root(error: BaseException) -> BaseException:
    """Unwrap what the SDK only wraps: its cause says what went wrong."""
    wrappers = (_interactions.APIConnectionError, errors.ContinuationInterruptedError)
    while isinstance(error, wrappers) and error.__cause__ is not None:
        error = error.__cause__
    return error


def _error_from_answer(error: BaseException, call: Call) -> GeminiError | None:
    """Return the error that an HTTP answer stands for, or None if `error` carries no answer."""
    if isinstance(error, errors.APIError):
        status, body = error.code, error.details
    elif isinstance(error, _interactions.APIResponseValidationError):
        return None  # its answer is a 200
    elif isinstance(error, _interactions.APIError) and error.status_code is not None:
        status, body = error.status_code, error.body
    elif isinstance(error, httpx2.HTTPStatusError):
        status, body = error.response.status_code, None
    else:
        return None
    headers = getattr(getattr(error, "response", None), "headers", {})
    return error_from_response(call, status=status, body=body, headers=headers)
