"""How much memory the server takes: idle, and over 5,000 predictions, boxes and masks by turns.

`python tests/benchmarks/memory.py [PREDICTIONS]`
"""

from __future__ import annotations

import base64
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import httpx2

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from label_studio_gemini.demo.photos import (
    answer_key_path,
    sample_folder,
    sample_label_config,
    sample_photos,
)
from services import Backends, running_emulator

BATCH = 50
CONFIG = """
concurrency: 16
cache: {max_megabytes: 5}
recipes: [{name: r, prompt: 'Photo {{ task.data.title }}: find everything.'}]
"""
BOXES = sample_label_config()
MASKS = BOXES.replace("RectangleLabels", "BrushLabels")
IMAGES = [
    f"data:image/jpeg;base64,{base64.b64encode(photo.data).decode()}" for photo in sample_photos()
]
_numbers = count(1)


def main(predictions: int) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        photos = stack.enter_context(sample_folder())
        key = answer_key_path(photos)
        gemini = stack.enter_context(running_emulator(key, photos, folder / "emulator.log"))
        config = folder / "config.yaml"
        config.write_text(CONFIG)
        backends = Backends(gemini=gemini.url, folder=folder)
        ours = stack.enter_context(backends.start(LABEL_STUDIO_GEMINI_CONFIG=str(config)))
        client = stack.enter_context(httpx2.Client(base_url=ours.url, timeout=300))
        time.sleep(2)  # nothing to wait for: idle is when nothing happens
        print(f"idle: {megabytes_of(ours.process.pid):.0f} MB")
        measured = []
        for done in range(BATCH, predictions + 1, BATCH):
            predict(client, MASKS if done // BATCH % 2 else BOXES)
            if done % (predictions // 10) == 0:
                measured.append(megabytes_of(ours.process.pid))
                print(f"after {done} predictions: {measured[-1]:.0f} MB", flush=True)
        print(f"the last beside the first of these: {measured[-1] / measured[0] - 1:+.1%}")


def predict(client: httpx2.Client, xml: str) -> None:
    tasks = [
        {"id": number, "data": {"image": IMAGES[number % len(IMAGES)], "title": f"no. {number}"}}
        for number in (next(_numbers) for _ in range(BATCH))
    ]
    body = json.dumps({"tasks": tasks, "project": "1.1", "label_config": xml, "params": {}})
    headers = {"content-type": "application/json"}
    answer = client.post("/predict", content=body, headers=headers).raise_for_status()
    assert [] not in answer.json()["results"], "a task failed"


def megabytes_of(process: int) -> float:
    """Return what the process holds in memory (resident), in units of 1,000,000 bytes."""
    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    (kibibytes,) = (int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
    return kibibytes * 1024 / 1e6


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
