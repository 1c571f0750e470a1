"""Personal access tokens: exchanged once for all, renewed in time, told to their host alone."""

from __future__ import annotations

import asyncio
import base64
import json
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from images_server import Answer, Seen, Site, png, redirect, serving
from label_studio_gemini.errors import AddressError, FetchError, ImageError, UnavailableError
from label_studio_gemini.images import ImageLimits, ImageReader, LabelStudioLogin
from label_studio_gemini.images.tokens import Tokens
from label_studio_gemini.images.web import Web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

T = TypeVar("T")
PNG = png()
REFRESH = "/api/token/refresh/"
IMAGE = "/data/a.png"


def jwt(**claims: object) -> str:
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256"}, claims)]
    encoded = [base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, "c2ln"])


PAT = jwt(token_type="refresh", exp=9_999_999_999)


@dataclass(slots=True)
class LabelStudio:
    """A Label Studio that takes access tokens: a new one for each refresh, good until revoked."""

    lifetime: int | None = 300
    issued_at: int = 1_000_000
    site: Site = field(default_factory=Site)
    current: str = ""
    revoked: set[str] = field(default_factory=set)
    count: int = 0

    def refresh(self, request: Seen) -> Answer:
        if json.loads(request.body) != {"refresh": PAT} or request.method != "POST":
            return Answer(b'{"detail":"Token is invalid"}', status=401)
        self.count += 1
        claims: dict[str, object] = {"jti": self.count}
        if self.lifetime is not None:
            claims |= {"iat": self.issued_at, "exp": self.issued_at + self.lifetime}
        self.current = jwt(**claims)
        return Answer(json.dumps({"access": self.current}).encode())

    def image(self, request: Seen) -> Answer:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        return Answer(PNG) if token == self.current not in self.revoked else Answer(status=401)


@dataclass(slots=True)
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def label_studio(
    clock: Clock | None = None, **options: int | None
) -> AsyncIterator[tuple[LabelStudio, ImageReader, LabelStudioLogin]]:
    studio = LabelStudio(**options)  # type: ignore[arg-type]
    reader = ImageReader(clock=clock or Clock())
    async with serving({REFRESH: studio.refresh, IMAGE: studio.image}) as site:
        studio.site = site
        try:
            yield studio, reader, LabelStudioLogin(site.url, PAT)
        finally:
            await reader.aclose()


async def fetch(reader: ImageReader, who: LabelStudioLogin) -> bytes:
    return (await reader.read(IMAGE, login=who, task_id=1)).data


async def test_a_personal_access_token_is_exchanged_and_the_answer_sent_as_bearer() -> None:
    async with label_studio() as (studio, reader, who):
        assert await fetch(reader, who) == PNG
    exchange, image = studio.site.seen
    assert (exchange.method, exchange.target) == ("POST", REFRESH)
    assert json.loads(exchange.body) == {"refresh": PAT}
    assert "authorization" not in exchange.headers
    assert image.headers["authorization"] == f"Bearer {studio.current}"


async def test_32_images_at_once_cost_one_exchange() -> None:
    async with label_studio() as (studio, reader, who):
        assert await asyncio.gather(*(fetch(reader, who) for _ in range(32))) == [PNG] * 32
    assert studio.count == 1


@dataclass(frozen=True)
class Life:
    why: str
    lifetime: int | None
    still_good: float
    too_old: float


LIVES = [
    Life("30 s before its end", 300, 269, 270),
    Life("another life", 1000, 969, 970),
    Life("300 s where it does not say", None, 269, 270),
    Life("a short life is half used", 20, 9, 10),
]


@pytest.mark.parametrize("case", LIVES, ids=lambda case: case.why)
async def test_it_is_renewed_before_its_end(case: Life) -> None:
    """By its own end and beginning: Label Studio's clock need not agree with ours."""
    clock = Clock()
    async with label_studio(clock, lifetime=case.lifetime) as (studio, reader, who):
        for later, count in ((0.0, 1), (case.still_good, 1), (case.too_old, 2)):
            clock.now = 1000 + later
            assert await fetch(reader, who) == PNG
            assert studio.count == count


@pytest.mark.parametrize(
    "access", ["opaque", "a.!!!.c", "a.bm9uc2Vuc2U.c", "a.W10.c", "a.eyJleHAiOiJ4In0.c"]
)
async def test_an_access_token_that_says_nothing_is_taken_for_300_seconds(access: str) -> None:
    clock = Clock()
    async with label_studio(clock) as (studio, reader, who):
        studio.current = access
        answer = Answer(json.dumps({"access": access}).encode())
        studio.site.routes[REFRESH] = answer
        for later in (0, 269, 270):
            clock.now = 1000 + later
            assert await fetch(reader, who) == PNG
        assert studio.site.targets == [REFRESH, IMAGE, IMAGE, REFRESH, IMAGE]


async def test_one_that_says_only_its_end_is_measured_by_our_clock() -> None:
    clock = Clock()
    async with label_studio(clock) as (studio, reader, who):
        studio.current = jwt(exp=1100)
        studio.site.routes[REFRESH] = Answer(json.dumps({"access": studio.current}).encode())
        for later in (0, 69, 70):
            clock.now = 1000 + later
            assert await fetch(reader, who) == PNG
        assert studio.site.targets == [REFRESH, IMAGE, IMAGE, REFRESH, IMAGE]


async def test_one_that_is_refused_before_its_end_is_renewed_once_by_all() -> None:
    async with label_studio() as (studio, reader, who):
        await fetch(reader, who)
        studio.revoked.add(studio.current)
        assert await asyncio.gather(*(fetch(reader, who) for _ in range(32))) == [PNG] * 32
        assert studio.count == 2


async def test_it_is_not_renewed_again_and_again() -> None:
    async with label_studio() as (studio, reader, who):
        studio.site.routes[IMAGE] = redirect("/user/login/?next=/data/a.png")
        with pytest.raises(FetchError, match="refuses the personal access token"):
            await fetch(reader, who)
        assert studio.count == 2
        assert studio.site.targets == [REFRESH, IMAGE] * 2


@dataclass(frozen=True)
class Trouble:
    why: str
    answer: Answer
    error: type[ImageError]
    match: str


TROUBLES = [
    Trouble("revoked", Answer(status=401), FetchError, "revoked, has expired"),
    Trouble("no such page", Answer(status=404), FetchError, "no way to renew"),
    Trouble("a redirect is not followed", redirect("http://127.0.0.1:1/"), FetchError, "no way"),
    Trouble("down", Answer(status=502), UnavailableError, "HTTP 502"),
    Trouble("busy", Answer(status=429), UnavailableError, "HTTP 429"),
    Trouble("not json", Answer(b"<html>"), FetchError, "like no Label Studio"),
    Trouble("no token in it", Answer(b"{}"), FetchError, "like no Label Studio"),
    Trouble("endless", Answer(b"x" * 70_000), FetchError, "larger than"),
]


class InPlace(ThreadPoolExecutor):
    """Does at once what is meant for threads, so that all tasks get as far at the same time."""

    def submit(self, work: Callable[..., T], /, *given: Any, **named: Any) -> Future[T]:
        done: Future[T] = Future()
        done.set_result(work(*given, **named))
        return done


@pytest.mark.parametrize("case", TROUBLES, ids=lambda case: case.why)
async def test_what_can_go_wrong_in_the_exchange(case: Trouble) -> None:
    """All images that wait for it share its error; it is tried once."""
    async with label_studio() as (studio, reader, who):
        studio.site.routes[REFRESH] = case.answer
        asyncio.get_running_loop().set_default_executor(InPlace())
        images = [fetch(reader, who) for _ in range(8)]
        errors = await asyncio.gather(*images, return_exceptions=True)
        for error in errors:
            assert isinstance(error, case.error)
            assert case.match in error.message
            assert error.hint
            assert PAT not in str(error)
        assert studio.site.targets == [REFRESH]


async def test_an_exchange_that_hangs_is_given_up() -> None:
    hanging = Answer(b"{", drip=0.02)
    async with serving({REFRESH: hanging}) as site:
        reader = ImageReader(limits=ImageLimits(seconds=0.3))
        with pytest.raises(UnavailableError, match=r"in time|within"):
            await fetch(reader, LabelStudioLogin(site.url, PAT))
        await reader.aclose()


async def test_an_exchange_that_nobody_waits_for_any_more_ends_too() -> None:
    limits = ImageLimits(seconds=0.1)
    async with serving({REFRESH: Answer(b"{", drip=0.01)}) as site:
        web = Web(limits=limits)
        tokens = Tokens(web, seconds=limits.seconds)
        with pytest.raises(UnavailableError, match="did not renew the token in time"):
            await tokens.authorization(LabelStudioLogin(site.url, PAT))
        await web.aclose()


async def test_one_image_given_up_does_not_stop_the_exchange_for_the_others() -> None:
    async with label_studio() as (studio, reader, who):
        impatient = asyncio.create_task(fetch(reader, who))
        patient = asyncio.create_task(fetch(reader, who))
        await studio.site.asked.wait()
        impatient.cancel()
        assert await patient == PNG
        assert studio.count == 1


async def test_closing_stops_an_exchange_under_way() -> None:
    async with serving({REFRESH: Answer(b"{", drip=0.01)}) as site:
        reader = ImageReader()
        image = asyncio.create_task(fetch(reader, LabelStudioLogin(site.url, PAT)))
        await site.asked.wait()
        await reader.aclose()
        with pytest.raises(asyncio.CancelledError):
            await image


async def test_each_login_has_an_access_token_of_its_own() -> None:
    async with label_studio() as (_, reader, who), label_studio() as (other, _, stranger):
        await fetch(reader, who)
        await fetch(reader, stranger)
        assert other.count == 1


async def test_under_a_sub_path_the_exchange_is_there_too() -> None:
    async with label_studio() as (studio, reader, who):
        studio.site.routes["/ls" + REFRESH] = studio.refresh
        studio.site.routes["/ls" + IMAGE] = studio.image
        assert await fetch(reader, LabelStudioLogin(f"{who.url}/ls/", PAT)) == PNG
        assert studio.site.targets == ["/ls" + REFRESH, "/ls" + IMAGE]


@pytest.mark.parametrize("token", ["two words", "line\nend", "naïve", "a\r\nHost: evil"])
async def test_a_token_that_is_none_is_refused_without_being_quoted(token: str) -> None:
    reader = ImageReader()
    with pytest.raises(AddressError, match="The token of Label Studio") as caught:
        await fetch(reader, LabelStudioLogin("http://127.0.0.1:1", token))
    assert token not in str(caught.value)
    await reader.aclose()


@pytest.mark.parametrize(
    "url", ["", "label-studio:8080", "ftp://h", "http://", "http://h:0/", "/x"]
)
async def test_a_login_without_a_usable_address_says_which_variable_is_wrong(url: str) -> None:
    reader = ImageReader()
    with pytest.raises(AddressError, match="is no address of a Label Studio") as caught:
        await fetch(reader, LabelStudioLogin(url, "key"))
    assert "LABEL_STUDIO_URL" in caught.value.hint
    await reader.aclose()
