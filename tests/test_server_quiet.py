"""What would fill the log is said a few times, and no line is endless."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING

import pytest

from backends import run_backend
from label_studio_gemini.config import Config
from label_studio_gemini.demo.photos import sample_label_config
from label_studio_gemini.environment import Environment
from label_studio_gemini.server.logs import JsonFormatter, TextFormatter, count_failure
from label_studio_gemini.server.quiet import FewFailures, NoCancellations, NoSocketsOnce

if TYPE_CHECKING:
    from pathlib import Path

ANSWERING = logging.getLogger("label_studio_gemini.pipeline.answering")


def record_of(message: str, error: BaseException | None = None) -> logging.LogRecord:
    caught = (type(error), error, None) if error is not None else None
    return logging.LogRecord("a.b", logging.WARNING, "file", 1, message, None, caught)


def test_that_there_are_no_sockets_is_said_once_a_minute() -> None:
    said = "socket.accept() out of system resource\nsocket: <…>"
    once = NoSocketsOnce()
    records = [record_of(said, OSError("too many")) for _ in range(1000)]
    (first,) = (record for record in records if once.filter(record))
    assert "ulimit -n" in first.getMessage()
    assert first.exc_info is None
    assert once.filter(record_of("something else"))
    always = NoSocketsOnce(seconds=0)
    assert all(always.filter(record_of(said)) for _ in range(3))


def test_only_what_was_cut_off_is_left_out() -> None:
    assert not NoCancellations().filter(record_of("Exception", asyncio.CancelledError()))
    assert NoCancellations().filter(record_of("Exception", ValueError()))
    assert NoCancellations().filter(record_of("all is well"))


def test_outside_of_requests_each_failure_is_told() -> None:
    few = FewFailures(count_failure)
    assert all(few.filter(record_of("task 1 failed")) for _ in range(100))


def test_many_bad_tasks_of_a_request_are_told_in_a_few_lines(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = Environment(state_folder=tmp_path, api_key="k")
    tasks = [{"id": number, "data": {}} for number in range(60)]
    body = {"tasks": tasks, "project": "p" * 5000, "label_config": sample_label_config()}
    # Alone: what another test has configured would count each failure once more.
    monkeypatch.setattr(ANSWERING, "filters", [FewFailures(count_failure)])
    with caplog.at_level(logging.INFO), run_backend(Config(), environment) as backend:
        for _ in range(2):
            assert backend.post("/predict", body).json()["results"] == [[]] * 60
    said = [record.getMessage() for record in caplog.records]
    assert len([one for one in said if "failed:" in one]) == 2 * 20
    assert [one.split(" so far")[0] for one in said if "more tasks" in one] == [
        "40 more tasks of this request failed"
    ] * 2
    assert max(len(TextFormatter().format(record)) for record in caplog.records) < 1000


@pytest.mark.parametrize("letter", ["x", "\N{GRINNING FACE}", "\x00", "\ud800", '"'])
def test_no_line_is_endless(letter: str) -> None:
    record = record_of(letter * 100_000)
    lines = [TextFormatter().format(record), JsonFormatter().format(record)]
    assert max(map(len, lines)) < 4000
    assert "(100,000 characters)" in json.loads(lines[1])["message"]
    assert min(map(len, lines)) > 500
