"""A process that asks through the cache, so that tests can start several, and kill them.

    python cache_process.py FOLDER NAME MODE [LEASE]

Each call to its Gemini is a line `NAME PROMPT` of FOLDER/calls, and is answered when FOLDER/open is
there. Each answer is a line `NAME PROMPT cached|paid` of FOLDER/answers. MODE is how many different
requests are asked, with `+` at once, else one after the other.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cache_kit import REPLY, asked, caching
from label_studio_gemini.cache.store import Turn

if TYPE_CHECKING:
    from label_studio_gemini.cache.store import Found, ReplyStore
    from label_studio_gemini.gemini.types import GeminiReply, GeminiRequest


def write_line(file: Path, line: str) -> None:
    """Write it as a whole, whoever else writes, and whoever kills us."""
    handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, f"{line}\n".encode())
    os.close(handle)


class Gemini:
    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name

    async def generate(self, request: GeminiRequest) -> GeminiReply:
        write_line(self._folder / "calls", f"{self._name} {request.prompt}")
        while not (self._folder / "open").exists():  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        return REPLY

    async def aclose(self) -> None:
        pass


def watch(store: ReplyStore, file: Path, name: str) -> None:
    """Write a line whenever it was seen that another process is asking."""
    real = store.claim

    async def claim(digest: str, *, fresh: bool = False) -> Found:
        found = await real(digest, fresh=fresh)
        if found is Turn.THEIRS:
            write_line(file, name)
        return found

    store.claim = claim  # type: ignore[method-assign]


async def main(folder: Path, name: str, mode: str, lease: float) -> None:
    async with caching(folder, Gemini(folder, name), store={"lease": lease}) as gemini:
        assert gemini._store is not None
        watch(gemini._store, folder / "waiting", name)

        async def ask(number: int) -> None:
            reply = await gemini.generate(asked(str(number)))
            way = "cached" if reply.cached else "paid"
            write_line(folder / "answers", f"{name} {number} {way}")

        numbers = range(int(mode.rstrip("+")))
        if mode.endswith("+"):
            await asyncio.gather(*map(ask, numbers))
        else:
            for number in numbers:
                await ask(number)
        write_line(folder / "done", name)
        while (folder / "stay").exists():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


if __name__ == "__main__":
    given = sys.argv[4] if sys.argv[4:] else "10"
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], float(given)))
