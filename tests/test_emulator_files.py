"""The life of a file in the emulator: processed, active, expired, deleted; as both APIs see it."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from google.genai import errors, types

from emulator_kit import ASKED, MODEL, get, picture_file, post
from label_studio_gemini.emulator.files import FileState

if TYPE_CHECKING:
    from google import genai

    from label_studio_gemini.emulator import RunningEmulator
    from label_studio_gemini.emulator.files import FileStore

PARK = picture_file(1)
DAYS = timedelta(days=2)


@pytest.fixture
def store(gemini: RunningEmulator) -> FileStore:
    return gemini.emulator._state.files


def uploaded(client: genai.Client, **config: Any) -> types.File:
    options = types.UploadFileConfig(mime_type="image/png", **config)
    return client.files.upload(file=io.BytesIO(PARK), config=options)


def asked(gemini: RunningEmulator, uri: str | None, api: str) -> Any:
    if api == "interactions":
        image = {"type": "image", "uri": uri, "mime_type": "image/png"}
        content = [{"type": "text", "text": ASKED}, image]
        body: Any = {"model": MODEL, "input": [{"type": "user_input", "content": content}]}
        return post(f"{gemini.url}/v1/interactions", json=body)
    parts = [{"fileData": {"fileUri": uri, "mimeType": "image/png"}}, {"text": ASKED}]
    body = {"contents": [{"role": "user", "parts": parts}]}
    return post(f"{gemini.url}/v1/models/{MODEL}:generateContent", json=body)


@pytest.mark.parametrize("api", ["interactions", "generate_content"])
def test_a_file_can_be_used_for_two_days(
    api: str, client: genai.Client, gemini: RunningEmulator, store: FileStore
) -> None:
    file = uploaded(client)
    assert file.expiration_time is not None
    assert file.create_time is not None
    assert file.expiration_time - file.create_time == DAYS
    store.let_pass(DAYS - timedelta(minutes=1))
    assert asked(gemini, file.uri, api).status_code == 200
    store.let_pass(timedelta(minutes=1))
    answer = asked(gemini, file.uri, api)
    assert answer.status_code == 403
    name = (file.name or "").removeprefix("files/")
    assert f"the File {name} or it may not exist" in answer.json()["error"]["message"]


def test_an_expired_file_is_not_listed_and_cannot_be_deleted(
    client: genai.Client, store: FileStore
) -> None:
    old = uploaded(client, name="files/old-one")
    store.let_pass(DAYS)
    new = uploaded(client)
    names = [file.name for file in client.files.list()]
    assert new.name in names
    assert old.name not in names
    with pytest.raises(errors.ClientError, match="may not exist"):
        client.files.delete(name=old.name or "")


def test_its_name_is_free_again(client: genai.Client, store: FileStore) -> None:
    uploaded(client, name="files/same")
    with pytest.raises(errors.ClientError, match="already exists"):
        uploaded(client, name="files/same")
    store.let_pass(DAYS)
    assert uploaded(client, name="files/same").name == "files/same"


@pytest.mark.parametrize("api", ["interactions", "generate_content"])
def test_a_file_cannot_be_used_before_it_is_active(
    api: str, client: genai.Client, gemini: RunningEmulator, store: FileStore
) -> None:
    store.script_states(FileState.PROCESSING, FileState.PROCESSING, FileState.ACTIVE)
    file = uploaded(client)
    assert file.state is types.FileState.PROCESSING
    answer = asked(gemini, file.uri, api)
    assert answer.status_code == 400
    assert "is not in an ACTIVE state" in answer.json()["error"]["message"]
    states = [client.files.get(name=file.name or "").state for _ in range(3)]
    assert states == [types.FileState.PROCESSING, types.FileState.ACTIVE, types.FileState.ACTIVE]
    assert asked(gemini, file.uri, api).status_code == 200


def test_only_the_next_file_goes_through_the_states(
    client: genai.Client, store: FileStore, gemini: RunningEmulator
) -> None:
    store.script_states(FileState.FAILED)
    failed, fine = uploaded(client), uploaded(client)
    assert failed.state is types.FileState.FAILED
    assert fine.state is types.FileState.ACTIVE
    assert get(f"{gemini.url}/v1/{failed.name}").json()["state"] == "FAILED"
