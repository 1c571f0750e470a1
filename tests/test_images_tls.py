"""https: the certificate is that of the name, though the connection goes to an address."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import httpx2
import pytest

from certificates import server_side, write_certificate
from images_server import Answer, png, redirect, serving
from label_studio_gemini.errors import FetchError, UnavailableError
from label_studio_gemini.images import ImageReader, LabelStudioLogin

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PNG = png()
NAME = "photos.example"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_certificate(tmp_path_factory.mktemp("tls") / "certificate.pem", NAME)


def trusting(certificate: Path) -> httpx2.AsyncHTTPTransport:
    return httpx2.AsyncHTTPTransport(
        verify=ssl.create_default_context(cafile=certificate),
        trust_env=False,
        limits=httpx2.Limits(max_keepalive_connections=0),
    )


async def loopback(_host: str, _port: int) -> Sequence[str]:
    return ["127.0.0.1"]


async def test_the_name_is_what_tls_is_told_and_what_the_certificate_is_checked_for(
    certificate: Path,
) -> None:
    names: list[str | None] = []
    async with serving({"/data/a.png": Answer(PNG)}, tls=server_side(certificate, names)) as site:
        login = LabelStudioLogin(f"https://{NAME}:{site.port}", "key")
        reader = ImageReader(resolver=loopback, transport=trusting(certificate))
        image = await reader.read("/data/a.png", login=login, task_id=1)
        await reader.aclose()
    assert image.data == PNG
    assert names == [NAME]
    assert site.seen[0].headers["host"] == f"{NAME}:{site.port}"
    assert site.tokens == ["Token key"]


async def test_a_certificate_for_another_name_is_refused(certificate: Path) -> None:
    async with serving({"/data/a.png": Answer(PNG)}, tls=server_side(certificate, [])) as site:
        login = LabelStudioLogin(f"https://other.example:{site.port}", "key")
        reader = ImageReader(resolver=loopback, transport=trusting(certificate))
        with pytest.raises(UnavailableError, match="CERTIFICATE_VERIFY_FAILED"):
            await reader.read("/data/a.png", login=login, task_id=1)
        await reader.aclose()
    assert site.seen == []


async def test_a_certificate_that_nobody_vouches_for_is_refused(certificate: Path) -> None:
    async with serving({"/data/a.png": Answer(PNG)}, tls=server_side(certificate, [])) as site:
        login = LabelStudioLogin(f"https://{NAME}:{site.port}", "key")
        reader = ImageReader(resolver=loopback)
        with pytest.raises(UnavailableError, match="CERTIFICATE_VERIFY_FAILED"):
            await reader.read("/data/a.png", login=login, task_id=1)
        await reader.aclose()


async def test_a_token_for_https_never_goes_over_http(certificate: Path) -> None:
    """Not even to the same host, and not when that host itself redirects there."""
    async with serving() as plain, serving(tls=server_side(certificate, [])) as site:
        plain.routes["/data/a.png"] = Answer(status=401)
        site.routes["/data/a.png"] = redirect(f"http://{NAME}:{plain.port}/data/a.png")
        reader = ImageReader(
            resolver=loopback,
            transport=trusting(certificate),
            allowed_hosts=frozenset({NAME}),
        )
        login = LabelStudioLogin(f"https://{NAME}:{site.port}", "key")
        with pytest.raises(FetchError) as caught:
            await reader.read("/data/a.png", login=login, task_id=1)
        await reader.aclose()
    assert (site.tokens, plain.tokens) == (["Token key"], [None])
    assert f"only sent to https://{NAME}:{site.port}" in caught.value.hint
