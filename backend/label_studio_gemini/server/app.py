"""The routes, and what becomes of errors."""

from __future__ import annotations

import logging
import os
from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from label_studio_gemini import __version__
from label_studio_gemini.config import read_config
from label_studio_gemini.environment import read_environment
from label_studio_gemini.errors import BackendError
from label_studio_gemini.server.auth import WEBHOOK, Guard, LoginWall
from label_studio_gemini.server.backend import Backend
from label_studio_gemini.server.bodies import A_BUG, MOST_TASKS, error_response
from label_studio_gemini.server.docs import (
    BAD,
    INVALID,
    NOWHERE,
    SLOW,
    STRANGER,
    TOO_LARGE,
    WEBHOOK_BODY,
    AcceptedBody,
    HealthBody,
    PredictAnswer,
    Route,
    SetupAnswer,
    VersionsBody,
    add_route,
)
from label_studio_gemini.server.hosting import Host
from label_studio_gemini.server.limits import SizeLimit
from label_studio_gemini.server.logs import RequestLog, configure_logging
from label_studio_gemini.server.monitor import Monitor
from label_studio_gemini.server.names import NameCheck, needs_name_check
from label_studio_gemini.server.status_body import Status
from label_studio_gemini.server.zipping import Zipping

if TYPE_CHECKING:
    from fastapi.responses import Response

    from label_studio_gemini.config import Config
    from label_studio_gemini.environment import Environment

_log = logging.getLogger(__name__)


def create_app() -> FastAPI:
    """Build the app from the environment alone: what each worker process starts with.

    Raises:
        ConfigError: The YAML or the environment is wrong.
    """
    environment = read_environment(os.environ)
    configure_logging(environment)
    if environment.listens_on is None and environment.basic_auth_user is None:
        _log.warning(  # `serve` knows where it listens, and has said so
            "no BASIC_AUTH_USER and BASIC_AUTH_PASS are set: whoever reaches this server can spend "
            "your Gemini key; set both, here and in Label Studio, or listen on 127.0.0.1 alone"
        )
    return build_app(read_config(environment.config_file), environment, alone=True)


def build_app(config: Config, environment: Environment, *, alone: bool = False) -> FastAPI:
    """Build the ASGI app; nothing is connected before it starts up.

    Args:
        config: The YAML.
        environment: The keys, and where state is kept.
        alone: Whether the process is there for this app alone.

    Raises:
        ConfigError: Half a login is set, or a secret that cannot be one.
    """
    guard = Guard(environment)
    host = Host(config, environment, alone=alone)
    backend = Backend(config, host, guard)
    app = FastAPI(
        title="label-studio-gemini",
        version=__version__,
        lifespan=backend.lifespan,
        docs_url=None,
        redoc_url=None,
    )
    for route in _routes(backend, Monitor(config, environment, host), guard):
        add_route(app, route)
    app.add_api_route("/health", backend.health, methods=["HEAD"], include_in_schema=False)
    app.add_exception_handler(BackendError, _answer_error)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(Exception, _answer_bug)
    # The last one is the first that a request meets.
    app.add_middleware(Zipping)
    app.add_middleware(SizeLimit, megabytes=config.max_request_megabytes)
    app.add_middleware(LoginWall, guard=guard)
    if needs_name_check(environment):
        app.add_middleware(NameCheck, names=environment.server_names)
    app.add_middleware(RequestLog)
    return app


def _routes(backend: Backend, monitor: Monitor, guard: Guard) -> list[Route]:
    body = (STRANGER, SLOW, TOO_LARGE)
    routes = [
        Route("GET", "/", monitor.page, "text/html", (STRANGER,)),
        Route("GET", "/api/status", monitor.status, Status, (STRANGER,)),
        Route("GET", "/metrics", monitor.metrics, "text/plain", (STRANGER,)),
        Route("GET", "/health", backend.health, HealthBody),
        Route("GET", "/versions", backend.versions, VersionsBody, (BAD, STRANGER)),
        Route("POST", "/setup", backend.setup, SetupAnswer, (BAD, *body, INVALID)),
        Route("POST", "/predict", backend.predict, PredictAnswer, (BAD, *body, INVALID)),
        Route("POST", WEBHOOK, backend.webhook, AcceptedBody, body, WEBHOOK_BODY),
    ]
    if guard.wants_secret:
        path = WEBHOOK + "/{secret}"
        errors = (NOWHERE, SLOW, TOO_LARGE, INVALID)
        routes.append(
            Route("POST", path, backend.secret_webhook, AcceptedBody, errors, WEBHOOK_BODY)
        )
    return routes


async def _answer_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, BackendError)
    _log.error("%s", error)
    return error_response(HTTPStatus.BAD_REQUEST, error.message, error.hint)


async def _answer_invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return error_response(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        f"The request is not as Label Studio sends it: {where}: {first['msg']}.",
        f"select fewer tasks at once: {MOST_TASKS:,} at most."
        if first["type"] == "too_long"
        else "send JSON: /predict takes `tasks` and `label_config`, /setup `project` and `schema`.",
    )


async def _answer_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return error_response(
        HTTPStatus(error.status_code),
        f"{request.method} {request.url.path}: {error.detail}.",
        "Label Studio asks for /health, /setup, /predict, /webhook and /versions, with JSON; "
        "people see how it goes at /, programs at /api/status and /metrics.",
        error.headers,
    )


async def _answer_bug(_request: Request, error: Exception) -> Response:
    _log.error("a request failed in a way that is a bug", exc_info=error)
    return error_response(HTTPStatus.INTERNAL_SERVER_ERROR, A_BUG.message, A_BUG.hint)
