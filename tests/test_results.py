"""What a bulk run wrote is never lost, never half written, and never paid again."""

from __future__ import annotations

import json
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from commands import run_here
from label_studio_gemini.bulk import digest_of_data
from label_studio_gemini.demo.photos import sample_label_config
from label_studio_gemini.emulator import Fault, Stop
from label_studio_gemini.errors import UsageError
from label_studio_gemini.results import ResultFile
from services import COMMAND, clean_environment

if TYPE_CHECKING:
    from pathlib import Path

    from commands import Ended
    from label_studio_gemini.bulk import ImportTaskJson
    from label_studio_gemini.emulator import RunningEmulator
    from label_studio_gemini.regions import PredictionJson

XML = sample_label_config()
A: ImportTaskJson = {"data": {"image": "a.jpg"}}
B: ImportTaskJson = {"data": {"image": "b.jpg", "odd": "\ud800 ü"}}
FOUND: PredictionJson = {"model_version": "m-1", "result": []}


def predict(gemini: RunningEmulator, out: Path, source: Path, key: str = "k") -> Ended:
    return run_here(
        *("predict", source, "--label-config", XML, "--out", out),
        GEMINI_API_KEY=key,
        GOOGLE_GEMINI_BASE_URL=gemini.url,
    )


def predicted(out: Path) -> int:
    tasks: list[dict[str, Any]] = json.loads(out.read_text())
    return sum("predictions" in task for task in tasks)


def test_what_was_done_is_taken_over_and_nothing_is_asked_twice(
    gemini: RunningEmulator, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "tasks.json"
    gemini.script(Fault(stop=Stop.SAFETY, images=frozenset({"coins.jpg"})))
    assert predict(gemini, out, photos).returncode == 1
    assert predicted(out) == 6
    gemini.clear_requests()
    again = predict(gemini, out, photos)
    assert again.returncode == 0
    assert "1 of 7 tasks predicted, 0 failed, 6 taken over" in again.stderr
    assert [request.photos for request in gemini.requests] == [("coins.jpg",)]
    assert predicted(out) == 7
    assert not list(tmp_path.glob("*.journal"))


def test_a_refused_key_costs_nothing_that_was_there(
    gemini: RunningEmulator, photos: Path, tmp_path: Path
) -> None:
    """Another version asks anew; where that fails, the older prediction stays."""
    out = tmp_path / "tasks.json"
    assert predict(gemini, out, photos).returncode == 0
    older = json.loads(out.read_text())
    for task in older:
        task["predictions"][0]["model_version"] = "older"
    out.write_text(json.dumps(older))
    assert predict(gemini, out, photos, key="wrong-key").returncode == 2
    assert json.loads(out.read_text()) == older


@pytest.mark.parametrize(
    "end",
    [
        signal.SIGKILL,
        pytest.param(signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param(signal.SIGINT, marks=pytest.mark.slow),
    ],
)
def test_a_run_that_is_ended_goes_on_where_it_was(
    end: signal.Signals, gemini: RunningEmulator, photos: Path, tmp_path: Path
) -> None:
    """What had been answered is in the journal, or in the file, and is not paid again."""
    out, journal = tmp_path / "tasks.json", tmp_path / "tasks.json.journal"
    gemini.script(Fault(delay=30, images=frozenset({"coins.jpg"})))
    process = subprocess.Popen(
        [COMMAND, "predict", photos, "--label-config", XML, "--out", out],
        env=clean_environment(GEMINI_API_KEY="k", GOOGLE_GEMINI_BASE_URL=gemini.url),
        stderr=subprocess.PIPE,
        # A run that a shell started with `&` ignores Ctrl-C, and what it starts inherits that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    assert process.stderr is not None
    said = b""
    while b"6/7" not in said:  # the progress line of the sixth
        line = process.stderr.readline()
        assert line, said
        said += line
    process.send_signal(end)
    process.communicate(timeout=30)
    assert out.exists() or journal.exists()
    gemini.clear_requests()
    gemini.clear_faults()
    assert predict(gemini, out, photos).returncode == 0
    assert [request.photos for request in gemini.requests] == [("coins.jpg",)]
    assert predicted(out) == 7


def test_the_file_and_the_journal_are_read_back(tmp_path: Path) -> None:
    """The journal is newer; a line that was cut is none."""
    file = ResultFile(tmp_path / "t.json")
    file.check([A, B])
    file.write([{**A, "predictions": [FOUND]}, B])
    with file.journal():
        file.note(B, {"model_version": "m-2", "result": []})
    journal = tmp_path / "t.json.journal"
    journal.write_text(journal.read_text() + '{"task": "x", "predic')
    assert ResultFile(tmp_path / "t.json").earlier() == {
        digest_of_data(A["data"]): FOUND,
        digest_of_data(B["data"]): {"model_version": "m-2", "result": []},
    }


def test_lone_surrogates_are_written_as_escapes(tmp_path: Path) -> None:
    ResultFile(tmp_path / "t.json").write([B])
    text = (tmp_path / "t.json").read_text(encoding="utf-8")
    assert "\\ud800 ü" in text
    assert json.loads(text) == [B]


@pytest.mark.parametrize(
    "content", ["not json", "{}", '[{"data": 1}]', '[{"data": {"image": "z"}}]']
)
def test_what_is_no_part_of_this_run_is_not_overwritten(content: str, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(content)
    with pytest.raises(UsageError, match=r"t\.json"):
        ResultFile(tmp_path / "t.json").check([A, B])
    assert (tmp_path / "t.json").read_text() == content


def test_a_link_is_followed_and_a_device_is_written_in_place(tmp_path: Path) -> None:
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    ResultFile(tmp_path / "link.json").write([A])
    assert (tmp_path / "link.json").is_symlink()
    assert json.loads((tmp_path / "real.json").read_text()) == [A]


def test_a_full_disk_is_a_line_and_a_hint() -> None:
    from pathlib import Path  # noqa: PLC0415

    full = Path("/dev/full")
    if not full.is_char_device():
        pytest.skip("needs /dev/full")
    with pytest.raises(UsageError, match="No space left"):
        ResultFile(full).write([A])
    assert full.is_char_device()
