"""The commands, as typed: what they write, what they say, and how they end."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from commands import run_here
from label_studio_gemini.config import Config
from label_studio_gemini.demo.photos import sample_label_config
from label_studio_gemini.emulator import Fault, Stop
from services import COMMAND, clean_environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from commands import Ended
    from label_studio_gemini.emulator import RunningEmulator


def run_process(*arguments: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment(**settings),
        stdin=subprocess.DEVNULL,
        timeout=120,
    )


@pytest.fixture
def with_key(gemini: RunningEmulator) -> dict[str, str]:
    return {"GEMINI_API_KEY": "a-key", "GOOGLE_GEMINI_BASE_URL": gemini.url}


@pytest.mark.parametrize("command", ["serve", "predict", "demo", "emulate", "cache", "schema"])
def test_every_command_has_help_with_an_example(command: str) -> None:
    ended = run_here(command, "--help")
    assert ended.returncode == 0
    assert f"label-studio-gemini {command}" in ended.stdout.split("Examples:")[1]


def test_predict_writes_what_label_studio_imports(
    with_key: dict[str, str], photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "tasks.json"
    xml = tmp_path / "config.xml"
    xml.write_text(sample_label_config())
    ended = run_here("predict", photos, "--label-config", xml, "--out", out, **with_key)
    assert ended.returncode == 0, ended.stderr
    tasks: list[dict[str, Any]] = json.loads(out.read_text())
    assert [task["data"]["image"] for task in tasks] == sorted(
        f"/data/local-files/?d={photo.name}" for photo in photos.glob("*.jpg")
    )
    assert sum(len(task["predictions"][0]["result"]) for task in tasks) == 39
    assert "7 of 7 tasks predicted, 0 failed, 39 result items" in ended.stderr
    assert "coins.jpg: 24 result items" in ended.stderr
    assert ended.stdout == ""


def test_predict_reads_task_json_and_writes_to_standard_output(
    with_key: dict[str, str], photos: Path, tmp_path: Path
) -> None:
    """`/data/local-files/` addresses are read from the document root, as Label Studio does."""
    tasks = tmp_path / "tasks.json"
    tasks.write_text('[{"id": 3, "data": {"image": "/data/local-files/?d=coffee.jpg"}}]')
    ended = run_process(
        *("predict", tasks, "--label-config", sample_label_config(), "--out", "-"),
        *("--document-root", photos),
        **with_key,
    )
    assert ended.returncode == 0, ended.stderr
    (task,) = json.loads(ended.stdout)
    assert task["id"] == 3
    assert len(task["predictions"][0]["result"]) == 3


def test_predict_with_failures_keeps_the_rest(
    with_key: dict[str, str], gemini: RunningEmulator, photos: Path, tmp_path: Path
) -> None:
    gemini.script(Fault(stop=Stop.SAFETY, images=frozenset({"coins.jpg"}), times=None))
    out = tmp_path / "tasks.json"
    xml = sample_label_config()
    ended = run_here("predict", photos, "--label-config", xml, "--out", out, **with_key)
    assert ended.returncode == 1
    assert "failed: coins.jpg:" in ended.stderr
    assert "6 of 7 tasks predicted, 1 failed" in ended.stderr
    assert sum("predictions" in task for task in json.loads(out.read_text())) == 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere",), "There is no file or folder 'nowhere'"),
        ((".", "--out", "no/such/folder/t.json"), "cannot be written"),
        ((".", "--config", "none.yaml"), "'none.yaml' cannot be read"),
        ((".", "--label-config", "none.xml"), "'none.xml' cannot be read"),
        ((".", "--label-config", "<View>"), "not valid XML"),
        ((".", "--colour"), "--colour"),
        ((), "SOURCE"),
    ],
)
def test_a_mistake_of_the_user(
    arguments: tuple[str, ...], message: str, with_key: dict[str, str]
) -> None:
    """Exit code 2, a readable line, a hint, no traceback."""
    given = () if "--label-config" in arguments else ("--label-config", sample_label_config())
    ended = run_here("predict", *given, *arguments, **with_key)
    assert ended.returncode == 2
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_address_of_the_api_that_is_none(photos: Path, tmp_path: Path) -> None:
    settings = {"GEMINI_API_KEY": "k", "GOOGLE_GEMINI_BASE_URL": "junk"}
    xml = sample_label_config()
    out = tmp_path / "t.json"
    ended = run_here("predict", photos, "--label-config", xml, "--out", out, **settings)
    assert ended.returncode == 2
    assert "'junk'" in ended.stderr
    assert not out.exists()


def test_a_wrong_key_is_said_once(
    with_key: dict[str, str], photos: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = {**with_key, "GEMINI_API_KEY": "wrong-key"}
    out = tmp_path / "t.json"
    xml = sample_label_config()
    ended = run_here("predict", photos, "--label-config", xml, "--out", out, **wrong)
    assert ended.returncode == 2
    said = [line.partition(":")[0] for line in ended.stderr.splitlines()]
    assert said[-2:] == ["Error", "Hint"]
    assert said.count("Error") == said.count("Hint") == 1
    assert "wrong-key" not in ended.stderr + caplog.text


def test_schema_is_json_and_describes_the_file() -> None:
    schema = json.loads(run_here("schema").stdout)
    assert set(schema["properties"]) == set(Config.model_fields)


@pytest.mark.parametrize(
    ("arguments", "message", "run"),
    [
        (("--answers", "a.json"), "--answers and --images go together", run_process),
        (("--answers", "a.json", "--images", "."), "a.json", run_here),
    ],
)
def test_emulate_with_a_key_that_is_not_there(
    arguments: tuple[str, ...], message: str, run: Callable[..., Ended]
) -> None:
    """The first in a process of its own: it ends with that code, too."""
    ended = run("emulate", *arguments)
    assert ended.returncode == 2
    assert message in ended.stderr
    assert "Hint:" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_estimate_sends_nothing(
    with_key: dict[str, str], gemini: RunningEmulator, photos: Path, tmp_path: Path
) -> None:
    """It needs no key either: what can be counted here is counted here."""
    out = tmp_path / "tasks.json"
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    without_key = {name: value for name, value in with_key.items() if name != "GEMINI_API_KEY"}
    ended = run_here(
        *("predict", photos, tmp_path / "broken.jpg", "--estimate", "--out", out),
        *("--label-config", sample_label_config()),
        **without_key,
    )
    assert ended.returncode == 1
    assert "cannot be asked about: broken.jpg" in ended.stderr
    assert "7 tasks, 7 requests to gemini-3-flash-preview: about " in ended.stderr
    assert "(7,840 of them images)" in ended.stderr, "1,120 tokens each, at `high`"
    assert "Nothing was sent." in ended.stderr
    assert not gemini.requests
    assert not out.exists()


def test_nothing_is_paid_twice_and_the_cache_shows_it(
    with_key: dict[str, str], gemini: RunningEmulator, photos: Path, tmp_path: Path
) -> None:
    """Without the file of the first run, the second one asks the same, and pays nothing."""
    environment = {**with_key, "MODEL_DIR": str(tmp_path / "state")}
    arguments = ("predict", photos, "--label-config", sample_label_config(), "--out")
    first = run_here(*arguments, tmp_path / "1.json", **environment)
    assert " 0 tokens" not in first.stderr
    calls = len(gemini.requests)
    second = run_here(*arguments, tmp_path / "2.json", **environment)
    assert second.returncode == 0, second.stderr
    assert "7 answers from the cache, 0 tokens (about $0.0000)" in second.stderr
    assert len(gemini.requests) == calls
    assert (tmp_path / "1.json").read_text() == (tmp_path / "2.json").read_text()
    shown = run_here("cache", **environment).stdout
    assert "7 answers and 0 failures are remembered" in shown
    assert shown.split("\nall", 1)[1].split()[:3] == ["7", "0", "7"]
    cleared = run_here("cache", "--clear", **environment).stdout
    assert "0 answers" in cleared
    assert cleared.split("\nall", 1)[1].split()[:3] == ["7", "0", "7"], "the record stays"
