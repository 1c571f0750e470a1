"""Fetching: every token to its own host, private addresses closed, every limit kept."""

from __future__ import annotations

import asyncio
import gzip
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from images_server import IMAGE, KEY, PNG, Answer, Names, fetch, login, reading, redirect, serving
from label_studio_gemini.errors import (
    FetchError,
    ImageError,
    ImageFormatError,
    UnavailableError,
)
from label_studio_gemini.images import ImageLimits

if TYPE_CHECKING:
    from collections.abc import Sequence


async def test_an_upload_is_fetched_from_label_studio_with_the_token() -> None:
    async with serving({"/data/upload/5/a.png": IMAGE}) as site, reading() as reader:
        image = await reader.read("/data/upload/5/a.png", login=login(site), task_id=1)
    assert (image.data, image.mime_type, image.size) == (PNG, "image/png", (6, 4))
    assert site.tokens == [f"Token {KEY}"]
    assert site.seen[0].headers["accept-encoding"] == "identity"
    assert site.seen[0].headers["host"] == f"127.0.0.1:{site.port}"


@dataclass(frozen=True)
class Target:
    why: str
    address: str
    target: str
    sub_path: str = ""


TARGETS = [
    Target("a space is escaped", "/data/upload/1/a b.png", "/data/upload/1/a%20b.png"),
    Target("an escape is kept", "/data/upload/1/a%20b.png", "/data/upload/1/a%20b.png"),
    Target("so are letters", "/data/upload/1/é.png", "/data/upload/1/%C3%A9.png"),
    Target(
        "and in the query",
        "/data/local-files/?d=ü/a b%2Bc.png",
        "/data/local-files/?d=%C3%BC/a%20b%2Bc.png",
    ),
    Target("no fragment is sent", "/data/upload/1/a.png#top", "/data/upload/1/a.png"),
    Target("a sub-path leads", "/data/upload/1/a.png", "/ls/data/upload/1/a.png", "/ls"),
    Target("its slash is not doubled", "/data/upload/1/a.png", "/ls/data/upload/1/a.png", "/ls/"),
    Target("nor is the sub-path", "/ls/data/upload/1/a.png", "/ls/data/upload/1/a.png", "/ls"),
    Target(
        "storages are asked for a link, by the task and the address in base64",
        "s3://bucket/a b?.png",
        "/ls/tasks/7/presign/?fileuri=czM6Ly9idWNrZXQvYSBiPy5wbmc%3D",
        "/ls",
    ),
    Target("gs too", "gs://b/x", "/tasks/7/presign/?fileuri=Z3M6Ly9iL3g%3D"),
    Target("and azure", "azure-blob://b/>>>", "/tasks/7/presign/?fileuri=YXp1cmUtYmxvYjovL2IvPj4-"),
]  # fmt: skip


@pytest.mark.parametrize("case", TARGETS, ids=lambda case: case.why)
async def test_what_label_studio_is_asked_for(case: Target) -> None:
    async with serving({case.target.partition("?")[0]: IMAGE}) as site, reading() as reader:
        assert await fetch(reader, case.address, login(site, path=case.sub_path)) == PNG
    assert site.targets == [case.target]
    assert site.tokens == [f"Token {KEY}"]


async def test_an_absolute_address_of_label_studio_gets_the_token() -> None:
    async with serving({"/data/upload/1/a.png": IMAGE}) as site, reading() as reader:
        assert await fetch(reader, f"{site.url}/data/upload/1/a.png", login(site)) == PNG
    assert site.tokens == [f"Token {KEY}"]


async def test_no_other_origin_gets_the_token() -> None:
    """Another port of the same machine is another server."""
    async with serving() as site, serving({"/a.png": IMAGE}) as other:
        hosts = frozenset({f"127.0.0.1:{other.port}"})
        async with reading(allowed_hosts=hosts) as reader:
            assert await fetch(reader, f"{other.url}/a.png", login(site)) == PNG
    assert other.tokens == [None]
    assert site.seen == []


async def test_a_redirect_elsewhere_does_not_take_the_token_along() -> None:
    """Label Studio signs a link to a bucket; the bucket refuses a foreign Authorization header."""
    async with serving({"/signed": IMAGE}) as bucket, serving() as site:
        site.routes["/tasks/7/presign/"] = redirect(f"{bucket.url}/signed?X-Sig=secret", 303)
        async with reading(allowed_hosts=frozenset({"127.0.0.1"})) as reader:
            assert await fetch(reader, "s3://bucket/a.png", login(site)) == PNG
    assert site.tokens == [f"Token {KEY}"]
    assert (bucket.tokens, bucket.targets) == ([None], ["/signed?X-Sig=secret"])


async def test_a_redirect_within_label_studio_keeps_the_token() -> None:
    async with serving({"/data/b.png": IMAGE}) as site, reading() as reader:
        site.routes["/data/a.png"] = redirect("b.png", 301)
        assert await fetch(reader, "/data/a.png", login(site)) == PNG
    assert site.tokens == [f"Token {KEY}"] * 2


async def test_a_token_that_left_comes_back_only_to_its_own_host() -> None:
    async with serving({"/data/b.png": IMAGE}) as site, serving() as other:
        site.routes["/data/a.png"] = redirect(f"{other.url}/away")
        other.routes["/away"] = redirect(f"{site.url}/data/b.png")
        async with reading(allowed_hosts=frozenset({"127.0.0.1"})) as reader:
            assert await fetch(reader, "/data/a.png", login(site)) == PNG
    assert other.tokens == [None]


async def test_cookies_are_not_kept() -> None:
    async with serving({"/data/b.png": IMAGE}) as site, reading() as reader:
        site.routes["/data/a.png"] = Answer(
            status=302,
            headers={"Location": "/data/b.png", "Set-Cookie": "sessionid=secret; Path=/"},
        )
        await fetch(reader, "/data/a.png", login(site))
    assert all("cookie" not in request.headers for request in site.seen)


async def test_a_password_in_an_address_goes_to_its_host_only_and_into_no_error() -> None:
    async with serving({"/gone": Answer(status=404)}) as site:
        site.routes["/a.png"] = redirect(f"http://root:toor@127.0.0.1:{site.port}/gone")
        async with reading(allowed_hosts=frozenset({"127.0.0.1"})) as reader:
            with pytest.raises(FetchError) as caught:
                await fetch(reader, f"http://ann:pa%3Ass@127.0.0.1:{site.port}/a.png", None)
    assert site.tokens == ["Basic YW5uOnBhOnNz", None]
    assert "toor" not in str(caught.value)
    assert "ann" not in str(caught.value)


# -- limits ----------------------------------------------------------------------------------------


async def test_a_server_that_drips_is_given_up_when_the_time_is_over() -> None:
    """Each byte comes soon enough; it is the whole that takes too long."""
    async with (
        serving({"/data/a.png": Answer(PNG, drip=0.02)}) as site,
        reading(limits=ImageLimits(seconds=0.3)) as reader,
    ):
        with pytest.raises(UnavailableError, match=r"within 0\.3 s"):
            await asyncio.wait_for(fetch(reader, "/data/a.png", login(site)), 5)


@pytest.mark.parametrize("length", [None, 10_000_000])
async def test_a_file_that_is_too_large_is_not_read_to_its_end(length: int | None) -> None:
    answer = Answer(b"x" * 3000, length=length, drip=0.01)
    async with (
        serving({"/data/a.png": answer}) as site,
        reading(limits=ImageLimits(bytes=2000)) as reader,
    ):
        with pytest.raises(FetchError, match="larger than 2,000 bytes"):
            await asyncio.wait_for(fetch(reader, "/data/a.png", login(site)), 5)


async def test_what_a_server_compressed_unasked_is_limited_as_it_grows() -> None:
    bomb = Answer(gzip.compress(bytes(5_000_000)), headers={"Content-Encoding": "gzip"})
    fine = Answer(gzip.compress(PNG), headers={"Content-Encoding": "gzip"})
    async with (
        serving({"/data/bomb": bomb, "/data/fine": fine}) as site,
        reading(limits=ImageLimits(bytes=100_000)) as reader,
    ):
        assert await fetch(reader, "/data/fine", login(site)) == PNG
        with pytest.raises(FetchError, match="larger than"):
            await fetch(reader, "/data/bomb", login(site))


async def test_redirects_are_followed_five_times() -> None:
    async with serving({"/data/5": IMAGE}) as site, reading() as reader:
        for hop in range(5):
            site.routes[f"/data/{hop}"] = redirect(f"/data/{hop + 1}", 307)
        assert await fetch(reader, "/data/0", login(site)) == PNG
        site.routes["/data/5"] = redirect("/data/0", 308)
        with pytest.raises(FetchError, match="more than 5 times"):
            await fetch(reader, "/data/0", login(site))


async def test_a_body_that_breaks_off_is_not_an_image() -> None:
    async with (
        serving({"/data/a.png": Answer(PNG, length=len(PNG) + 1)}) as site,
        reading() as reader,
    ):
        with pytest.raises(UnavailableError, match="broke off"):
            await fetch(reader, "/data/a.png", login(site))


async def test_32_images_at_once() -> None:
    async with serving({"/data/a.png": IMAGE}) as site, reading() as reader:
        reads = (fetch(reader, "/data/a.png", login(site)) for _ in range(32))
        assert await asyncio.gather(*reads) == [PNG] * 32


# -- answers that are no image ---------------------------------------------------------------------


@dataclass(frozen=True)
class Trouble:
    why: str
    answer: Answer
    error: type[ImageError]
    match: str
    hint: str
    token: str | None = KEY


LOGIN_PAGE = redirect("/user/login/?next=/data/a.png")
REFUSED = (FetchError, "refuses the legacy key")
TROUBLES = [
    Trouble("a login page is no image", LOGIN_PAGE, *REFUSED, "legacy keys are off"),
    Trouble("without a token too", LOGIN_PAGE, FetchError, "there is no token", "API_KEY", None),
    Trouble("401", Answer(status=401), *REFUSED, "LABEL_STUDIO_API_KEY"),
    Trouble("403", Answer(status=403), FetchError, "HTTP 403", "member"),
    Trouble("404", Answer(status=404), FetchError, "HTTP 404", "gone from Label Studio"),
    Trouble("410", Answer(status=410), FetchError, "HTTP 410", "gone from Label Studio"),
    Trouble("413", Answer(status=413), FetchError, "HTTP 413", "too large"),
    Trouble("424", Answer(status=424), FetchError, "HTTP 424", "Cloud Storage"),
    Trouble("418", Answer(status=418), FetchError, "HTTP 418", "browser"),
    Trouble("304 without a place to go", Answer(status=304), FetchError, "HTTP 304", "browser"),
    Trouble("429 may pass", Answer(status=429), UnavailableError, "HTTP 429", "later"),
    Trouble("500 may pass", Answer(status=500), UnavailableError, "HTTP 500", "later"),
    Trouble("a page", Answer(b"\n<!DOCTYPE HTML><p>hello"), FetchError, "is a web page", "login"),
    Trouble("text", Answer(b"hello"), ImageFormatError, "no image of a kind", "PNG, JPEG"),
    Trouble("nothing", Answer(b""), ImageFormatError, "it is empty", "again"),
]  # fmt: skip


@pytest.mark.parametrize("case", TROUBLES, ids=lambda case: case.why)
async def test_each_answer_without_an_image_says_what_would_help(case: Trouble) -> None:
    async with serving({"/data/a.png": case.answer}) as site, reading() as reader:
        with pytest.raises(case.error, match=case.match) as caught:
            await fetch(reader, "/data/a.png", login(site, case.token))
    assert type(caught.value) is case.error
    assert case.hint in caught.value.hint


@pytest.mark.parametrize(
    ("status", "hint"), [(401, "to Label Studio alone"), (403, "signed link"), (404, "browser")]
)
async def test_other_hosts_have_hints_of_their_own(status: int, hint: str) -> None:
    async with (
        serving({"/a.png": Answer(status=status)}) as site,
        reading(allowed_hosts=frozenset({"127.0.0.1"})) as reader,
    ):
        with pytest.raises(FetchError, match=f"HTTP {status}") as caught:
            await fetch(reader, f"{site.url}/a.png", None)
    assert hint in caught.value.hint


async def test_a_label_studio_under_another_port_than_configured_is_pointed_out() -> None:
    async with (
        serving({"/a.png": Answer(status=401)}) as site,
        serving() as configured,
        reading(allowed_hosts=frozenset({"127.0.0.1"})) as reader,
    ):
        with pytest.raises(FetchError) as caught:
            await fetch(reader, f"{site.url}/a.png", login(configured))
    assert f"set LABEL_STUDIO_URL to {site.url}" in caught.value.hint


async def test_a_host_that_is_down_may_be_up_later() -> None:
    async with serving() as site:
        pass
    async with reading() as reader:
        with pytest.raises(UnavailableError, match="does not answer") as caught:
            await fetch(reader, "/data/a.png", login(site))
    assert caught.value.retryable


async def test_a_name_that_nobody_knows_may_be_known_later() -> None:
    async def unknown(_host: str, _port: int) -> Sequence[str]:
        raise OSError("no such name")

    async with reading(resolver=unknown) as reader:
        with pytest.raises(UnavailableError, match="has no address"):
            await fetch(reader, "http://photos.example/a.png", None)


async def test_a_name_without_addresses_may_have_some_later() -> None:
    async with reading(resolver=Names({"photos.example": [[]]})) as reader:
        with pytest.raises(UnavailableError, match="has no address"):
            await fetch(reader, "http://photos.example/a.png", None)


async def test_no_secret_reaches_a_log_or_an_error(caplog: pytest.LogCaptureFixture) -> None:
    """Not the token, not the signature of a signed link, at the level that programs log at."""
    caplog.set_level(logging.INFO)
    async with serving() as site:
        site.routes["/tasks/7/presign/"] = redirect(f"{site.url}/gone?X-Amz-Signature=SECRET", 303)
        async with reading() as reader:
            with pytest.raises(FetchError) as caught:
                await fetch(reader, "s3://bucket/a.png", login(site))
    said = caplog.text + str(caught.value)
    assert "SECRET" not in said
    assert KEY not in said
    assert KEY not in repr(login(site))


async def test_the_environment_s_proxy_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving({"/data/a.png": IMAGE}) as site, reading() as reader:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        assert await fetch(reader, "/data/a.png", login(site)) == PNG
