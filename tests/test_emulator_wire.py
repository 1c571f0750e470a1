"""The bytes that the SDK was recorded to send are taken, as the real service would take them."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from emulator_kit import write_key
from label_studio_gemini.emulator import RunningEmulator, read_answer_key, run_emulator
from loopback import NOBODY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture(scope="module")
def gemini(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    """An emulator that holds what the recorded requests refer to."""
    key = read_answer_key(*write_key(tmp_path_factory.mktemp("key")))
    files = "https://generativelanguage.googleapis.com/v1beta/files"
    with run_emulator(key) as running:
        running.publish("https://example.com/a.jpg", PIXEL, "image/jpeg")
        running.publish(f"{files}/abc", PIXEL, "image/jpeg")
        running.publish(f"{files}/f2", PIXEL, "image/png")
        yield running


@pytest.fixture(scope="module")
def client(gemini: RunningEmulator) -> Iterator[httpx2.Client]:
    with httpx2.Client(verify=NOBODY, base_url=gemini.url) as client:
        yield client


def exchanges(shared: Path, name: str) -> list[dict[str, Any]]:
    path = shared / "gemini" / "wire" / f"{name}.json"
    recorded: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return recorded


def send(
    client: httpx2.Client, exchange: dict[str, Any], path: str | None = None
) -> httpx2.Response:
    method, recorded_path, _ = exchange["request_line"].split()
    headers = {
        name: value
        for name, value in exchange["headers"]
        if name.lower() not in {"host", "content-length", "connection"}
    }
    body = exchange.get("body")
    content = bytes(exchange["body_len"]) if body is None else json.dumps(body).encode()
    return client.request(method, path or recorded_path, headers=headers, content=content)


@dataclass(frozen=True)
class Case:
    name: str
    status: int = 200
    code: str = ""


CASES = [
    Case("gc_text_inline"),
    Case("gc_async"),
    Case("gc_schema_full"),
    Case("gc_json_schema_thinking_level_part_res"),
    Case("gc_uri_multi"),
    Case("gc_with_File_object"),
    Case("count_tokens"),
    Case("models_list"),
    Case("files_list"),
    Case("inter_text_inline"),
    Case("inter_async"),
    Case("inter_full"),
    # What the SDK sends and the real service refuses, or the emulator does not have.
    Case("gc_cached", 403, "PERMISSION_DENIED"),
    Case("gc_stream", 501, "UNIMPLEMENTED"),
    Case("inter_stream", 501, "unimplemented"),
    Case("inter_unknown_gc_field", 400, "parameter_unknown"),
    Case("inter_extra_body", 400, "parameter_unknown"),
    Case("inter_get", 404, "not_found"),
    Case("inter_cancel", 404, "not_found"),
    Case("inter_delete", 404, "not_found"),
    Case("files_get", 403, "PERMISSION_DENIED"),
    Case("files_delete", 403, "PERMISSION_DENIED"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_recorded_request(case: Case, client: httpx2.Client, shared: Path) -> None:
    for exchange in exchanges(shared, case.name):
        response = send(client, exchange)
        assert response.status_code == case.status, response.text
        if case.code:
            error = response.json()["error"]
            assert case.code in {error.get("status"), error["code"]}


ANSWERS = ["gc_text_inline", "inter_text_inline", "count_tokens", "models_list"]


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_has_the_recorded_form(name: str, client: httpx2.Client, shared: Path) -> None:
    exchange = exchanges(shared, name)[0]
    assert not missing(exchange["response"]["body"], send(client, exchange).json())


def missing(recorded: Any, given: Any) -> list[str]:
    """Return the names of the recorded answer that another lacks (a list by its first item)."""
    if isinstance(recorded, list) and recorded and given:
        return missing(recorded[0], given[0])
    if not isinstance(recorded, dict):
        return []
    optional = {"summary"}  # only where the thoughts were asked for
    here = [name for name in recorded if name not in given and name not in optional]
    there = [missing(value, given[name]) for name, value in recorded.items() if name in given]
    return [*here, *(name for names in there for name in names)]


UPLOADS = ["path", "bytesio", "a.JPG", "a.heic", "a.webp", "chunked"]


@pytest.mark.parametrize("name", UPLOADS)
def test_a_recorded_upload(name: str, client: httpx2.Client, shared: Path) -> None:
    start, *pieces = exchanges(shared, f"files_upload_{name}")
    started = send(client, start)
    assert started.status_code == 200
    assert started.headers["x-goog-upload-status"] == "active"
    url = httpx2.URL(started.headers["x-goog-upload-url"])
    for number, piece in enumerate(pieces, 1):
        response = send(client, piece, url.raw_path.decode())
        last = number == len(pieces)
        assert response.headers["x-goog-upload-status"] == ("final" if last else "active")
    assert not missing(pieces[-1]["response"]["body"], response.json())
    assert response.json()["file"]["mimeType"] == start["body"]["file"]["mime_type"]


def test_a_recorded_sequel(client: httpx2.Client, shared: Path) -> None:
    """A sequel to an interaction is taken where that interaction is kept."""
    sequel = exchanges(shared, "inter_prev_background")[0]
    assert send(client, sequel).status_code == 404
    first = send(client, exchanges(shared, "inter_text_inline")[0]).json()
    sequel["body"]["previous_interaction_id"] = first["id"]
    assert send(client, sequel).json()["status"] == "completed"


def upload_headers(command: str, **more: str) -> dict[str, str]:
    return {
        "x-goog-api-key": "any",
        "x-goog-upload-protocol": "resumable",
        "x-goog-upload-command": command,
        **{f"x-goog-upload-{name.replace('_', '-')}": value for name, value in more.items()},
    }


@dataclass(frozen=True)
class BadStart:
    name: str
    says: str
    body: Any = None
    length: str = "3"
    type: str = "image/png"
    status: int = 400


BAD_STARTS = [
    BadStart("no type", "needs the type", type=""),
    BadStart("no length", "needs the type and the length", length=""),
    BadStart("too large", "larger than 2 GB", length=str(2**31 + 1)),
    BadStart("a bad name", "Invalid resource name", {"file": {"name": "files/UPPER"}}),
    BadStart("an unknown name", "file.nam", {"file": {"nam": "x"}}),
    BadStart("taken", "already exists", {"file": {"name": "files/taken"}}, status=409),
]


@pytest.mark.parametrize("case", BAD_STARTS, ids=lambda case: case.name)
def test_an_upload_that_cannot_start(case: BadStart, client: httpx2.Client) -> None:
    def start(body: Any, length: str, kind: str) -> httpx2.Response:
        headers = upload_headers("start", header_content_length=length, header_content_type=kind)
        return client.post("/upload/v1/files", headers=headers, json=body)

    taken = start({"file": {"name": "files/taken"}}, "0", "image/png")
    if taken.status_code == 200:
        client.post(
            taken.headers["x-goog-upload-url"], headers=upload_headers("finalize", offset="0")
        )
    response = start(case.body, case.length, case.type)
    assert response.status_code == case.status
    assert case.says in response.json()["error"]["message"]


@dataclass(frozen=True)
class Piece:
    name: str
    command: str
    data: bytes
    offset: str
    says: str


PIECES = [
    Piece("in the wrong place", "upload, finalize", b"abc", "1", "begins at 1"),
    Piece("too short", "upload, finalize", b"ab", "0", "has 2 bytes, not the 3"),
    Piece("too long", "upload, finalize", b"abcd", "0", "More than the 3 bytes"),
    Piece("no multiple", "upload", b"a", "0", "multiples of 8388608"),
]


@pytest.mark.parametrize("case", PIECES, ids=lambda case: case.name)
def test_a_piece_that_does_not_fit(case: Piece, client: httpx2.Client) -> None:
    headers = upload_headers("start", header_content_length="3", header_content_type="image/png")
    url = client.post("/upload/v1/files", headers=headers).headers["x-goog-upload-url"]
    response = client.post(
        url, headers=upload_headers(case.command, offset=case.offset), content=case.data
    )
    assert response.status_code == 400
    assert case.says in response.json()["error"]["message"]


def test_how_far_an_upload_is_can_be_asked(client: httpx2.Client) -> None:
    headers = upload_headers("start", header_content_length="3", header_content_type="image/png")
    url = client.post("/upload/v1/files", headers=headers).headers["x-goog-upload-url"]
    response = client.post(url, headers=upload_headers("query"))
    assert response.headers["x-goog-upload-size-received"] == "0"


def test_an_upload_that_nobody_began(client: httpx2.Client) -> None:
    headers = upload_headers("upload, finalize", offset="0")
    assert client.post("/upload/v1/files?upload_id=no", headers=headers).status_code == 404


def test_only_resumable_uploads_are_offered(client: httpx2.Client) -> None:
    headers = {**upload_headers("start"), "x-goog-upload-protocol": "multipart"}
    assert client.post("/upload/v1/files", headers=headers).status_code == 501


def test_a_page_that_is_none(client: httpx2.Client) -> None:
    headers = {"x-goog-api-key": "any"}
    assert client.get("/v1/files?pageSize=many", headers=headers).status_code == 400
