"""A fault costs the tasks that meet it, for as long as it lasts, and nothing else.

Each case of the table is run over real sockets, with exact counts of answers, of requests to Gemini
and to Label Studio, and of rows on record.
"""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from backends import run_backend
from fault_cases import ANSWERS, GEMINI, IMAGES, TASKS, Case, Round
from fault_kit import (
    API_KEY,
    RECIPE,
    TOKEN,
    counted,
    ledger_rows,
    predict_body,
    put_up,
    results_of,
    run_site,
    upload_path,
)
from label_studio_gemini.config import Config, read_config
from label_studio_gemini.environment import Environment
from label_studio_gemini.gemini import retry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from images_server import Site
    from label_studio_gemini.emulator import RunningEmulator


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with run_site() as running:
        yield running


@pytest.fixture(autouse=True)
def _soon_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the next attempt come at once: how long it waits is no matter here."""
    monkeypatch.setattr(retry, "FIRST_BACKOFF", 0.01)


def params(cases: Sequence[Case]) -> list[Any]:
    return [
        pytest.param(one, id=one.name, marks=[pytest.mark.slow] if one.slow else [])
        for one in cases
    ]


@dataclass(frozen=True)
class Batch:
    """A batch of tasks, and all that has a part in it."""

    case: Case
    config: Config
    environment: Environment
    gemini: RunningEmulator
    site: Site
    photo: bytes

    def run(self) -> None:
        """Retrieve it as often as the case says, and check each time what comes of it."""
        put_up(self.site, self.photo, TASKS)
        self.site.routes |= {upload_path(task): said for task, said in self.case.images.items()}
        self.gemini.script(*self.case.gemini)
        restarts = [number for number, one in enumerate(self.case.rounds) if one.restart]
        ends = [*restarts, len(self.case.rounds)]
        for begin, end in zip([0, *restarts], ends, strict=True):
            with run_backend(self.config, self.environment) as backend:
                for expected in self.case.rounds[begin:end]:
                    self.check(backend.post("/predict", self.body()).text, expected)
                    self.heal()

    def body(self) -> dict[str, Any]:
        addresses = {task: upload_path(task) for task in TASKS} | dict(self.case.addresses)
        return predict_body(addresses)

    def heal(self) -> None:
        self.gemini.clear_faults()
        self.gemini.clear_requests()
        put_up(self.site, self.photo, TASKS)

    def check(self, text: str, expected: Round) -> None:
        answer = json.loads(text)
        assert results_of(answer) == expected.results
        versions = {one["model_version"] for one in answer["results"] if one}
        assert versions <= {answer["model_version"]}
        failed = [
            task for task, result in zip(TASKS, expected.results, strict=True) if result == "."
        ]
        assert [one["task"] for one in answer["errors"]] == failed
        for one in answer["errors"]:
            assert re.search(expected.error, one["error"])
            assert re.search(expected.hint, one["hint"])
        assert len(self.gemini.requests) == expected.requests
        assert len(self.site.seen) == expected.fetches
        assert "Traceback" not in text
        assert no_secret_in(text)


def no_secret_in(text: str) -> bool:
    return not any(secret in text for secret in (API_KEY, TOKEN))


def check_ledger(case: Case, rows: list[str]) -> None:
    """Check that the rows on record are those of each round, and no others."""
    for expected in case.rounds:
        calls = [n for row, n in expected.ledger.items() if row.startswith("call ")]
        assert sum(calls) == expected.requests
        number = sum(expected.ledger.values())
        assert counted(rows[:number]) == expected.ledger
        del rows[:number]
    assert rows == []


def check_log(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    """Check that each failure is told in one line, with its hint, and no secret in any."""
    assert no_secret_in(caplog.text)
    assert [record for record in caplog.records if record.exc_info] == []
    failures = [one for one in caplog.messages if re.match(r"task \d failed: .* Hint: .", one)]
    assert len(failures) == sum(one.results.count(".") for one in case.rounds)


@pytest.fixture
def make_batch(
    gemini: RunningEmulator, site: Site, photos: Path, tmp_path: Path
) -> Callable[..., Batch]:
    environment = Environment(
        state_folder=tmp_path / "state",
        api_key=API_KEY,
        base_url=gemini.url,
        label_studio_url=site.url,
        label_studio_token=TOKEN,
    )

    def make(case: Case, api: str = "interactions") -> Batch:
        file = tmp_path / "config.yaml"
        file.write_text(f"api: {api}\n{RECIPE}{case.config}")
        photo = (photos / "coffee.jpg").read_bytes()
        return Batch(case, read_config(file), environment, gemini, site, photo)

    return make


def check_all(batch: Batch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="label_studio_gemini")
    batch.run()
    check_ledger(batch.case, ledger_rows(batch.environment.state_folder))
    check_log(batch.case, caplog)


@pytest.mark.parametrize("case", params([*GEMINI, *ANSWERS]))
def test_what_gemini_does(
    case: Case, make_batch: Callable[..., Batch], caplog: pytest.LogCaptureFixture
) -> None:
    check_all(make_batch(case), caplog)


OF_THE_API = [one for one in (*GEMINI, *ANSWERS) if not any(what.breakage for what in one.gemini)]
"""What each API says in a way of its own; a broken connection is the same with both."""


@pytest.mark.slow
@pytest.mark.parametrize("case", OF_THE_API, ids=lambda case: case.name)
def test_what_gemini_does_over_its_other_api(
    case: Case, make_batch: Callable[..., Batch], caplog: pytest.LogCaptureFixture
) -> None:
    check_all(make_batch(case, "generate_content"), caplog)


@pytest.mark.parametrize("case", params(IMAGES))
def test_what_becomes_of_images(
    case: Case, make_batch: Callable[..., Batch], caplog: pytest.LogCaptureFixture
) -> None:
    check_all(make_batch(case), caplog)


def test_requests_have_the_form_of_a_recorded_one(shared: Path) -> None:
    """The tasks of the table have what Label Studio sends of a task, and nothing more."""
    file = shared / "label-studio" / "requests" / "predict_batch.json"
    recorded = json.loads(file.read_text())["body"]
    ours = predict_body({1: upload_path(1)})
    assert form_of(ours) == form_of(recorded | {"tasks": recorded["tasks"][:1]})


def form_of(value: object) -> object:
    """Return a JSON value with the names of types in the place of what it says."""
    if isinstance(value, dict):
        return {key: form_of(one) for key, one in value.items()}
    if isinstance(value, list):
        return [form_of(one) for one in value]
    return type(value).__name__
