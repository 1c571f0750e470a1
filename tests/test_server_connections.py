"""A connection on which nothing comes is closed."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import uvicorn
from fastapi import FastAPI, Request

from label_studio_gemini.server.connections import PatientProtocol

if TYPE_CHECKING:
    from collections.abc import Iterator


CHUNKED = b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


class Hasty(PatientProtocol):
    head_seconds = 0.2


@contextmanager
def serving(app: FastAPI) -> Iterator[tuple[str, int]]:
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, ws="none", http=Hasty, timeout_keep_alive=60)
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def place() -> Iterator[tuple[str, int]]:
    app = FastAPI()

    @app.get("/")
    async def _index() -> str:
        return "hello"

    @app.post("/echo")
    async def _echo(request: Request) -> str:
        return (await request.body()).decode()

    with serving(app) as where:
        yield where


def read_all(client: socket.socket) -> bytes:
    received = b""
    try:
        while chunk := client.recv(65536):
            received += chunk
    except ConnectionResetError:
        pass
    return received


@pytest.mark.parametrize(
    ("asked", "answer", "then"),
    [
        (b"", b"", b""),
        (b"", b"", b"GET / HTTP/1.1\r\nHost: a\r\n"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 200 ", b"GET / HTTP/1.1\r\nHost"),
        (b"POST /no HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n", b"HTTP/1.1 404 ", b"half"),
    ],
    ids=["nothing", "half a head", "half a second head", "half a body that nobody wants"],
)
def test_what_never_ends_is_closed(
    place: tuple[str, int], asked: bytes, answer: bytes, then: bytes
) -> None:
    with socket.create_connection(place, timeout=10) as client:
        client.sendall(asked)
        if answer:
            assert client.recv(65536).startswith(answer)
        client.sendall(then)
        assert b"HTTP/1.1" not in read_all(client)


def test_a_head_that_drips_is_closed_too(place: tuple[str, int]) -> None:
    """Each piece does not begin the time anew."""
    with socket.create_connection(place, timeout=0.05) as client:
        client.sendall(b"GET / HTTP/1.1\r\n")
        for _ in range(200):
            try:
                client.sendall(b"a: b\r\n")
                if client.recv(1) == b"":
                    return
            except TimeoutError:
                continue
            except OSError:
                return
    pytest.fail("it was never closed")


@pytest.mark.parametrize(
    ("begin", "piece", "answer"),
    [
        (b"GET / HTTP/1.1\r\n", b"a: b\r\n", b"Invalid HTTP request received."),
        (b"GET / HTTP/1.1\r\na: ", b"bbbb", b"Invalid HTTP request received."),
        (b"GET /", b"aaaa", b"Invalid HTTP request received."),
        (b"", b"\r\n", b"Invalid HTTP request received."),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n", b"a: b\r\n", b"hello"),
        (CHUNKED, b"1;" + b"a" * 4000, b""),
        (CHUNKED + b"0\r\n", b"a: b\r\n", b""),
    ],
    ids=["lines", "a line", "an address", "no line", "a second head", "extensions", "trailers"],
)
def test_what_has_no_end_is_not_kept(
    place: tuple[str, int], begin: bytes, piece: bytes, answer: bytes
) -> None:
    sent = 0
    with socket.create_connection(place, timeout=10) as client:
        client.sendall(begin)
        try:
            for _ in range(100):
                sent += len(piece) * 20_000
                client.sendall(piece * 20_000)
        except OSError:  # it does not listen any more
            pass
        try:
            received = read_all(client)
        except OSError:
            received = b""
    assert sent < 100 * 20_000 * len(piece)
    assert answer in received or not received  # what was not read yet may take the answer with it


def test_who_sends_too_long_a_head_is_told_so(place: tuple[str, int]) -> None:
    with socket.create_connection(place, timeout=10) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nCookie: " + b"b" * 66_000)
        answer = read_all(client)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.endswith(b"Invalid HTTP request received.")


def test_the_longest_head_is_answered(place: tuple[str, int]) -> None:
    with socket.create_connection(place, timeout=10) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n")
        client.sendall(b"a: b\r\n" * 10_000 + b"\r\n")
        assert b"hello" in read_all(client)


def test_a_slow_answer_is_waited_for() -> None:
    app, go_on = FastAPI(), threading.Event()

    @app.get("/")
    def _index() -> str:
        go_on.wait(10)
        return "hello"

    with serving(app) as place, socket.create_connection(place, timeout=10) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        client.settimeout(3 * Hasty.head_seconds)
        with pytest.raises(TimeoutError):
            client.recv(1)
        go_on.set()
        client.settimeout(10)
        assert b"hello" in read_all(client)
