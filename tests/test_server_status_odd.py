"""GET /api/status answers whatever state the backend is in, and whatever strangers send."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from backends import run_app, run_backend
from label_studio_gemini.config import BudgetConfig, Config
from label_studio_gemini.emulator import Fault, Problem
from label_studio_gemini.environment import Environment
from label_studio_gemini.server import build_app, hosting
from status_kit import KEY, PROJECT, RECIPE, TOKEN, XML, body_of, status_of, tasks_of

if TYPE_CHECKING:
    from label_studio_gemini.emulator import RunningEmulator


@pytest.fixture
def environment(gemini: RunningEmulator, tmp_path: Path) -> Environment:
    return Environment(state_folder=tmp_path / "state", api_key=KEY, base_url=gemini.url)


def test_without_a_key_it_says_so(environment: Environment, photos: Path) -> None:
    keyless = Environment(state_folder=environment.state_folder)
    with run_backend(Config(), keyless) as backend:
        status = status_of(backend)
        assert status["ready"] is False
        (trouble,) = status["trouble"]
        assert "key" in trouble["error"]
        assert "GEMINI_API_KEY" in trouble["hint"]
        backend.post("/predict", body_of(tasks_of(photos, 3)))
        status = status_of(backend)
        assert [(one["kind"], one["tasks"]) for one in status["reasons"]] == [
            ("AuthenticationError", 3)
        ]
        assert status["batches"][0]["failed"] == 3


def test_it_answers_while_the_engine_is_loading(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = threading.Event()
    load = hosting._load_engine

    def load_later(*given: Any) -> Any:
        assert loaded.wait(60)
        return load(*given)

    monkeypatch.setattr(hosting, "_load_engine", load_later)
    monkeypatch.setattr("label_studio_gemini.server.monitor.MEMORY_SECONDS", 0.0)
    with run_app(build_app(Config(), environment)) as url, httpx2.Client(base_url=url) as client:
        try:
            status = client.get("/api/status", timeout=60).json()
            assert (status["ready"], status["trouble"]) == (False, [])
            assert "label_studio_gemini_ready 0.0" in client.get("/metrics", timeout=60).text
        finally:
            loaded.set()
        client.get("/versions", timeout=60)
        assert client.get("/api/status").json()["ready"] is True


def test_a_folder_that_cannot_be_written_is_trouble_and_no_more(
    gemini: RunningEmulator, photos: Path
) -> None:
    folder = Path("/proc/self/net")  # nobody can write there, not even root
    environment = Environment(state_folder=folder, api_key=KEY, base_url=gemini.url)
    with run_backend(Config(recipes=[RECIPE]), environment) as backend:
        answer = backend.post("/predict", body_of(tasks_of(photos, 3))).json()
        assert all(answer["results"])
        status = status_of(backend)
        assert status["ready"] is True
        (trouble,) = status["trouble"]
        assert "record of what was done, the ledger and the memory of replies" in trouble["error"]
        assert trouble["hint"]
        assert status["projects"][0]["predicted"] == 3
        assert status["projects"][0]["calls"] == 3
        assert f'project="{PROJECT}",result="predicted"}} 3' in backend.client.get("/metrics").text


def test_a_key_that_is_refused_is_trouble(
    environment: Environment, gemini: RunningEmulator, photos: Path
) -> None:
    gemini.script(Fault(problem=Problem.BAD_KEY, times=9))
    with run_backend(Config(recipes=[RECIPE], budget=BudgetConfig(per_day=5)), environment) as one:
        one.post("/predict", body_of(tasks_of(photos, 5)))
        status = status_of(one)
        (trouble,) = status["trouble"]
        assert "key" in trouble["error"]
        assert status["reasons"][0]["kind"] == "AuthenticationError"
        unsent = status["spend"]["days"][-1]["refused"]
        assert status["spend"]["refused"] == {"AuthenticationError": unsent}
        assert unsent >= 1


def test_it_is_compressed_for_who_likes_it_so(environment: Environment, photos: Path) -> None:
    with run_backend(Config(recipes=[RECIPE]), environment) as backend:
        for path in ("/", "/api/status"):
            assert backend.client.get(path).headers["content-encoding"] == "gzip"
            plain = backend.client.get(path, headers={"accept-encoding": "identity"})
            assert "content-encoding" not in plain.headers
        answer = backend.post("/predict", body_of(tasks_of(photos, 2)))
        assert "content-encoding" not in answer.headers


def test_those_who_look_on_share_an_answer_for_a_moment(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    with run_backend(Config(), environment) as backend:
        monkeypatch.setattr("label_studio_gemini.server.monitor.MEMORY_SECONDS", 60.0)
        first, second = (status_of(backend)["now"] for _ in range(2))
        assert first == second
        monkeypatch.setattr("label_studio_gemini.server.monitor.MEMORY_SECONDS", 0.0)
        assert status_of(backend)["now"] > first


@pytest.mark.parametrize(
    "project",
    [None, 5, "", "<script>alert(1)</script>", "x" * 10_000, "../../etc", "\u202egnirts", "1.2\n3"],
)
def test_any_name_of_a_project_will_do(
    project: Any, environment: Environment, gemini: RunningEmulator
) -> None:
    environment = Environment(
        state_folder=environment.state_folder,
        api_key=KEY,
        base_url=gemini.url,
        label_studio_url="http://ls.example",
    )
    with run_backend(Config(), environment) as backend:
        backend.post("/predict", body_of([{"id": 1, "data": {}}], project))
        status = status_of(backend)
        assert backend.client.get("/metrics").status_code == 200
    (shown,) = status["projects"]
    assert status["failures"][0]["project"] == shown["project"]
    assert len(shown["project"] or "") <= 200
    known = project == 5
    assert shown["number"] == (5 if known else None)
    assert shown["url"] == ("http://ls.example/projects/5/data" if known else None)


def test_half_characters_are_shown_as_something_else(environment: Environment) -> None:
    with run_backend(Config(), environment) as backend:
        backend.post("/predict", body_of([{"id": 1, "data": {"image": "\ud83d"}}], "p \ud83d"))
        assert status_of(backend)["projects"][0]["project"] == "p ?"


@pytest.mark.parametrize(
    ("url", "hostname", "expected"),
    [
        ("http://user:word@ls:8080/sub/", "http://other", "http://ls:8080/sub"),
        (None, "https://ls.example/", "https://ls.example"),
        (None, "javascript:alert(1)//", None),
        ("ftp://ls", "", None),
    ],
)
def test_links_lead_to_label_studio_alone(
    url: str | None, hostname: str, expected: str | None, environment: Environment
) -> None:
    environment = Environment(
        state_folder=environment.state_folder,
        api_key=KEY,
        label_studio_url=url,
        label_studio_token=TOKEN,
    )
    setup = {"project": PROJECT, "schema": XML, "hostname": hostname, "access_token": TOKEN}
    with run_backend(Config(), environment) as backend:
        backend.post("/setup", setup)
        backend.post("/predict", body_of([{"id": 7, "data": {}}]))
        status = status_of(backend)
        text = backend.client.get("/api/status").text
    base = None if expected is None else f"{expected}/projects/17/data"
    assert status["projects"][0]["url"] == base
    assert status["failures"][0]["url"] == (None if base is None else f"{base}?task=7")
    assert KEY not in text
    assert TOKEN not in text


def test_what_is_left_to_people_is_said(environment: Environment) -> None:
    xml = XML.replace("</View>", '<VideoRectangle name="v" toName="none"/></View>')
    with run_backend(Config(), environment) as backend:
        backend.post("/setup", {"project": PROJECT, "schema": xml})
        (project,) = status_of(backend)["projects"]
    assert len(project["unfilled"]) == 1
    assert "VideoRectangle" in project["unfilled"][0]


def test_a_budget_that_is_used_up_is_trouble(environment: Environment, photos: Path) -> None:
    config = Config(recipes=[RECIPE], budget=BudgetConfig(per_day=0.0001))
    with run_backend(config, environment) as backend:
        assert status_of(backend)["trouble"] == []
        backend.post("/predict", body_of(tasks_of(photos, 1)))
        backend.post("/predict", body_of(tasks_of(photos, 2)[1:]))
        status = status_of(backend)
    (trouble,) = status["trouble"]
    assert "used up" in trouble["error"]
    assert status["spend"]["per_day"] == "0.0001"
    assert status["spend"]["days"][-1]["refused"] == 1
    assert status["failures"][0]["kind"] == "BudgetError"


@pytest.mark.parametrize("path", ["/", "/api/status", "/metrics", "/openapi.json"])
def test_strangers_see_nothing(path: str, environment: Environment) -> None:
    guarded = Environment(
        state_folder=environment.state_folder,
        api_key=KEY,
        basic_auth_user="u",
        basic_auth_pass="p",
    )
    with run_backend(Config(), guarded) as backend:
        assert backend.client.get(path).status_code == 401
        assert backend.client.get(path, auth=("u", "p")).status_code == 200
