"""A request that is too large is refused, and not read."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from backends import RunningBackend, run_backend
from label_studio_gemini.config import Config
from label_studio_gemini.environment import Environment

if TYPE_CHECKING:
    from collections.abc import Iterator

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
