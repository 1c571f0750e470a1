"""https: the certificate is that of the name, though the connection goes to an address."""

from __future__ import annotations

import datetime as dt
import ssl
from typing import TYPE_CHECKING

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

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
    """Return a file with a certificate for `photos.example`, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "certificate.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return file


def server_side(certificate: Path, names: list[str | None]) -> ssl.SSLContext:
    """Return the server's context; it notes the name (SNI) that each connection asks for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def note(_socket: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
        names.append(name)

    context.sni_callback = note
    return context


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
