"""A request that is too large is refused, and not read."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING
from unittest import mock
from urllib.parse import urlsplit

import httpx2
import pytest

from backends import RunningBackend, run_backend
from gates import await_condition
from label_studio_gemini.config import Config
from label_studio_gemini.environment import Environment
from label_studio_gemini.server import limits
from label_studio_gemini.server.limits import SizeLimit
from loopback import NOBODY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Message, Receive, Scope, Send

MOST = 200_000


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBackend]:
    environment = Environment(state_folder=tmp_path_factory.mktemp("state"), api_key="k")
    with run_backend(Config(max_request_megabytes=MOST / 1e6), environment) as running:
        yield running


def body_of(size: int) -> bytes:
    body = json.dumps({"tasks": [], "filling": ""}).encode()
    return body.replace(b'""', b'"' + b"x" * (size - len(body)) + b'"')


def in_chunks(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), 10_000):
        yield body[start : start + 10_000]


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(("size", "status"), [(MOST, 200), (MOST + 1, 413)])
def test_a_request_of_exactly_the_limit_is_taken(
    backend: RunningBackend, size: int, status: int, *, chunked: bool
) -> None:
    body = body_of(size)
    assert len(body) == size
    content = in_chunks(body) if chunked else body
    headers = {"content-type": "application/json"}
    answer = backend.client.post("/predict", content=content, headers=headers)
    assert answer.status_code == status
    if status == 413:
        assert answer.json()["error"] == "The request is larger than 0.2 MB."
        assert "max_request_megabytes" in answer.json()["hint"]
    assert backend.client.get("/health").status_code == 200


@pytest.mark.parametrize(
    "head", [b"Content-Length: 1000000000000", b"Transfer-Encoding: chunked"], ids=["long", "open"]
)
def test_a_request_without_end_is_answered_all_the_same(
    backend: RunningBackend, head: bytes
) -> None:
    """What was announced never comes, or never ends: the answer does not wait for it."""
    where = urlsplit(backend.url)
    assert where.hostname
    assert where.port
    with socket.create_connection((where.hostname, where.port), timeout=30) as client:
        client.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n")
        if b"chunked" in head:
            client.sendall(b"%x\r\n" % (2 * MOST) + b" " * (2 * MOST) + b"\r\n")
        received = b""
        while chunk := client.recv(65536):
            received += chunk
    assert received.startswith(b"HTTP/1.1 413 ")
    assert b"max_request_megabytes" in received


def test_a_login_is_asked_for_before_anything_is_read(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    environment = Environment(
        state_folder=tmp_path_factory.mktemp("state"),
        api_key="k",
        basic_auth_user="a",
        basic_auth_pass="b",
    )
    with run_backend(Config(max_request_megabytes=MOST / 1e6), environment) as backend:
        answer = backend.client.post("/predict", content=body_of(2 * MOST))
    assert answer.status_code == 401


@pytest.mark.parametrize("path", ["/webhook", "/predict", "/setup"])
def test_who_hangs_up_before_the_end_leaves_one_line_in_the_log(
    backend: RunningBackend, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    where = urlsplit(backend.url)
    assert where.hostname
    with socket.create_connection((where.hostname, where.port or 0), timeout=20) as client:
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"
        client.sendall(head.encode() + b"half")

    def lines() -> list[logging.LogRecord]:
        return [one for one in caplog.records if hasattr(one, "fields")]

    await_condition(lambda: bool(lines()), "the request is logged")
    [line] = lines()
    fields = vars(line)["fields"]
    assert (fields["path"], fields["status"], fields["hung_up"]) == (path, 499, True)
    assert not [one for one in caplog.records if one.levelno >= logging.WARNING]


SECRET = "5ec-ret"
HALF = b"Content-Length: 150000\r\n\r\nhalf"


def exchange(backend: RunningBackend, request: bytes) -> bytes:
    """Send something, and return all that comes until the connection is closed, or the body."""
    where = urlsplit(backend.url)
    assert where.hostname
    received = b""
    with socket.create_connection((where.hostname, where.port or 0), timeout=20) as client:
        client.sendall(request)
        while b"}" not in received and (chunk := client.recv(65536)):
            received += chunk
    return received


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, RunningBackend]]:
    """Give backends with a login and with a secret beside it."""
    login = {"api_key": "k", "basic_auth_user": "a", "basic_auth_pass": "b"}
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(
                run_backend(
                    Config(max_request_megabytes=3),
                    Environment(state_folder=tmp_path_factory.mktemp("state"), **settings),  # type: ignore[arg-type]
                )
            )
            for name, settings in {
                "login": login,
                "secret": login | {"webhook_secret": SECRET},
            }.items()
        }


@pytest.mark.parametrize(
    ("name", "path", "status"),
    [
        ("secret", b"/webhook", b"401"),
        ("secret", b"/webhook/wrong", b"404"),
        ("secret", b"/webhook/", b"404"),
        ("login", b"/webhook/wrong", b"404"),
    ],
)
def test_a_stranger_is_refused_before_the_body_is_there(
    name: str, path: bytes, status: bytes, guarded: dict[str, RunningBackend]
) -> None:
    request = b"POST " + path + b" HTTP/1.1\r\nHost: x\r\n" + HALF
    assert exchange(guarded[name], request).startswith(b"HTTP/1.1 " + status)


@pytest.mark.parametrize(
    ("size", "status"), [(900_000, 401), (1_100_000, 200), (2_999_000, 200), (3_100_000, 413)]
)
def test_a_long_event_is_taken_though_it_is_not_kept(
    size: int, status: int, guarded: dict[str, RunningBackend]
) -> None:
    """Its name is not looked for; a short body without one is no event."""
    body = b'{"annotation": "' + b"x" * size + b'"}'
    client = httpx2.Client(base_url=guarded["login"].url, verify=NOBODY, trust_env=False)
    with client:
        assert client.post("/webhook", content=body).status_code == status


async def test_of_a_webhook_little_is_kept_and_the_end_is_told() -> None:
    body, sent = b"x" * 50_000, []

    async def app(_scope: Scope, receive: Receive, _send: Send) -> None:
        sent.append(await receive())

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": next(left) > 0}

    left = iter([0])
    for path, kept in (("/webhook/x", 1_050_000), ("/predict", 5_000_000)):
        left = iter(range(99, -1, -1))
        scope = {"type": "http", "method": "POST", "path": path, "headers": []}
        await SizeLimit(app, megabytes=6)(scope, receive, nothing)
        assert next(left, None) is None, "all of it is read"
        message = sent.pop()
        assert len(message["body"]) == kept
        assert not message["more_body"]


async def nothing(_message: Message) -> None:
    """Take what is sent."""


async def test_a_body_that_stalls_is_given_up() -> None:
    sent: list[Message] = []

    async def never(*_args: object) -> None:
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    pieces = iter([b"half"])

    async def receive() -> Message:
        for piece in pieces:
            return {"type": "http.request", "body": piece, "more_body": True}
        return await asyncio.Future()

    scope = {"type": "http", "method": "POST", "path": "/predict", "headers": []}
    with mock.patch.object(limits, "_LINGERING", 0.01):
        await SizeLimit(never, megabytes=6, patience=0.01)(scope, receive, send)
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]
    assert not sent[-1]["more_body"]
