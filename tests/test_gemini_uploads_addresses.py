"""Images by their public addresses: hosts that Gemini cannot fetch from are learnt."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import pytest

from label_studio_gemini.emulator import Fault, Problem
from label_studio_gemini.errors import RequestError
from label_studio_gemini.gemini.types import GeminiReply, UriImage, Usage
from label_studio_gemini.gemini.uploads.addresses import ClosedHosts
from uploads_kit import APIS, PARK, Api, asked, image, questions, uploading, ways

if TYPE_CHECKING:
    from label_studio_gemini.emulator import RunningEmulator
    from label_studio_gemini.gemini import GeminiRequest

OPEN = "https://open.example/park.png"
CLOSED = "https://closed.example:8443/%d.png"


@pytest.mark.parametrize("api", APIS)
async def test_a_host_that_gemini_cannot_fetch_from_is_named_once(
    api: Api, gemini: RunningEmulator
) -> None:
    """Of 20 tasks one is sent twice; other hosts are named as before."""
    gemini.emulator.publish(OPEN, PARK, "image/png")
    async with uploading(gemini, "url", api=api) as wrapper:
        for number in range(20):
            await wrapper.generate(asked(image(address=CLOSED % number)))
        await wrapper.generate(asked(image(address=OPEN), image(address=CLOSED % 1)))
    sent = [ways(one) for one in questions(gemini)]
    assert sent == [[CLOSED % 0], *[["inline"]] * 20, [OPEN, "inline"]]


async def test_those_that_come_together_all_find_it_out_and_no_other(
    gemini: RunningEmulator,
) -> None:
    async with uploading(gemini, "url") as wrapper:
        for _ in range(2):
            request = asked(image(address=CLOSED % 1))
            await asyncio.gather(*(wrapper.generate(request) for _ in range(4)))
    sent = [ways(one) for one in questions(gemini)]
    assert sent.count(["inline"]) == 8
    assert sent.count([CLOSED % 1]) <= 4


class Picky:
    """Refuses one address, by name; or whatever it is sent."""

    def __init__(self, *, everything: bool = False) -> None:
        self.everything = everything
        self.sent: list[list[str]] = []

    async def generate(self, request: GeminiRequest) -> GeminiReply:
        uris = [one.uri for one in request.images if isinstance(one, UriImage)]
        self.sent.append(uris)
        closed = [one for one in uris if "closed" in one]
        if closed or self.everything:
            raise RequestError(f"400: Cannot fetch the URL {closed}.", hint="")
        return GeminiReply("[]", Usage())

    async def aclose(self) -> None:
        pass


async def test_of_several_the_host_that_is_named_is_the_one(gemini: RunningEmulator) -> None:
    picky = Picky()
    async with uploading(gemini, "url", inner=picky) as wrapper:
        for _ in range(2):
            await wrapper.generate(asked(image(address=OPEN), image(address=CLOSED % 1)))
    assert picky.sent == [[OPEN, CLOSED % 1], [], [OPEN]]


async def test_where_the_address_was_not_the_reason_nothing_is_learnt(
    gemini: RunningEmulator,
) -> None:
    picky = Picky(everything=True)
    async with uploading(gemini, "url", inner=picky) as wrapper:
        for _ in range(2):
            with pytest.raises(RequestError):
                await wrapper.generate(asked(image(address=OPEN)))
    assert picky.sent == [[OPEN], []] * 2


async def test_a_refusal_about_something_else_says_nothing_of_the_host(
    gemini: RunningEmulator,
) -> None:
    gemini.emulator.publish(OPEN, PARK, "image/png")
    gemini.script(Fault(problem=Problem.BAD_REQUEST))
    async with uploading(gemini, "url") as wrapper:
        with pytest.raises(RequestError):
            await wrapper.generate(asked(image(address=OPEN)))
        await wrapper.generate(asked(image(address=OPEN)))
    assert [ways(one) for one in questions(gemini)] == [[OPEN], [OPEN]]


def test_no_more_than_a_thousand_hosts_are_remembered() -> None:
    closed = ClosedHosts()
    for number in range(1_001):
        closed.add({f"https://h{number}.example/a.png"}, "It cannot be fetched.")
    request = asked(*(image(address=f"https://h{n}.example/b.png") for n in range(1_002)))
    left = {re.sub(r"\D", "", one) for one in closed.open_addresses(request)}
    assert left == {"0", "1001"}
