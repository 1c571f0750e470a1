"""32 tasks in one /predict, each with a Gemini call of one second: this server, and the usual one.

The usual one is label-studio-ml's own server with a `predict` that asks Gemini for one task after
the other. Both ask the same emulator. `python tests/benchmarks/batch.py`
"""

from __future__ import annotations

import base64
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from label_studio_gemini.demo.photos import (
    answer_key_path,
    sample_folder,
    sample_label_config,
    sample_photos,
)
from label_studio_gemini.emulator import Fault, read_answer_key, run_emulator
from services import Backends, Service, clean_environment, free_port, running

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

TASKS = 32
SECONDS = 1.0
# Each task is a call of its own, though all have the same photo: what is the same is asked once.
CONFIG = "recipes: [{name: r, prompt: 'Photo {{ task.data.title }}: find everything.'}]"

USUAL = """
import base64, os, sys
from google import genai
from google.genai import types
from label_studio_ml.api import init_app
from label_studio_ml.model import LabelStudioMLBase

class Usual(LabelStudioMLBase):
    def predict(self, tasks, **kwargs):
        client = genai.Client(http_options={"base_url": os.environ["GOOGLE_GEMINI_BASE_URL"]})
        answers = []
        for task in tasks:
            data = base64.b64decode(task["data"]["image"].partition(",")[2])
            part = types.Part.from_bytes(data=data, mime_type="image/jpeg")
            client.models.generate_content(
                model="gemini-3-flash-preview", contents=[part, "Detect all objects."])
            answers.append({"result": []})
        return answers

init_app(Usual, model_dir=sys.argv[1]).run(host="127.0.0.1", port=int(sys.argv[2]))
"""


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as name,
        sample_folder() as photos,
        run_emulator(read_answer_key(answer_key_path(photos), photos)) as gemini,
    ):
        gemini.script(Fault(delay=SECONDS, times=None))
        folder = Path(name)
        config = folder / "config.yaml"
        config.write_text(CONFIG)
        backends = Backends(gemini=gemini.url, folder=folder)
        with backends.start(LABEL_STUDIO_GEMINI_CONFIG=str(config)) as ours:
            first, then = seconds_of(ours, "first"), seconds_of(ours, "second")
        assert len(gemini.requests) == 2 * TASKS
        with usual(gemini.url, folder) as theirs:
            usually = seconds_of(theirs, "third")
    print(f"{TASKS} tasks of {SECONDS} s in one /predict")
    print(f"label-studio-gemini serve   {first:6.2f} s, again {then:.2f} s")
    print(f"label-studio-ml 1.0.9       {usually:6.2f} s")
    print(f"ratio                       {usually / first:6.1f}")


def usual(gemini: str, folder: Path) -> AbstractContextManager[Service]:
    port = free_port()
    return running(
        [sys.executable, "-c", USUAL, str(folder), str(port)],
        url=f"http://127.0.0.1:{port}",
        health="/health",
        log=folder / "usual.log",
        environment=clean_environment(
            GEMINI_API_KEY="k", GOOGLE_GEMINI_BASE_URL=gemini, PATH=os.environ["PATH"]
        ),
    )


def seconds_of(backend: Service, title: str) -> float:
    """Time one request; how large the photo is does not matter, so all are the same."""
    image = f"data:image/jpeg;base64,{base64.b64encode(sample_photos()[0].data).decode()}"
    xml = sample_label_config()
    setup = {"project": "1.1", "schema": xml, "hostname": "http://127.0.0.1:1", "access_token": "t"}
    httpx2.post(f"{backend.url}/setup", json=setup).raise_for_status()
    tasks = [
        {"id": number, "data": {"image": image, "title": f"{title} {number}"}}
        for number in range(TASKS)
    ]
    body = {"tasks": tasks, "project": "1.1", "label_config": xml, "params": {}}
    start = time.perf_counter()
    answer = httpx2.post(f"{backend.url}/predict", json=body, timeout=120).raise_for_status()
    seconds = time.perf_counter() - start
    assert len(answer.json()["results"]) == TASKS
    return seconds


if __name__ == "__main__":
    main()
