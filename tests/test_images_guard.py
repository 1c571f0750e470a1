"""Private addresses stay closed, however a task writes them, wherever a redirect leads."""

from __future__ import annotations

import httpx2
import pytest

from images_server import IMAGE, KEY, PNG, Answer, Names, fetch, login, reading, redirect, serving
from label_studio_gemini.errors import (
    AddressError,
    UnavailableError,
)
from label_studio_gemini.images import LabelStudioLogin

PRIVATE = [
    "10.0.0.1", "127.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1",
    "0.0.0.0", "::1", "fe80::1", "fd00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
async def test_a_name_that_leads_to_a_private_network_is_refused(address: str) -> None:
    async with reading(resolver=Names({"photos.example": [["8.8.8.8", address]]})) as reader:
        with pytest.raises(AddressError, match=r"photos\.example.*not on the public") as caught:
            await fetch(reader, "http://photos.example/a.png", None)
    assert "allowed_hosts" in caught.value.hint


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]", "2130706433", "0x7f.1", "127.1", "localhost", "[::ffff:7f00:1]"]
)
async def test_this_machine_is_refused_however_it_is_written(host: str) -> None:
    async with reading() as reader:
        with pytest.raises(AddressError, match="not on the public"):
            await fetch(reader, f"http://{host}:1/a.png", None)


async def test_a_redirect_to_a_private_network_is_refused() -> None:
    async with serving() as site, reading() as reader:
        site.routes["/data/a.png"] = redirect("http://169.254.169.254/latest/meta-data")
        with pytest.raises(AddressError, match=r"169\.254\.169\.254"):
            await fetch(reader, "/data/a.png", login(site))


async def test_a_redirect_to_another_port_of_label_studio_s_host_is_refused() -> None:
    async with serving() as site, serving({"/a.png": IMAGE}) as other, reading() as reader:
        site.routes["/data/a.png"] = redirect(f"{other.url}/a.png")
        with pytest.raises(AddressError, match="not on the public"):
            await fetch(reader, "/data/a.png", login(site))
    assert other.seen == []


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://h/a.png", "gopher://h"])
async def test_a_redirect_to_another_scheme_is_refused(target: str) -> None:
    async with serving() as site, reading() as reader:
        site.routes["/data/a.png"] = redirect(target)
        with pytest.raises(AddressError, match="redirects to"):
            await fetch(reader, "/data/a.png", login(site))


async def test_a_login_never_opens_the_metadata_service_but_the_config_may() -> None:
    """A /setup needs no password: who sends one must not get at the cloud's credentials."""
    metadata = LabelStudioLogin("http://metadata.example", KEY)
    names = Names({"metadata.example": [["169.254.169.254"]]})
    recorder = Recorder()
    async with reading(resolver=names, transport=recorder) as reader:
        with pytest.raises(AddressError, match=r"169\.254"):
            await fetch(reader, "/data/a.png", metadata)
    assert recorder.requests == []
    allowed = frozenset({"Metadata.example."})
    async with reading(resolver=names, transport=recorder, allowed_hosts=allowed) as reader:
        assert await fetch(reader, "/data/a.png", metadata) == PNG


class Recorder(httpx2.AsyncBaseTransport):
    """A transport that keeps what it is asked to send, and answers with an image."""

    def __init__(self) -> None:
        self.requests: list[httpx2.Request] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        return httpx2.Response(200, content=PNG)


async def test_the_address_that_was_checked_is_the_one_that_is_connected() -> None:
    """A name that answers otherwise the second time (DNS rebinding) is not asked a second time."""
    names = Names({"photos.example": [["93.184.216.34"], ["127.0.0.1"]]})
    recorder = Recorder()
    async with reading(resolver=names, transport=recorder) as reader:
        await fetch(reader, "https://photos.example:8443/a.png", None)
    (request,) = recorder.requests
    assert names.asked == ["photos.example"]
    assert request.url.host == "93.184.216.34"
    assert request.headers["host"] == "photos.example:8443"
    assert request.extensions["sni_hostname"] == "photos.example"


async def test_a_name_that_turns_private_after_a_redirect_is_refused() -> None:
    names = Names({"photos.example": [["127.0.0.1"], ["10.0.0.1"]]})
    async with serving() as site:
        site.routes["/a.png"] = redirect(f"http://photos.example:{site.port}/b.png")
        hosts = frozenset({"127.0.0.1"})
        async with reading(resolver=names, allowed_hosts=hosts) as reader:
            with pytest.raises(AddressError, match=r"127\.0\.0\.1"):
                await fetch(reader, f"{site.url}/a.png", None)
    assert site.targets == ["/a.png"]


async def test_a_name_is_connected_with_its_host_header() -> None:
    names = Names({"photos.example": [["127.0.0.1"]]})
    hosts = frozenset({"photos.example"})
    async with (
        serving({"/a.png": IMAGE}) as site,
        reading(resolver=names, allowed_hosts=hosts) as reader,
    ):
        assert await fetch(reader, f"http://photos.example:{site.port}/a.png", None) == PNG
    assert site.seen[0].headers["host"] == f"photos.example:{site.port}"


async def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    names = Names({"photos.example": [["::1", "127.0.0.1"]]})
    async with serving({"/a.png": IMAGE}) as site:
        hosts = frozenset({f"photos.example:{site.port}"})
        async with reading(resolver=names, allowed_hosts=hosts) as reader:
            assert await fetch(reader, f"http://photos.example:{site.port}/a.png", None) == PNG


async def test_an_answer_that_is_no_http_is_not_asked_for_again_elsewhere() -> None:
    """The next address is for one that cannot be connected, not for one that misbehaves."""
    names = Names({"photos.example": [["127.0.0.1", "::1"]]})
    hosts = frozenset({"photos.example"})
    bad = Answer(headers={"Bad Header": "x"})
    async with (
        serving({"/a.png": bad}) as site,
        reading(resolver=names, allowed_hosts=hosts) as reader,
    ):
        with pytest.raises(UnavailableError, match="does not answer"):
            await fetch(reader, f"http://photos.example:{site.port}/a.png", None)
    assert len(site.seen) == 1
