"""The command `serve`."""

from __future__ import annotations

import logging
import math
import os
import socket
from typing import TYPE_CHECKING

from label_studio_gemini.config import read_config
from label_studio_gemini.environment import (
    CONFIG_VARIABLE,
    LISTENS_ON_VARIABLE,
    LOG_LEVEL_VARIABLE,
    LOG_LEVELS,
    read_environment,
)
from label_studio_gemini.errors import AuthenticationError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

_log = logging.getLogger(__name__)

_LAST_SECONDS = 2
"""What a server gets beyond the grace of the config, to send what is finished."""


def run_server(
    config_file: Path | None, *, host: str, port: int, workers: int, log_level: str | None
) -> None:
    """Serve until stopped.

    Raises:
        BackendError: What would fail for every request: the YAML, the key, an option, the login.
    """
    _put_in_environment(config_file, host, log_level)
    environment = read_environment(os.environ)
    config = read_config(config_file or environment.config_file)
    if environment.api_key is None and config.vertex is None:
        raise AuthenticationError(
            "There is no Gemini API key.",
            hint="set GEMINI_API_KEY (from https://aistudio.google.com/apikey), "
            "or try `label-studio-gemini demo`, which needs none.",
        )
    _check_port(host, port)
    # A mistake is answered before a server is loaded.
    import uvicorn  # noqa: PLC0415

    from label_studio_gemini.server.auth import Guard  # noqa: PLC0415
    from label_studio_gemini.server.connections import PatientProtocol  # noqa: PLC0415
    from label_studio_gemini.server.logs import configure_logging  # noqa: PLC0415
    from label_studio_gemini.server.names import is_loopback  # noqa: PLC0415

    guard = Guard(environment)
    configure_logging(environment)
    _say_who_may_ask(host, wants_login=guard.wants_login, is_closed=is_loopback(host))
    uvicorn.run(
        "label_studio_gemini.server:create_app",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        http=PatientProtocol,
        ws="none",
        log_config=None,
        access_log=False,  # the app writes a line for each request that says more
        timeout_graceful_shutdown=math.ceil(config.stop_grace) + _LAST_SECONDS,
    )


def _say_who_may_ask(host: str, *, wants_login: bool, is_closed: bool) -> None:
    if wants_login:
        _log.info("who asks needs the login of BASIC_AUTH_USER and BASIC_AUTH_PASS")
    elif is_closed:
        _log.info(
            "no BASIC_AUTH_USER and BASIC_AUTH_PASS are set: %s is for this machine alone; set "
            "them before you open it with --host",
            host,
        )
    else:
        _log.warning(
            "no BASIC_AUTH_USER and BASIC_AUTH_PASS are set: whoever reaches %s can spend your "
            "Gemini key; set both, here and in Label Studio, or leave out --host",
            host,
        )


def _check_port(host: str, port: int) -> None:
    """Find out whether the address can be listened on: uvicorn's own words for it are six lines."""
    try:
        socket.create_server((host, port), family=_family(host)).close()
    except OSError as error:
        raise UsageError(
            f"{host}:{port} cannot be listened on: {error.strerror or error}.",
            hint="another server may be there already: --port takes another port, --host an "
            "address of this machine.",
        ) from error


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _put_in_environment(config_file: Path | None, host: str, log_level: str | None) -> None:
    """Leave the options where the app finds them, in this process and in its workers."""
    os.environ[LISTENS_ON_VARIABLE] = host
    if config_file is not None:
        os.environ[CONFIG_VARIABLE] = str(config_file.resolve())
    if log_level is None:
        return
    if log_level.lower() not in LOG_LEVELS:
        raise UsageError(
            f"There is no log level {log_level!r}.", hint=f"use {', '.join(LOG_LEVELS)}."
        )
    os.environ[LOG_LEVEL_VARIABLE] = log_level
