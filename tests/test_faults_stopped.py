"""A backend that ends in the middle of a batch of 200, or whose client does: no task is lost, and
what had been answered by then is not asked for again.
"""

from __future__ import annotations

import logging
import signal
from collections import Counter
from typing import TYPE_CHECKING

import httpx2
import pytest

from backends import run_backend
from fault_kit import (
    API_KEY,
    TOKEN,
    kept_in,
    predict_body,
    put_up,
    results_of,
    run_site,
    upload_path,
)
from fault_office import PLACES, Office, kill, stop
from gates import Call, await_condition, gate
from label_studio_gemini.config import Config, RecipeConfig
from label_studio_gemini.environment import Environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from images_server import Site
    from label_studio_gemini.emulator import RunningEmulator

pytestmark = pytest.mark.slow

TASKS = range(1, 201)
WELL = "3" * len(TASKS)
BODY = predict_body({task: upload_path(task) for task in TASKS})


@pytest.fixture(scope="module")
def all_photos() -> Iterator[Site]:
    with run_site() as running:
        yield running


@pytest.fixture
def site(all_photos: Site, photos: Path) -> Site:
    put_up(all_photos, (photos / "coffee.jpg").read_bytes(), TASKS)
    return all_photos


@pytest.fixture
def office(gemini: RunningEmulator, site: Site, tmp_path: Path) -> Office:
    return Office(gemini, site.url, TOKEN, tmp_path)


def retrieve_again(office: Office) -> None:
    """Ask a new backend for the whole batch, and check that it has all of it."""
    office.gemini.clear_faults()
    with office.backend() as backend:
        answer = httpx2.post(f"{backend.url}/predict", json=BODY, timeout=120).json()
    assert results_of(answer) == WELL
    assert answer["errors"] == []


@pytest.mark.parametrize("replies", [1, 150])
def test_a_kill_costs_what_was_in_flight(replies: int, office: Office) -> None:
    """So many replies have come, and the next eight requests are on their way."""
    hold = office.hold_after(replies)
    with office.backend() as backend:
        call = Call(backend.url, "/predict", BODY)
        office.await_held(hold, replies)
        kill(backend)
        call.hang_up()

    retrieve_again(office)
    assert office.asked == Counter(TASKS) + Counter(hold.tasks)
    assert office.answered == len(TASKS)
    assert office.ledger == {"call ok": len(TASKS), "hit ok": replies}


def test_a_kill_at_any_moment(office: Office) -> None:
    """Nothing is held up: at the most eight replies were on their way into the two files."""
    with office.backend() as backend:
        call = Call(backend.url, "/predict", BODY)
        await_condition(lambda: office.answered >= 60, "sixty are answered")
        kill(backend)
        call.hang_up()
    stored, on_record = kept_in(office.state)

    retrieve_again(office)
    twice = [task for task, times in office.asked.items() if times > 1]
    assert office.asked == Counter(TASKS) + Counter(twice)
    assert len(twice) <= PLACES
    assert 60 - PLACES <= stored < len(TASKS)
    assert abs(on_record - stored) <= PLACES
    assert office.ledger["hit ok"] == stored, "each that was stored is answered without a call"


def test_a_stop_costs_nothing(office: Office) -> None:
    """What is on its way is waited for, and answered; the rest is asked for the next time."""
    with office.backend("stop_grace: 50") as backend, gate(office.gemini, 60) as held:
        call = Call(backend.url, "/predict", BODY)
        stop(backend, held)
        answer = call.read()
        backend.process.wait(30)
    predicted = results_of(answer).count("3")
    assert len(answer["errors"]) == results_of(answer).count(".") == len(TASKS) - predicted
    assert 60 < predicted == office.answered == office.asked.total() <= 60 + PLACES

    retrieve_again(office)
    assert office.asked == Counter(TASKS)
    assert office.ledger == {"call ok": len(TASKS), "hit ok": predicted}


def test_a_stop_that_outlasts_its_grace_costs_what_was_in_flight(office: Office) -> None:
    hold = office.hold_after(60)
    with office.backend("stop_grace: 0.2") as backend:
        call = Call(backend.url, "/predict", BODY)
        office.await_held(hold, 60)
        backend.process.send_signal(signal.SIGTERM)
        answer = call.read()
        backend.process.wait(30)
    assert results_of(answer).count("3") == 60

    retrieve_again(office)
    assert office.asked == Counter(TASKS) + Counter(hold.tasks)
    given_up = {"call TransportError": len(hold.tasks)}
    assert office.ledger == {"call ok": len(TASKS), "hit ok": 60} | given_up


def test_a_client_that_hangs_up_gets_it_all_the_next_time(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """About sixty are done when it goes; the rest goes on without it, and is joined."""
    caplog.set_level(logging.INFO)
    recipe = RecipeConfig.model_validate({"name": "r", "prompt": "Photo {{ task.data.image }} :"})
    environment = Environment(
        state_folder=office.state,
        api_key=API_KEY,
        base_url=office.gemini.url,
        label_studio_url=office.url,
        label_studio_token=office.token,
    )
    config = Config(recipes=[recipe], concurrency=PLACES)
    with run_backend(config, environment) as backend, gate(office.gemini, passes=60) as held:
        call = Call(backend.url, "/predict", BODY)
        held.await_request()
        call.hang_up()
        hung_up = "hung_up"
        await_condition(
            lambda: any(hung_up in getattr(one, "fields", ()) for one in caplog.records), hung_up
        )
        again = Call(backend.url, "/predict", BODY)
        again.await_space()
        held.open()
        assert results_of(again.read()) == WELL
    assert office.asked == Counter(TASKS)
    ledger = office.ledger
    assert ledger["call ok"] == len(TASKS)
    assert 60 - PLACES <= ledger["hit ok"] <= 60
    assert ledger.keys() == {"call ok", "hit ok"}
