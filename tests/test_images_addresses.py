"""Addresses: what is in themselves, what is a file that may be opened, what is refused."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from images_server import png
from label_studio_gemini.errors import AddressError, FetchError, ImageError
from label_studio_gemini.images import ImageLimits, ImageReader, LabelStudioLogin
from label_studio_gemini.images.addresses import AddressReader, DataPlace, FilePlace, WebPlace
from label_studio_gemini.images.files import read_file

PNG = png()
B64 = base64.b64encode(PNG).decode()
LOGIN = LabelStudioLogin("http://ls.example:8080/ls", "key")


async def read(
    address: str,
    *,
    folders: tuple[Path, ...] = (),
    root: Path | None = None,
    login: LabelStudioLogin | None = None,
    task_id: int | None = 1,
    limits: ImageLimits | None = None,
) -> bytes:
    reader = ImageReader(limits=limits, allowed_folders=folders, document_root=root)
    try:
        return (await reader.read(address, login=login, task_id=task_id)).data
    finally:
        await reader.aclose()


# -- data: -----------------------------------------------------------------------------------------

DATA_URIS = [
    f"data:image/png;base64,{B64}",
    f"DATA:image/png;charset=utf-8;BASE64,{B64}",
    f"data:;base64,{B64.rstrip('=')}",
    f"data:image/png;base64,{base64.urlsafe_b64encode(PNG).decode()}",
    f"data:image/png;base64,{B64[:20]}\n {B64[20:]}",
    f"data:image/png;base64,{B64.replace('/', '%2F').replace('+', '%2B').replace('=', '%3D')}",
    "data:image/png," + "".join(f"%{byte:02x}" for byte in PNG),
]


@pytest.mark.parametrize("address", DATA_URIS, ids=lambda address: address[:24])
async def test_a_data_uri_is_decoded(address: str) -> None:
    assert await read(address) == PNG


@pytest.mark.parametrize(
    ("address", "error", "match"),
    [
        ("data:image/png;base64", AddressError, "no comma"),
        ("data:image/png;base64,!!!!", AddressError, "no valid base64"),
        ("data:image/png;base64,AAAAA", AddressError, "no valid base64"),
        ("data:image/png;base64,naïve", AddressError, "no valid base64"),
        ("data:image/png,", ImageError, "it is empty"),
        ("data:image/png," + "x" * 1001, FetchError, "more than 1,000 bytes"),
        ("data:image/png," + "x" * 9999, FetchError, "more than 1,000 bytes"),
    ],
)
async def test_a_bad_data_uri_is_refused(address: str, error: type[ImageError], match: str) -> None:
    with pytest.raises(error, match=match) as caught:
        await read(address, limits=ImageLimits(bytes=1000))
    assert caught.value.hint
    assert len(str(caught.value)) < 300


@given(st.binary(max_size=200))
def test_any_bytes_come_back_out_of_a_data_uri(data: bytes) -> None:
    reader = AddressReader((), None, 1000)
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        place = reader.read(f"data:x/y;base64,{encode(data).decode()}", None, None)
        assert place == DataPlace(data)


# -- files -----------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return an allowed folder, with a secret beside it."""
    allowed = tmp_path / "photos"
    (allowed / "sub").mkdir(parents=True)
    (allowed / "a b.png").write_bytes(PNG)
    (allowed / "sub" / "é%20.png").write_bytes(PNG)
    (tmp_path / "secret.png").write_bytes(PNG)
    (tmp_path / "photos-of-others").mkdir()
    (tmp_path / "photos-of-others" / "x.png").write_bytes(PNG)
    (allowed / "link.png").symlink_to(tmp_path / "secret.png")
    (allowed / "good.png").symlink_to(allowed / "a b.png")
    (allowed / "away").symlink_to(tmp_path)
    (allowed / "circle").symlink_to(allowed / "circle")
    return allowed


@pytest.mark.parametrize(
    "name", ["a b.png", "sub/é%20.png", "sub/../a b.png", "good.png", "./a b.png"]
)
async def test_a_file_beneath_an_allowed_folder_is_opened(folder: Path, name: str) -> None:
    for address in (f"{folder}/{name}", name, f" {folder}/{name}\n"):
        assert await read(address, folders=(folder,)) == PNG


async def test_a_folder_that_is_a_link_may_lead_elsewhere_the_next_time(tmp_path: Path) -> None:
    """As where each release of a data set has a folder, and `current` is the last one."""
    for release in ("1", "2"):
        (tmp_path / release).mkdir()
        (tmp_path / release / "a.png").write_bytes(PNG + release.encode())
    current = tmp_path / "current"
    for release in ("1", "2", "1"):
        current.unlink(missing_ok=True)
        current.symlink_to(tmp_path / release)
        for _ in range(2):
            assert await read("a.png", folders=(current,)) == PNG + release.encode()
    current.unlink()
    (tmp_path / "1").rename(current)
    assert await read("a.png", folders=(current,)) == PNG + b"1"


async def test_a_file_uri_is_a_path(folder: Path) -> None:
    assert await read(f"file://{folder}/a%20b.png", folders=(folder,)) == PNG


@pytest.mark.parametrize(
    "name",
    [
        "../secret.png", "link.png", "away/secret.png", "sub/../../secret.png", "circle", "", "sub",
        "../photos-of-others/x.png", "missing.png", "a b.png\0", "x" * 5000, "~/a", "/etc/passwd",
    ],
)  # fmt: skip
async def test_no_other_file_is_opened(folder: Path, name: str) -> None:
    """Whether it exists makes no difference to what is said."""
    for address in (f"{folder}/{name}", name, f"file://{folder}/{name}"):
        with pytest.raises(AddressError, match="is no file that may be opened") as caught:
            await read(address, folders=(folder,))
        assert "folders" in caught.value.hint


async def test_with_no_folder_allowed_no_file_is_opened(folder: Path) -> None:
    for address in (f"{folder}/a b.png", "a b.png", f"file://{folder}/a b.png"):
        with pytest.raises(AddressError):
            await read(address)


async def test_a_pipe_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pipe.png")
    with pytest.raises(AddressError, match="not a regular file"):
        await read(f"{folder}/pipe.png", folders=(folder,))


async def test_a_device_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(AddressError):
        await read("/dev/zero", folders=(tmp_path, tmp_path.parents[-1] / "dev"))


def test_a_file_is_read_whole_where_its_size_is_not_known() -> None:
    unsized = Path("/proc/version")
    if not unsized.exists():
        pytest.skip("needs a file system that does not say how large its files are")
    assert unsized.stat().st_size == 0
    text = unsized.read_bytes()
    assert read_file(unsized, len(text)) == text
    with pytest.raises(FetchError, match="larger than"):
        read_file(unsized, len(text) - 1)


async def test_a_file_is_limited_in_size(folder: Path) -> None:
    limits = ImageLimits(bytes=len(PNG))
    assert await read("a b.png", folders=(folder,), limits=limits) == PNG
    with pytest.raises(FetchError, match="larger than"):
        await read("a b.png", folders=(folder,), limits=ImageLimits(bytes=len(PNG) - 1))


def test_a_file_that_is_gone_by_now_says_so(folder: Path) -> None:
    with pytest.raises(FetchError, match="cannot be read: No such file"):
        read_file(folder / "missing.png", 1000)


# -- local files of Label Studio -------------------------------------------------------------------


@pytest.mark.parametrize("query", ["a%20b.png", "a+b.png", "/a b.png", "sub/..//a b.png&x=1"])
async def test_local_files_are_opened_beneath_the_document_root(folder: Path, query: str) -> None:
    address = f"/data/local-files/?d={query}"
    assert await read(address, root=folder) == PNG
    absolute = f"http://ls.example:8080/ls{address}"
    assert await read(absolute, root=folder, login=LOGIN) == PNG


@pytest.mark.parametrize(
    "query", ["../secret.png", "..%2Fsecret.png", "link.png", "", "etc/passwd"]
)
async def test_and_nowhere_else(folder: Path, query: str) -> None:
    with pytest.raises(AddressError, match="is no file beneath"):
        await read(f"/data/local-files/?d={query}", root=folder)


def test_other_addresses_are_as_they_are_without_a_document_root(folder: Path) -> None:
    reader = AddressReader((), folder, 1000)
    for address in ("/data/upload/1/a.png", "http://ls.example:8080/ls/data/upload/1/a.png"):
        place = reader.read(address, LOGIN, 1)
        assert isinstance(place, WebPlace)
        assert place.url.path == "/ls/data/upload/1/a.png"


def test_local_files_of_another_host_are_not_ours(folder: Path) -> None:
    reader = AddressReader((), folder, 1000)
    place = reader.read("http://other.example/data/local-files/?d=a b.png", LOGIN, 1)
    assert isinstance(place, WebPlace)


# -- what goes where -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    address: str
    url: str


@pytest.mark.parametrize(
    "case",
    [
        Case("/data/upload/1/a.png", "http://ls.example:8080/ls/data/upload/1/a.png"),
        Case("/storage-data/x", "http://ls.example:8080/ls/storage-data/x"),
        Case("//cdn.example/a.png", "http://cdn.example/a.png"),
        Case("HTTPS://Cdn.Example/a.png#x", "https://cdn.example/a.png"),
        Case(" https://cdn.example/a.png\n", "https://cdn.example/a.png"),
        Case("https://bücher.example/ü.png", "https://xn--bcher-kva.example/%C3%BC.png"),
    ],
    ids=lambda case: case.address,
)
def test_what_is_fetched_from_the_web(case: Case) -> None:
    place = AddressReader((), None, 1000).read(case.address, LOGIN, 1)
    assert isinstance(place, WebPlace)
    assert str(place.url).replace("bücher", "xn--bcher-kva") == case.url


def test_a_file_of_an_allowed_folder_called_data_is_a_file(tmp_path: Path) -> None:
    """In a container the photos may well be in /data."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.png").write_bytes(PNG)
    place = AddressReader((tmp_path,), None, 1000).read("data/a.png", LOGIN, 1)
    assert place == FilePlace(tmp_path / "data" / "a.png")


@pytest.mark.parametrize(
    ("address", "match", "hint"),
    [
        ("ftp://h/a.png", "begin with `ftp://`", "https:"),
        ("javascript:alert(1)", "no file that may be opened", "folders"),
        ("C:\\photos\\a.png", "no file that may be opened", "folders"),
        ("http://", "no address of the web", "https://host"),
        ("http:///a.png", "no address of the web", "https://host"),
        ("http://h:99999/a.png", "no address of the web", "https://host"),
        ("http://good.example\\@evil.example/", "no address of the web", "https://host"),
        ("http://h/a\r\nHost: x", "no address of the web", "https://host"),
        ("/data/upload/1/a.png", "in Label Studio, but in which", "LABEL_STUDIO_API_KEY"),
        ("s3://bucket/a.png", "of Label Studio, but of which", "LABEL_STUDIO_URL"),
        ("/etc/passwd", "no file that may be opened", "folders"),
        ("/data/upload/../../etc/passwd", "no file that may be opened", "folders"),
    ],
)
async def test_what_is_refused_says_what_would_help(address: str, match: str, hint: str) -> None:
    with pytest.raises(AddressError, match=match) as caught:
        await read(address)
    assert hint in caught.value.hint


async def test_a_storage_needs_the_task() -> None:
    with pytest.raises(AddressError, match="through its task, which has no id"):
        await read("gs://bucket/a.png", login=LOGIN, task_id=None)


@given(st.text(max_size=80))
def test_any_text_is_a_place_or_refused(address: str) -> None:
    reader = AddressReader((), None, 1000)
    for start in ("", "http://", "data:", "s3://", "/data/", "file:", "//"):
        try:
            place = reader.read(start + address, LOGIN, 1)
        except (AddressError, FetchError):
            continue
        assert isinstance(place, DataPlace | WebPlace)
