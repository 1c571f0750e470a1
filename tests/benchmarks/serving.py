"""How long people wait, when each Gemini call takes one second: this server, and the usual one.

The usual one is label-studio-ml 1.0.9 as its template runs it (gunicorn, one worker, eight
threads), with a `predict` that asks Gemini for one task after the other. Both ask the same
stand-in, a process of its own (`replay.py`), and read the same file: a task names its image, as
Label Studio's tasks do. What takes seconds is done several times, and the median counts: on a
machine that is shared, one time differs from the next by more than a tenth. Each line says how much
of the processors other machines took meanwhile; with more than a few percent it says little.
`python tests/benchmarks/serving.py`
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import httpx2

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from label_studio_gemini.demo.photos import (
    answer_key_path,
    sample_folder,
    sample_label_config,
)
from services import (
    SCRIPTS,
    Backends,
    Service,
    clean_environment,
    free_port,
    running,
    running_emulator,
)

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

TASKS = 32
ROUNDS = 5
SECONDS = 1.0
REQUESTS = 8
MANY_AT_ONCE = 128
# Each task is a call of its own, though all have the same photo: what is the same is asked once.
CONFIG = """
recipes: [{{name: r, prompt: 'Photo {{{{ task.data.title }}}}: find everything.'}}]
concurrency: {concurrency}
images: {{folders: ['{folder}']}}
"""
PHOTO = "chelsea.jpg"  # the smallest: what is timed is who waits for whom, not how bytes are copied
REPLAY = Path(__file__).with_name("replay.py")

USUAL = """
import os
from pathlib import Path
from google import genai
from google.genai import types
from label_studio_ml.api import init_app
from label_studio_ml.model import LabelStudioMLBase

client = genai.Client(http_options={"base_url": os.environ["GOOGLE_GEMINI_BASE_URL"]})

class Usual(LabelStudioMLBase):
    def predict(self, tasks, **kwargs):
        answers = []
        for task in tasks:
            data = (Path(os.environ["IMAGES"]) / task["data"]["image"]).read_bytes()
            part = types.Part.from_bytes(data=data, mime_type="image/jpeg")
            client.models.generate_content(
                model="gemini-3-flash-preview", contents=[part, "Detect all objects."])
            answers.append({"result": []})
        return answers

app = init_app(Usual, model_dir=os.environ["MODEL_DIR"])
"""

_XML = sample_label_config()
_numbers = count(1)


def main() -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        photos = stack.enter_context(sample_folder())
        key = answer_key_path(photos)
        emulator = stack.enter_context(running_emulator(key, photos, folder / "emulator.log"))
        gemini = stack.enter_context(start_gemini(emulator, folder))
        with start_ours(gemini, folder, photos, concurrency=TASKS) as ours:
            one = times_of(ours, requests=1, tasks=TASKS, rounds=1)
            again = times_of(ours, requests=1, tasks=TASKS)
        # What follows is timed with servers that have answered as much before, of either kind.
        with start_ours(gemini, folder, photos, concurrency=TASKS) as ours:
            seconds_of(ours, requests=TASKS, tasks=1)
            parallel = times_of(ours, requests=TASKS, tasks=1)
        with start_ours(gemini, folder, photos, concurrency=MANY_AT_ONCE) as ours:
            seconds_of(ours, requests=REQUESTS, tasks=TASKS)
            many = times_of(ours, requests=REQUESTS, tasks=TASKS)
        with start_usual(gemini, folder, photos) as usual:
            usually_one = times_of(usual, requests=1, tasks=TASKS, rounds=1)
            seconds_of(usual, requests=TASKS, tasks=1)
            usually_parallel = times_of(usual, requests=TASKS, tasks=1)
    show("32 tasks of 1.0 s in one /predict", TASKS, one, usually_one.median)
    show("the same again, other tasks", TASKS, again, usually_one.median)
    show("32 parallel /predict of one task", TASKS, parallel, usually_parallel.median)
    all_of_them = REQUESTS * usually_one.median / 8
    show("8 x 32 tasks, 128 at the same time", REQUESTS * TASKS, many, all_of_them)
    print("(the usual one of the last line: 8 threads, each with one of the batches, reckoned)")


class Times(NamedTuple):
    """What was measured of one thing.

    Attributes:
        seconds: Of each round, the shortest first.
        stolen: The share of the processors' time that other machines took meanwhile.
    """

    seconds: list[float]
    stolen: float

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


def times_of(backend: Service, *, requests: int, tasks: int, rounds: int = ROUNDS) -> Times:
    """Time so many rounds of `requests` at once."""
    before = processor_ticks()
    seconds = sorted(seconds_of(backend, requests=requests, tasks=tasks) for _ in range(rounds))
    stolen, whole = (
        after - former for after, former in zip(processor_ticks(), before, strict=True)
    )
    return Times(seconds, stolen / max(whole, 1))


def processor_ticks() -> tuple[int, int]:
    """Return what other machines took of the processors, and all time; (0, 0) off Linux."""
    try:
        fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    except OSError:
        return (0, 0)
    return int(fields[7]), sum(map(int, fields))


def show(what: str, tasks: int, ours: Times, usual: float) -> None:
    several = len(ours.seconds) > 1
    spread = f"({ours.seconds[0]:.2f}-{ours.seconds[-1]:.2f})" if several else ""
    print(
        f"{what:34} {ours.median:5.2f} s {spread:11} {tasks / ours.median:5.1f}/s"
        f"   the usual: {usual:5.2f} s {tasks / usual:5.1f}/s   ratio {usual / ours.median:4.1f}"
        f"   ({ours.stolen:.0%} taken by others)"
    )


def start_gemini(emulator: Service, folder: Path) -> AbstractContextManager[Service]:
    port = free_port()
    return running(
        [
            sys.executable,
            Path(__file__).with_name("replay.py"),
            str(port),
            emulator.url,
            str(SECONDS),
        ],
        url=f"http://127.0.0.1:{port}",
        health="/",
        log=folder / "replay.log",
        environment=clean_environment(),
    )


def start_ours(
    gemini: Service, folder: Path, photos: Path, *, concurrency: int
) -> AbstractContextManager[Service]:
    config = folder / "config.yaml"
    config.write_text(CONFIG.format(concurrency=concurrency, folder=photos))
    state = Path(tempfile.mkdtemp(dir=folder))
    backends = Backends(gemini=gemini.url, folder=state)
    return backends.start(LABEL_STUDIO_GEMINI_CONFIG=str(config))


def start_usual(gemini: Service, folder: Path, photos: Path) -> AbstractContextManager[Service]:
    (folder / "usual.py").write_text(USUAL)
    port = free_port()
    bind = ("--bind", f"127.0.0.1:{port}", "--workers", "1", "--threads", "8", "--timeout", "0")
    return running(
        [SCRIPTS / "gunicorn", *bind, "--chdir", folder, "usual:app"],
        url=f"http://127.0.0.1:{port}",
        health="/health",
        log=folder / "usual.log",
        environment=clean_environment(
            GEMINI_API_KEY="k",
            GOOGLE_GEMINI_BASE_URL=gemini.url,
            IMAGES=str(photos),
            PATH=os.environ["PATH"],
        ),
    )


def seconds_of(backend: Service, *, requests: int, tasks: int) -> float:
    """Time so many requests at once, over connections that are open."""
    setup = {"schema": _XML, "hostname": "http://127.0.0.1:1", "access_token": "t"}
    httpx2.post(f"{backend.url}/setup", json={"project": "1.1", **setup}).raise_for_status()
    bodies = [body_of(tasks) for _ in range(requests)]
    with ExitStack() as stack:
        connections = [stack.enter_context(connected(backend)) for _ in bodies]
        start = time.perf_counter()
        for connection, body in zip(connections, bodies, strict=True):
            connection.request("POST", "/predict", body, {"content-type": "application/json"})
        answers = [connection.getresponse().read() for connection in connections]
        seconds = time.perf_counter() - start
    for answer in answers:
        results = json.loads(answer)["results"]
        assert len(results) == tasks, answer
        assert [] not in results, "a task failed"
    return seconds


def connected(backend: Service) -> closing[HTTPConnection]:
    connection = HTTPConnection(urlsplit(backend.url).netloc, timeout=300)
    connection.connect()
    return closing(connection)


def body_of(tasks: int) -> bytes:
    numbers = [next(_numbers) for _ in range(tasks)]
    values = [
        {"id": number, "data": {"image": PHOTO, "title": f"number {number}"}} for number in numbers
    ]
    body = {"tasks": values, "project": "1.1", "label_config": _XML, "params": {}}
    return json.dumps(body).encode()


if __name__ == "__main__":
    main()
