"""Vertex AI from end to end: the real SDK, by project and location, at the emulator's door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import google.auth
import pytest
from google import genai
from google.auth.credentials import Credentials
from google.genai.types import HttpOptions, Part

from emulator_kit import BOX_SCHEMA, MODEL, generate_body, interaction_body, post
from gemini_features import APIS, Api
from label_studio_gemini.config import Config, read_config
from label_studio_gemini.demo.photos import sample_label_config
from label_studio_gemini.environment import Environment
from label_studio_gemini.errors import AuthenticationError
from label_studio_gemini.gemini import GeminiRequest, InlineImage, VertexProject, connect_gemini
from label_studio_gemini.pipeline import Failure, Outcome, Prediction, open_pipeline
from label_studio_gemini.plan import build_plan
from pipelines import predict_all

if TYPE_CHECKING:
    from pathlib import Path

    from label_studio_gemini.emulator import RunningEmulator

TOKEN = "ya29.token-of-the-test"
PLACE = "projects/my-project/locations/europe-west4"
PATHS: dict[Api, str] = {
    "generate_content": f"/v1/{PLACE}/publishers/google/models/{MODEL}:generateContent",
    "interactions": f"/v1/{PLACE}/interactions",
}
PHOTO = "coffee.jpg"


class Token(Credentials):
    """Credentials of which each renewal gives the same token."""

    def __init__(self, token: str = TOKEN) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._renewed = token

    def refresh(self, request: Any) -> None:
        del request
        self.token = self._renewed


@pytest.fixture
def signed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sign this machine in to Google Cloud, as `gcloud auth application-default login` does."""
    monkeypatch.setattr(google.auth, "default", lambda **_: (Token(), "another-project"))


def request(photos: Path) -> GeminiRequest:
    image = InlineImage((photos / PHOTO).read_bytes(), "image/jpeg")
    return GeminiRequest(MODEL, "Detect every cup.", (image,), BOX_SCHEMA)


@pytest.mark.parametrize("api", APIS)
async def test_a_photo_is_asked_about_in_a_project(
    api: Api, gemini: RunningEmulator, photos: Path
) -> None:
    vertex = VertexProject("my-project", "europe-west4", Token())
    connected = connect_gemini(
        api=api, api_key="AIza-unused", base_url=gemini.url, timeout=30, vertex=vertex
    )
    reply = await connected.generate(request(photos))
    await connected.aclose()
    assert "box_2d" in reply.text
    assert reply.usage.image_tokens > 0
    (sent,) = gemini.requests
    assert (sent.path, sent.status, sent.model) == (PATHS[api], 200, MODEL)
    assert sent.headers["authorization"] == f"Bearer {TOKEN}"
    assert "x-goog-api-key" not in sent.headers
    assert (sent.photos, sent.images) == ((PHOTO,), ((photos / PHOTO).read_bytes(),))


async def predict(
    yaml: str, gemini: RunningEmulator, photos: Path, tmp_path: Path
) -> tuple[Config, Outcome]:
    (tmp_path / "c.yaml").write_text(yaml)
    config = read_config(tmp_path / "c.yaml")
    environment = Environment(state_folder=tmp_path, base_url=gemini.url)
    task = {"data": {"image": str(photos / PHOTO)}}
    plan = build_plan(config, sample_label_config())
    async with open_pipeline(config, environment, folders=(photos,)) as pipeline:
        (outcome,) = await predict_all(pipeline, [task], plan)
    return config, outcome


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize("api", APIS)
async def test_the_file_names_project_and_location_and_no_key_is_needed(
    api: Api, gemini: RunningEmulator, photos: Path, tmp_path: Path
) -> None:
    yaml = f"api: {api}\nvertex: {{project: my-project, location: europe-west4}}\n"
    config, outcome = await predict(yaml, gemini, photos, tmp_path)
    assert isinstance(outcome, Prediction)
    assert outcome.regions
    assert config.model == MODEL
    assert {one.path for one in gemini.requests} == {PATHS[api]}
    assert {one.headers["authorization"] for one in gemini.requests} == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize("api", APIS)
async def test_a_refused_token_fails_once_and_says_how_to_sign_in(
    api: Api,
    gemini: RunningEmulator,
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(google.auth, "default", lambda **_: (Token("wrong-key"), "p"))
    yaml = f"api: {api}\nvertex: {{project: my-project}}\n"
    _, outcome = await predict(yaml, gemini, photos, tmp_path)
    assert isinstance(outcome, Failure)
    assert isinstance(outcome.error, AuthenticationError)
    assert "gcloud auth" in outcome.error.hint
    assert [one.status for one in gemini.requests] == [401]


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
async def test_the_sdk_alone_asks_and_counts_in_a_project(
    version: str, gemini: RunningEmulator, photos: Path
) -> None:
    client = genai.Client(
        vertexai=True,
        project="my-project",
        location="europe-west4",
        credentials=Token(),
        http_options=HttpOptions(base_url=gemini.url, api_version=version, timeout=30_000),
    )
    image = (photos / PHOTO).read_bytes()
    contents: Any = [Part.from_bytes(data=image, mime_type="image/jpeg"), "Detect every cup."]
    answer = await client.aio.models.generate_content(model=MODEL, contents=contents)
    counted = await client.aio.models.count_tokens(model=MODEL, contents=contents)
    body: Any = interaction_body(image)
    interaction = await client.aio.interactions.create(**body, store=False)
    await client.aio.aclose()
    client.close()
    assert answer.text
    assert counted.total_tokens
    assert interaction.output_text
    place = f"/{version}/{PLACE}"
    model = f"{place}/publishers/google/models/{MODEL}"
    assert [one.path for one in gemini.requests] == [
        f"{model}:generateContent",
        f"{model}:countTokens",
        f"{place}/interactions",
    ]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-goog-api-key": "any"},
        {"authorization": "Bearer wrong-key"},
        {"authorization": "Bearer"},
        {"authorization": "Basic abc"},
    ],
    ids=str,
)
def test_a_project_wants_a_token(headers: dict[str, str], gemini: RunningEmulator) -> None:
    for path, body in (
        (PATHS["generate_content"], generate_body(b"")),
        (PATHS["interactions"], interaction_body(b"")),
    ):
        response = post(gemini.url + path, headers=headers, json=body)
        assert response.status_code == 401
        assert "OAuth 2 access token" in response.json()["error"]["message"]


def test_a_token_is_no_key_and_a_project_has_no_files(gemini: RunningEmulator) -> None:
    token = {"authorization": f"Bearer {TOKEN}"}
    for path, status in (
        (f"/v1/models/{MODEL}:generateContent", 403),
        (f"/v1/publishers/google/models/{MODEL}:generateContent", 403),
        (f"/v1/{PLACE}/publishers/google/models/{MODEL}:batchGenerateContent", 501),
        (f"/v1/{PLACE}/files", 403),
    ):
        assert post(gemini.url + path, headers=token, json={}).status_code == status, path
