"""A month in the life of a backend: what it spent before, and a morning's requests to it."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import json
from functools import cache
from typing import TYPE_CHECKING, Any

from cache_kit import Clock
from label_studio_gemini.activity import Activity, Result
from label_studio_gemini.cache import Kind, Ledger
from label_studio_gemini.config import BudgetConfig, Config, RecipeConfig
from label_studio_gemini.demo.photos import sample_label_config
from label_studio_gemini.emulator import Fault, Stop
from label_studio_gemini.environment import Environment
from label_studio_gemini.gemini.prices import price_of
from label_studio_gemini.gemini.types import GeminiRequest, Origin, Usage

if TYPE_CHECKING:
    from decimal import Decimal
    from pathlib import Path

    from label_studio_gemini.emulator import RunningEmulator
    from label_studio_gemini.gemini.types import ServiceTier

STREET, PARTS = "3.1795312593", "5.1795400000"
LABEL_STUDIO = "http://localhost:8080"
XML = sample_label_config()
WITH_VIDEO = XML.replace("</View>", '<VideoRectangle name="box" toName="clip"/></View>')
# Each task is a request of its own, though there are seven photos; one at a time, so that a gate
# has let each answer out before it closes.
RECIPE = RecipeConfig(name="r", prompt="Photo {{ task.data.title }}: find everything.")
CONFIG = Config(recipes=[RECIPE], attempts=1, concurrency=1, budget=BudgetConfig(per_day=3.0))

DAYS = 30
WEEK = (310, 270, 350, 240, 410, 40, 0)  # calls of each day, from Monday
USAGE = Usage(input_tokens=2_380, output_tokens=640, thought_tokens=120)
REQUESTS = [
    GeminiRequest(CONFIG.model, "", (), None, origin=Origin(project, 1))
    for project in (STREET, PARTS)
]


def environment_of(gemini: RunningEmulator, folder: Path) -> Environment:
    return Environment(
        state_folder=folder, api_key="a-key", base_url=gemini.url, label_studio_url=LABEL_STUDIO
    )


def write_past(folder: Path) -> None:
    """Write what was done and spent before: less at weekends, more by and by."""
    asyncio.run(_write_past(folder))


async def _write_past(folder: Path) -> None:
    clock = Clock()
    now = clock.now
    ledger = Ledger(folder / "ledger.sqlite", _price, clock=clock)
    activity = Activity(folder / "activity.sqlite", clock=clock)
    for project in (STREET, PARTS):
        activity.accept(project, model_version=f"{CONFIG.model}-1a2b3c4d")
    for ago in range(DAYS - 1, -1, -1):
        clock.now = now - ago * 86_400 - (0 if ago else 1)
        _write_day(ledger, activity, ago, clock.now)
        await activity.show()  # all of it is noted by then
    await ledger.aclose()
    for ago, project, tasks in ((16_400, STREET, 400), (7_300, PARTS, 260)):
        clock.now = now - ago
        await _write_batch(activity, clock, project, tasks, tasks)
    clock.now = now - 4_100
    await _write_batch(activity, clock, STREET, 200, 143)
    await activity.aclose()  # in the middle of it


def _write_day(ledger: Ledger, activity: Activity, ago: int, now: float) -> None:
    weekday = dt.datetime.fromtimestamp(now, dt.UTC).weekday()
    calls = round(WEEK[weekday] * (1.1 - ago / 40) * (1 + 0.3 * (ago % 3))) if ago else 140
    for number in range(calls):
        request = REQUESTS[number % 7 == 6]
        if number % 90 == 89:
            ledger.add(request, Kind.CALL, "RateLimitError", seconds=1.4)
            continue
        ledger.add(request, Kind.CALL, "ok", seconds=1.4, usage=USAGE)
        result = Result.PREDICTED if number % 40 else Result.EMPTY
        project = (STREET, PARTS)[number % 7 == 6]
        activity.finish(project, 1000 * (DAYS + ago) + number, result)
    for _ in range(calls * (ago * 7 % 5) // 12):
        ledger.add(REQUESTS[0], Kind.HIT, "ok", seconds=0)


async def _write_batch(
    activity: Activity, clock: Clock, project: str, tasks: int, done: int
) -> None:
    progress = activity.begin(project, request=f"{project}-{tasks}", tasks=tasks)
    for task in range(done):
        clock.now += 0.9
        activity.finish(project, task, Result.PREDICTED if task % 30 else Result.EMPTY)
        progress.finish_task(failed=False)
    await activity.show()


@cache
def _price(usage: Usage, model: str, tier: ServiceTier | None) -> Decimal | None:
    found = price_of(usage, model, tier=tier)
    return None if found is None else found.total


def tasks_of(photos: Path, titles: range) -> list[dict[str, Any]]:
    """Return a task for each title, with the bundled photos in turn."""
    files = sorted(photos.glob("*.jpg"))
    return [
        {"id": title, "data": {"image": _address(files[title % len(files)]), "title": title}}
        for title in titles
    ]


def _address(file: Path) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(file.read_bytes()).decode()}"


def unreadable(title: int) -> dict[str, Any]:
    """Return a task whose image is none."""
    return {"id": title, "data": {"image": "data:image/png;base64,AAAA", "title": title}}


def body_of(tasks: list[dict[str, Any]], project: str, xml: str = XML) -> dict[str, Any]:
    return {"tasks": tasks, "project": project, "label_config": xml, "params": {}}


def script(gemini: RunningEmulator, *, blocked: int, unmatched: int) -> None:
    """Make Gemini block one task, and call what it sees in another by names of its own."""
    labels = ("lorry", "lorry", "lorry", "traffic light", "cup")
    items = [
        {"box_2d": [100, 100, 400 + at, 500], "label": label} for at, label in enumerate(labels)
    ]
    gemini.script(
        Fault(stop=Stop.SAFETY, where=lambda request: f"Photo {blocked}:" in request.prompt),
        Fault(
            text=json.dumps(items), where=lambda request: f"Photo {unmatched}:" in request.prompt
        ),
    )
