"""What the tests of faults share: requests as Label Studio sends them, a stand-in for its uploads,
and what is left on record afterwards.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cache_kit import ledger_of, store_of
from images_server import Answer, Site, serving
from label_studio_gemini.demo.photos import sample_label_config
from label_studio_gemini.emulator import Fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from images_server import Seen
    from label_studio_gemini.emulator import RecordedRequest

TOKEN = "fedcba9876543210fedcba9876543210fedcba98"
"""Of Label Studio."""
API_KEY = "AIzaSyA-key-that-must-not-be-seen-01234"
XML = sample_label_config()
RECIPE = "recipes: [{name: r, prompt: 'Photo {{ task.data.image }} : find everything.'}]\n"
"""Each task is a request of its own, though all have the same photo."""


def upload_path(task: int) -> str:
    """Return where Label Studio has the photo of a task."""
    return f"/data/upload/1/{task}-coffee.jpg"


def task_of(request: RecordedRequest) -> int:
    """Return the task that a request to Gemini is about, by the name of its photo."""
    return int(re.findall(r"/(\d+)-coffee\.jpg", request.prompt)[-1])


def predict_body(addresses: Mapping[int, str]) -> dict[str, Any]:
    """Return the body of a /predict for these tasks, in the form of a recorded one.

    Args:
        addresses: The image of each task, by its id.
    """
    return {
        "tasks": [_task(number, address) for number, address in addresses.items()],
        "project": "1.1795312593",
        "label_config": XML,
        "params": {"login": None, "password": None, "context": None},
    }


def _task(number: int, address: str) -> dict[str, Any]:
    return {
        "id": number,
        "data": {"image": address},
        "meta": {},
        "created_at": "2026-11-22T01:56:33.860089Z",
        "updated_at": "2026-11-22T01:56:33.860099Z",
        "is_labeled": False,
        "overlap": 1,
        "inner_id": number,
        "total_annotations": 0,
        "cancelled_annotations": 0,
        "total_predictions": 0,
        "comment_count": 0,
        "unresolved_comment_count": 0,
        "last_comment_updated_at": None,
        "project": 1,
        "updated_by": None,
        "file_upload": number,
        "comment_authors": [],
        "annotations": [],
        "predictions": [],
    }


def results_of(answer: Any) -> str:
    """Return a character for each task: how many regions it has, `.` for no prediction."""
    return "".join(str(len(one["result"])) if one else "." for one in answer["results"])


@contextmanager
def run_site() -> Iterator[Site]:
    """Serve what stands in for Label Studio's uploads, in a thread, until the block ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = serving()
    try:
        yield asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(30)
        asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result(30)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class Hold:
    """Lets some requests to Gemini pass; whatever follows is on record, and not answered.

    Attributes:
        tasks: What those are about that stand.
    """

    def __init__(self, passes: int) -> None:
        self.tasks: list[int] = []
        self._left = passes

    def fault(self) -> Fault:
        """Return what is to be scripted; a request stands until its client is gone."""
        return Fault(delay=3600, times=None, where=self._holds)

    def _holds(self, request: RecordedRequest) -> bool:
        """Tell who has to stand, in the emulator's only thread."""
        self._left -= 1
        if self._left < 0:
            self.tasks.append(task_of(request))
        return self._left < 0


def put_up(site: Site, photo: bytes, tasks: Iterable[int]) -> None:
    """Let Label Studio have the photo for each task, for whoever has its token; and forget."""

    def answer(seen: Seen) -> Answer:
        allowed = seen.headers.get("authorization") == f"Token {TOKEN}"
        return Answer(photo) if allowed else Answer(status=401)

    site.seen.clear()
    site.routes = {upload_path(task): answer for task in tasks}


def ledger_rows(state: Path) -> list[str]:
    """Return kind and outcome of each row of the ledger, the oldest first: `call ok`."""

    async def read() -> list[str]:
        async with ledger_of(state) as ledger:
            return [f"{one.kind} {one.outcome}" for one in reversed(await ledger.last(10_000))]

    return asyncio.run(read())


def kept_in(state: Path) -> tuple[int, int]:
    """Return how many replies are stored, and how many rows are in the ledger."""

    async def read() -> tuple[int, int]:
        async with store_of(state) as store, ledger_of(state) as ledger:
            return (await store.show()).replies, len(await ledger.last(10_000))

    return asyncio.run(read())


def counted(rows: Iterable[str]) -> dict[str, int]:
    return dict(Counter(rows))
