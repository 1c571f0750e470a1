"""The Files API through an adapter's connection: waiting, failing, forgetting; and its memory."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from gemini_recorder import Answer, recording
from label_studio_gemini.emulator import Fault, Problem
from label_studio_gemini.emulator.api import Api as Endpoint
from label_studio_gemini.emulator.files import FileState
from label_studio_gemini.errors import (
    AuthenticationError,
    ConfigError,
    GeminiError,
    RequestError,
    ServiceError,
    TransportError,
)
from label_studio_gemini.gemini.uploads import (
    Files,
    MemoryUploadStore,
    SqliteUploadStore,
    Upload,
    UploadingGemini,
    UploadKey,
)
from uploads_kit import PARK, Naps, asked, connected, starts, uploading

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from label_studio_gemini.emulator import RunningEmulator
    from label_studio_gemini.emulator.files import FileStore
    from label_studio_gemini.gemini import Gemini
    from label_studio_gemini.gemini.uploads import Transport

KEY = UploadKey("d1", "owner")


@pytest.fixture
def store(gemini: RunningEmulator) -> Iterator[FileStore]:
    store = gemini.emulator._state.files
    yield store
    store.script_states(FileState.ACTIVE)


async def test_a_file_is_used_only_when_it_is_active(
    gemini: RunningEmulator, store: FileStore
) -> None:
    store.script_states(FileState.PROCESSING, FileState.PROCESSING, FileState.ACTIVE)
    naps = Naps()
    async with connected(gemini.url) as (_, connection):
        file = await Files(connection, sleep=naps).upload(PARK, "image/png")
    assert [one.method for one in gemini.requests] == ["POST", "POST", "GET", "GET"]
    assert naps.seconds == [0.2, 0.4]
    assert store.resolve(file.uri) == (PARK, "image/png")
    assert file.lifetime == 48 * 3600


@pytest.mark.parametrize(
    ("state", "error", "looks"),
    [(FileState.FAILED, RequestError, 1), (FileState.PROCESSING, ServiceError, 61)],
)
async def test_a_file_that_never_becomes_active_is_deleted(
    state: FileState,
    error: type[GeminiError],
    looks: int,
    gemini: RunningEmulator,
    store: FileStore,
) -> None:
    store.script_states(FileState.PROCESSING, state)
    naps = Naps()
    async with connected(gemini.url) as (_, connection):
        with pytest.raises(error):
            await Files(connection, sleep=naps).upload(PARK, "image/png")
    methods = [one.method for one in gemini.requests]
    assert methods == ["POST", "POST", *["GET"] * looks, "DELETE"]
    assert 0 < sum(naps.seconds) < 61


async def test_a_failed_upload_is_not_remembered(gemini: RunningEmulator, store: FileStore) -> None:
    store.script_states(FileState.FAILED)
    async with uploading(gemini, "files") as wrapper:
        with pytest.raises(RequestError, match="cannot process"):
            await wrapper.generate(asked())
        await wrapper.generate(asked())
    assert len(starts(gemini)) == 2


@dataclass(frozen=True)
class Case:
    """What the service does when an upload begins, and our error for it."""

    problem: Problem
    error: type[GeminiError]
    retryable: bool


CASES = [
    Case(Problem.BAD_KEY, AuthenticationError, retryable=False),
    Case(Problem.OVERLOADED, ServiceError, retryable=True),
    Case(Problem.BAD_REQUEST, RequestError, retryable=False),
    Case(Problem.NOT_FOUND, RequestError, retryable=False),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.problem)
async def test_the_errors_of_the_sdk_become_ours(case: Case, gemini: RunningEmulator) -> None:
    gemini.script(Fault(problem=case.problem, on=frozenset({Endpoint.FILES})))
    async with connected(gemini.url) as (_, connection):
        files = Files(connection)
        with pytest.raises(case.error) as caught:
            await files.upload(PARK, "image/png")
        assert files.available is (case.problem is not Problem.NOT_FOUND)
    assert caught.value.retryable is case.retryable
    assert len(gemini.requests) == 1


PLACE = {"X-Goog-Upload-URL": "https://elsewhere.example/up?id=1"}
FINAL = {"X-Goog-Upload-Status": "final"}


@pytest.mark.parametrize(
    "answers",
    [
        [Answer({})],
        [Answer({}, headers=PLACE), Answer("[]", headers=FINAL)],
        [Answer({}, headers=PLACE), Answer({"other": 1}, headers=FINAL)],
        [Answer({}, headers=PLACE), Answer({"file": {}}, headers=FINAL)],
        [Answer({}, headers=PLACE), Answer({"file": {"name": "files/a"}}, headers=FINAL)],
    ],
    ids=["no address", "a list", "no file", "no name", "no uri"],
)
async def test_what_is_no_files_api_is_an_error_of_ours(answers: list[Answer]) -> None:
    async with recording(*answers) as recorder, connected(recorder.url) as (_, connection):
        with pytest.raises(TransportError, match="Files API"):
            await Files(connection, sleep=Naps()).upload(b"{}", "image/png")


async def test_the_pieces_go_to_the_base_url_whatever_host_the_answer_names() -> None:
    """Behind a proxy, Google still names its own host; the pieces carry no key."""
    file = {"file": {"name": "files/a", "uri": "https://elsewhere.example/a", "state": "ACTIVE"}}
    answers = [Answer({}, headers=PLACE), Answer(file, headers=FINAL)]
    async with recording(*answers) as recorder, connected(recorder.url) as (_, connection):
        await Files(connection).upload(b"{}", "image/png")
    assert [one.line for one in recorder.requests] == [
        "POST /upload/v1/files HTTP/1.1",
        "POST /up?id=1 HTTP/1.1",
    ]
    assert "x-goog-api-key" not in recorder.requests[1].headers


async def test_owners_differ_by_key_and_by_base_url_and_do_not_tell_the_key() -> None:
    owners = []
    for url, key in [
        ("http://a", "k1"),
        ("http://a", "k1"),
        ("http://a", "k2"),
        ("http://b", "k1"),
    ]:
        async with connected(url, key=key) as (_, connection):
            owners.append(Files(connection).owner)
    assert len(set(owners)) == 3
    assert all(re.fullmatch(r"[0-9a-f]{64}", owner) for owner in owners)


async def test_vertex_has_no_files(
    gemini: RunningEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`files` is refused before the first request, and `auto` sends all inline."""
    async with connected(gemini.url) as (adapter, connection):
        monkeypatch.setattr(type(connection.client), "vertexai", True)
        with pytest.raises(ConfigError, match="Vertex AI"):
            _wrapper(adapter, Files(connection), "files")
        await _wrapper(adapter, Files(connection), "auto").generate(asked())
    assert starts(gemini) == []


def _wrapper(adapter: Gemini, files: Files, transport: Transport) -> UploadingGemini:
    store = MemoryUploadStore()
    return UploadingGemini(adapter, files, transport=transport, inline_bytes=0, store=store)


async def test_many_threads_may_write_one_file(tmp_path: Path) -> None:
    path = tmp_path / "uploads.sqlite"
    uploads = {UploadKey(f"d{n}", "o"): Upload(f"u{n}", 4e9 + n) for n in range(40)}
    await asyncio.gather(
        *(asyncio.to_thread(SqliteUploadStore(path).keep, *item) for item in uploads.items())
    )
    assert {key: SqliteUploadStore(path).find(key) for key in uploads} == uploads


def test_memory_keeps_the_last_uploads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("label_studio_gemini.gemini.uploads.store._MOST_IN_MEMORY", 2)
    store = MemoryUploadStore()
    keys = [UploadKey(f"d{n}", "o") for n in range(3)]
    for key in (*keys[:2], keys[0], keys[2]):
        store.keep(key, Upload(key.digest, 4e9))
    assert [store.find(key) is not None for key in keys] == [True, False, True]


def test_the_last_upload_counts_and_expired_ones_go(tmp_path: Path) -> None:
    store = SqliteUploadStore(tmp_path / "uploads.sqlite")
    assert store.find(KEY) is None
    store.keep(UploadKey("old", "owner"), Upload("u0", 1.0))
    store.keep(KEY, Upload("u1", 4e9))
    store.keep(KEY, Upload("u2", 4.5e9))
    assert store.find(KEY) == Upload("u2", 4.5e9)
    assert store.find(UploadKey("old", "owner")) is None


@pytest.mark.parametrize("content", [b"this is no database" * 99, None])
def test_a_file_that_cannot_be_used_costs_the_memory_not_the_answer(
    content: bytes | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "uploads.sqlite"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    store = SqliteUploadStore(path)
    store.keep(KEY, Upload("u1", 4e9))
    assert store.find(KEY) is None
    assert len(caplog.records) == 2


def test_a_file_without_the_table_is_read_as_empty(tmp_path: Path) -> None:
    path = tmp_path / "uploads.sqlite"
    sqlite3.connect(path).close()
    assert SqliteUploadStore(path).find(KEY) is None
