"""What backends of all kinds say at api/status."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

NOW = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC).timestamp()
STREET, PARTS = "1.1795312593", "7.1795400000"
LABEL_STUDIO = "http://127.0.0.1:8080"


def day(date: dt.date, dollars: float = 0.0, **counts: int) -> dict[str, Any]:
    names = ("calls", "failed", "hits", "refused", "input_tokens", "output_tokens")
    zeros = dict.fromkeys((*names, "thought_tokens"), 0)
    return zeros | counts | {"date": date.isoformat(), "dollars": f"{dollars:.4f}"}


def days(*dollars: float) -> list[dict[str, Any]]:
    """Return 30 days of which the last have such amounts."""
    amounts = [0.0] * (30 - len(dollars)) + [*dollars]
    today = dt.date(2026, 11, 22)
    return [
        day(
            today - dt.timedelta(29 - index),
            amount,
            calls=round(amount * 700),
            failed=round(amount * 9),
            hits=round(amount * 90 * (index % 4)),
            input_tokens=round(amount * 900_000),
            output_tokens=round(amount * 80_000),
        )
        for index, amount in enumerate(amounts)
    ]


def empty_status() -> dict[str, Any]:
    """Return what a backend says that nobody has asked for anything."""
    return {
        "now": NOW,
        "version": "0.1.0",
        "model": "gemini-3-flash-preview",
        "api": "interactions",
        "ready": True,
        "trouble": [],
        "projects": [],
        "projects_total": 0,
        "batches": [],
        "batches_total": 0,
        "singles": {"tasks": 0, "smart": 0, "failed": 0, "last": None},
        **failing(),
        "refused_total": 0,
        "left_out": [],
        "left_out_total": 0,
        "spend": {
            "today": "0.0000",
            "per_day": None,
            "refused": {},
            "unpriced": 0,
            "days": days(),
        },
        "cache": {"enabled": True, "replies": 0, "megabytes": 0.0, "hits": 0, "calls": 0},
    }


def project(name: str, number: int | None, **others: Any) -> dict[str, Any]:
    return {
        "project": name,
        "number": number,
        "url": None if number is None else f"{LABEL_STUDIO}/projects/{number}/data",
        "model_version": "gemini-3-flash-preview-1a2b3c4d",
        "unfilled": [],
        "seen": NOW - 40,
        "predicted": 1204,
        "empty": 17,
        "unmatched": 0,
        "failed": 0,
        "calls": 1250,
        "hits": 96,
        "dollars": "1.3120",
    } | others


def batch(name: str, **others: Any) -> dict[str, Any]:
    return {
        "id": name,
        "project": STREET,
        "begun": NOW - 60,
        "ended": None,
        "tasks": 200,
        "done": 57,
        "failed": 0,
        "smart": False,
        "state": "running",
    } | others


def ended(name: str, seconds: float, **others: Any) -> dict[str, Any]:
    """Return a batch that ended so many seconds after it began."""
    begun = NOW - 3600 - 10 * len(name)
    whole = {"begun": begun, "ended": begun + seconds, "done": 200, "state": "done"}
    return batch(name, **(whole | others))


def failing(
    failures: Sequence[dict[str, Any]] = (), *reasons: dict[str, Any], more: int = 0
) -> dict[str, Any]:
    """Return what is said of failures, and of so many more of the first reason."""
    tasks = Counter(one["reason"] for one in failures if one["scope"] == "task")
    smart = Counter(one["reason"] for one in failures if one["scope"] == "smart tool")
    counted = [
        {"tasks": tasks[one["id"]] + (0 if at else more), "requests": 0, "smart": smart[one["id"]]}
        for at, one in enumerate(reasons)
    ]
    return {
        "reasons": [one | numbers for one, numbers in zip(reasons, counted, strict=True)],
        "reasons_total": sum(one["tasks"] > 0 for one in counted),
        "failures": [*failures],
        "failures_total": sum(one["tasks"] for one in counted),
    }


def reason(number: int, error: str, hint: str, kind: str = "FetchError") -> dict[str, Any]:
    return {"id": number, "kind": kind, "error": error, "hint": hint, "last": NOW - 90}


def failure(task: int | None, error: str, hint: str, **others: Any) -> dict[str, Any]:
    return {
        "time": NOW - 90,
        "project": STREET,
        "scope": "task",
        "task": task,
        "reason": 1,
        "url": None if task is None else f"{LABEL_STUDIO}/projects/1/data?task={task}",
        "kind": "FetchError",
        "error": error,
        "hint": hint,
        "times": 1,
    } | others


def left_out(kind: str, what: str, count: int, **others: Any) -> dict[str, Any]:
    row = {"project": STREET, "kind": kind, "what": what, "count": count, "last": NOW - 300}
    return row | others


_MOVED = "open the address in a browser; the file may have been moved."
_BLOCKED = "A safety filter blocked Gemini's answer (IMAGE_SAFETY)."
_BLOCKED_HINT = "look at the image; `safety` in the config sets what is blocked."
_BUSY_REASONS = (
    reason(1, "… answered HTTP 404, not an image.", _MOVED),
    reason(2, _BLOCKED, _BLOCKED_HINT, "SafetyError"),
    reason(3, "There is nothing here.", "draw it around an object.", "PromptError"),
)
_BUSY_FAILURES = (
    failure(
        17,
        "`127.0.0.1:8080/data/upload/1/17.jpg` answered HTTP 404, not an image.",
        _MOVED,
        times=3,
    ),
    failure(23, "`127.0.0.1:8080/data/upload/1/23.jpg` answered HTTP 404, not an image.", _MOVED),
    failure(41, _BLOCKED, _BLOCKED_HINT, kind="SafetyError", reason=2),
    failure(
        *(44, "There is nothing here.", "draw it around an object."),
        kind="PromptError",
        scope="smart tool",
        reason=3,
    ),
)


def busy_status() -> dict[str, Any]:
    """Return what a backend says that works on three batches."""
    amounts = (0.42, 1.31, 0.0, 2.18, 2.74, 1.02, 0.31, 0.0, 0.07, 3.41, 4.12, 2.2, 0.9, 1.74, 0.61)
    return empty_status() | {
        "projects": [
            project(STREET, 1, failed=3, dollars="17.4409", predicted=8210, calls=8301, hits=760),
            project(
                PARTS,
                7,
                model_version="gemini-3-flash-preview-77aa01fe",
                unfilled=[
                    "<Video name='clip'>: tags of this kind are not filled",
                    "<Choices name='crop'>: its whenTagName or whenLabelValue fits no region",
                ],
                seen=NOW - 90_000,
            ),
        ],
        "batches": [
            batch("a", begun=NOW - 62, done=57, failed=2),
            batch("b", begun=NOW - 12, project=PARTS, tasks=1, done=0, smart=True),
            batch("c", begun=NOW - 1300, project=PARTS, tasks=2400, done=1980, state="goes_on"),
            ended("dd", 184),
            ended("eee", 9, tasks=32, done=32, project=PARTS),
            ended("ffff", 402, done=131, failed=4, state="interrupted", ended=None),
            *(ended("g" * (5 + index), 2.1, tasks=2, done=2) for index in range(9)),
        ],
        "singles": {"tasks": 12, "smart": 3, "failed": 1, "last": NOW - 120},
        "projects_total": 2,
        "batches_total": 14,
        **failing(_BUSY_FAILURES, *_BUSY_REASONS),
        "left_out": [
            left_out("unmatched", "lorry", 12),
            left_out("unmatched", "van", 4),
            left_out("unmatched", "traffic light: red", 1),
            left_out("clamped", "", 9),
            left_out("dropped", "too_few_points", 3),
            left_out("truncated", "", 1, project=PARTS),
        ],
        "left_out_total": 6,
        "spend": {
            "today": "0.6100",
            "per_day": "5.0",
            "refused": {},
            "unpriced": 0,
            "days": days(*amounts),
        },
        "cache": {
            "enabled": True,
            "replies": 9321,
            "megabytes": 38.41,
            "hits": 856,
            "calls": 9551,
        },
    }


_REASONS = (
    (
        "ImageFormatError",
        "`{}.tif` is no image: its first bytes are `49 49 2a 00`.",
        "open it in a viewer: it may be damaged, or another kind of file.",
    ),
    ("RateLimitError", "Gemini answered 429: too many requests.", "lower `concurrency`."),
    (
        "TransportError",
        "No answer within 120 s. (Given up after {} attempts.)",
        "raise `timeout` in the config, or ask for less at once.",
    ),
    (
        "FetchError",
        "Label Studio refuses the legacy key for `127.0.0.1/data/{}.png`.",
        "set LABEL_STUDIO_API_KEY to a token of a user of the project's organisation.",
    ),
    (
        "SafetyError",
        "A safety filter blocked Gemini's answer (IMAGE_SAFETY).",
        "look at the image; `safety` in the config sets what is blocked.",
    ),
)


def failing_status() -> dict[str, Any]:
    """Return what a backend says at which 214 tasks fail for five reasons; it shows 200."""
    counts = (96, 60, 31, 12, 1)
    failures = [
        failure(
            1000 * number + task,
            error.format(task),
            hint,
            kind=kind,
            times=1 + task % 3,
            time=NOW - 60 * number - task,
            project=(STREET, PARTS)[task % 2] if number < 2 else STREET,
            reason=number,
        )
        for number, (count, (kind, error, hint)) in enumerate(zip(counts, _REASONS, strict=True))
        for task in range(1, count + 1)
    ]
    reasons = [
        reason(number, error.replace("`{}.tif`", "…").replace("{}", "…"), hint, kind)
        for number, (kind, error, hint) in enumerate(_REASONS)
    ]
    return busy_status() | {
        "batches": [],
        "batches_total": 0,
        **failing(failures, *reasons, more=14),
    }


def troubled_status() -> dict[str, Any]:
    """Return what a backend says that cannot work."""
    return busy_status() | {
        "ready": False,
        "batches": [],
        "batches_total": 0,
        "trouble": [
            {
                "error": "There is no Gemini API key.",
                "hint": "Get one at https://aistudio.google.com/apikey and set GEMINI_API_KEY.",
            },
            {
                "error": "The ledger `/data/ledger.sqlite` cannot be written: disk is full.",
                "hint": "make room; until then, amounts are kept in memory.",
            },
        ],
    }


MARKUP = "<img src=x onerror=\"document.title='hacked'\">"
HEBREW = "\u200fמשאית גדולה\u200e (lorry) \u202ereversed"  # noqa: RUF001 - so it is written
EMOJI = "🚛🏽‍🔧 lorry 🏳️‍🌈"
LONG = "lorry" * 2000


def hostile_status() -> dict[str, Any]:
    """Return what a backend says to which strangers and a mad model have told their names."""
    status = busy_status()
    names = (MARKUP, HEBREW, EMOJI, LONG, "", "\ud800 lone", "a\x00b\x1b[31m", "constructor")
    status["projects"] += [project(name, None, url="javascript:alert(1)") for name in names]
    status["projects"][0] |= {"unfilled": [*names], "model_version": LONG}
    status["batches"] += [batch(name, project=name, tasks=0, done=0) for name in names[:4]]
    status["batches"] += [ended(name, 3.0, project=name, state=MARKUP) for name in names[:4]]
    status["failures"] += [
        failure(
            *(5, name, name),
            url="javascript:alert(1)",
            kind=name,
            project=names[0],
            reason=7 + at,
        )
        for at, name in enumerate(names)
    ]
    status["failures"].append(failure(None, MARKUP, "", project=None))
    status["reasons"] += [
        reason(7 + at, name, name, name) | {"tasks": 1, "requests": 0, "smart": 0}
        for at, name in enumerate(names)
    ]
    status["left_out"] += [left_out("unmatched", name, 10**9) for name in names]
    status["left_out"] += [left_out(name, name, 2, project=name) for name in names]
    status["trouble"] = [{"error": name, "hint": name} for name in names[:4]]
    status["model"] = LONG
    return status
