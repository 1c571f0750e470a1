"""Gemini for those who time a server: whatever is asked is answered after a second.

The answer is the emulator's to the first request of that address. So the emulator, which looks at
each image and checks each word, does not take the processor from the server that is timed: the
real Gemini does not either. `python replay.py PORT EMULATOR_URL SECONDS`
"""

from __future__ import annotations

import asyncio
import re
import sys
from functools import partial
from http.client import HTTPConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_MOST_BYTES = 50_000_000
_OF_ITS_HOP = frozenset({"host", "content-length", "connection", "accept-encoding"})


async def main(port: int, emulator: str, seconds: float) -> None:
    answers: dict[str, asyncio.Task[bytes]] = {}

    async def answer(path: str, head: str, body: bytes) -> bytes:
        if path not in answers:
            ask = asyncio.to_thread(ask_emulator, emulator, path, head, body)
            answers[path] = asyncio.create_task(ask)
        (found, _) = await asyncio.gather(answers[path], asyncio.sleep(seconds))
        return found

    server = await asyncio.start_server(
        partial(serve, answer), "127.0.0.1", port, limit=_MOST_BYTES, backlog=1000
    )
    async with server:
        await server.serve_forever()


async def serve(
    answer: Callable[[str, str, bytes], Awaitable[bytes]],
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    """Answer all requests of one connection."""
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            length = re.search(r"^content-length: *(\d+)", head, re.IGNORECASE | re.MULTILINE)
            body = await reader.readexactly(int(length[1]) if length else 0)
            method, path, _ = head.split(" ", 2)
            if method == "GET":
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            else:
                writer.write(await answer(path, head, body))
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def ask_emulator(emulator: str, path: str, head: str, body: bytes) -> bytes:
    """Return the whole answer, as it is sent."""
    lines = [line.split(":", 1) for line in head.split("\r\n")[1:] if line]
    headers = {name: value.strip() for name, value in lines if name.lower() not in _OF_ITS_HOP}
    connection = HTTPConnection(urlsplit(emulator).netloc, timeout=60)
    connection.request("POST", path, body, headers)
    response = connection.getresponse()
    text = response.read()
    connection.close()
    kind = response.getheader("content-type", "application/json")
    start = f"HTTP/1.1 {response.status} {response.reason}\r\ncontent-type: {kind}\r\n"
    return f"{start}content-length: {len(text)}\r\n\r\n".encode() + text


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
