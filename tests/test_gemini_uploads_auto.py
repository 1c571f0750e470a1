"""When the choice is ours: what is uploaded, what stays inline, and what may still change that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from label_studio_gemini.emulator import Fault, Problem
from label_studio_gemini.emulator.api import Api as Endpoint
from label_studio_gemini.errors import RequestError, ServiceError
from uploads_kit import asked, padded, questions, starts, uploading, ways

if TYPE_CHECKING:
    from label_studio_gemini.emulator import RunningEmulator

MB = 1_000_000
UPLOADS = frozenset({Endpoint.FILES})


@dataclass(frozen=True)
class Case:
    """A request in the mode `auto`, and which of its images are uploaded."""

    name: str
    sizes: tuple[int, ...]
    uploaded: tuple[bool, ...]
    inline_bytes: int = 4 * MB
    examples: tuple[int, ...] = ()
    again: bool = False


CASES = [
    Case("small", (100_000,), (False,)),
    Case("just within: base64 makes 4 of 3", (3 * MB,), (False,)),
    Case("just above", (3 * MB + 1,), (True,)),
    Case("the largest goes first", (1 * MB, 2 * MB, 800_000), (False, True, False)),
    Case("and as many as it takes", (2 * MB, 3 * MB, 1_500_000), (True, True, False)),
    Case("examples come back", (100_000,), (True, False), examples=(90_000,)),
    Case("large and seen before", (1 * MB,), (True,), again=True),
    Case("small and seen before", (999_999,), (False,), again=True),
    Case("nothing may be inline", (90_000, 100_000), (True, True), inline_bytes=0),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_auto(case: Case, gemini: RunningEmulator) -> None:
    images = [padded(size, seed) for seed, size in enumerate(case.sizes)]
    examples = [padded(size, 10) for size in case.examples]
    request = asked(*images, examples=examples)
    async with uploading(gemini, "auto", inline_bytes=case.inline_bytes) as wrapper:
        for _ in range(2 if case.again else 1):
            await wrapper.generate(request)
    sent = ways(questions(gemini)[-1])
    assert tuple(way != "inline" for way in sent) == case.uploaded


async def test_a_request_that_failed_was_no_use_of_its_image(gemini: RunningEmulator) -> None:
    gemini.script(Fault(problem=Problem.OVERLOADED))
    async with uploading(gemini, "auto") as wrapper:
        with pytest.raises(ServiceError):
            await wrapper.generate(asked(padded(2 * MB)))
        await wrapper.generate(asked(padded(2 * MB)))
    assert starts(gemini) == []


async def test_where_uploads_are_refused_auto_sends_inline(gemini: RunningEmulator) -> None:
    """Once refused as unknown, the Files API is not asked again; `files` gives the error."""
    gemini.script(Fault(problem=Problem.NOT_FOUND, on=UPLOADS, times=None))
    async with uploading(gemini, "auto", inline_bytes=0) as wrapper:
        await wrapper.generate(asked())
        await wrapper.generate(asked())
    assert [ways(one) for one in questions(gemini)] == [["inline"], ["inline"]]
    assert len(starts(gemini)) == 1
    async with uploading(gemini, "files") as wrapper:
        with pytest.raises(RequestError, match="image_transport: inline"):
            await wrapper.generate(asked())
