"""What the cache costs those who do not wait for Gemini."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from cache_kit import USAGE, asked, caching, fake
from label_studio_gemini.gemini.types import GeminiReply, InlineImage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


async def test_a_hit_costs_the_event_loop_less_than_a_millisecond(
    tmp_path: Path, measured: Callable[[str], None]
) -> None:
    image = InlineImage(b"pixels", "image/png", digest="0" * 64)
    schema = {"enum": [f"label {number}" for number in range(200)]}
    request = replace(asked("Detect. " * 200), images=(image,), schema=schema)
    async with caching(tmp_path, fake(GeminiReply("x" * 20_000, USAGE))) as gemini:
        await gemini.generate(request)
        start, cpu = time.perf_counter(), time.thread_time()
        for _ in range(300):
            assert (await gemini.generate(request)).cached
        wall, cpu = time.perf_counter() - start, time.thread_time() - cpu
    measured(f"cache hit: {cpu / 0.3:.2f} ms of the event loop, {wall / 0.3:.2f} ms in all")
    assert cpu / 300 < 0.001


async def test_32_misses_at_once_add_less_than_30_ms(
    tmp_path: Path, measured: Callable[[str], None]
) -> None:
    """Besides a call of 0.1 s: the best of 5 times, or of more where others use the machine."""
    added: list[float] = []
    for attempt in range(20):
        if attempt >= 5 and min(added) < 0.030:
            break
        inner = fake()
        inner.seconds = 0.1
        async with caching(tmp_path, inner) as gemini:
            await gemini.generate(asked(f"the first of {attempt}"))  # opens the files
            start = time.perf_counter()
            await asyncio.gather(
                *(gemini.generate(asked(f"{attempt} {number}")) for number in range(32))
            )
            added.append(time.perf_counter() - start - inner.seconds)
        assert len(inner.asked) == 33
    measured(f"32 cache misses at once: {min(added) * 1000:.0f} ms more")
    assert min(added) < 0.030
