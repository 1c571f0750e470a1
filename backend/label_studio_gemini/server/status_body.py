"""What GET /api/status answers. The status page is made of it, and others may read it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

Seconds = float
"""Since 1970, UTC."""


class Trouble(BaseModel):
    """What stops the whole backend, or keeps it from remembering."""

    error: str
    hint: str


class ProjectStatus(BaseModel):
    """A project that was heard of."""

    project: str | None = Field(description="Label Studio's name of it; null for none.")
    number: int | None = Field(description="Its id in Label Studio, where that can be read.")
    url: str | None = Field(description="Its Data Manager.")
    model_version: str | None
    unfilled: list[str] = Field(description="Why control tags are left to people.")
    seen: Seconds = Field(description="The last request.")
    predicted: int = Field(description="Tasks with regions.")
    empty: int = Field(description="Tasks that were looked at in vain.")
    unmatched: int = Field(
        description="Tasks without regions, since what was found has none of the project's labels."
    )
    failed: int = Field(description="Tasks without a prediction, since they failed last time.")
    calls: int = Field(description="Requests to Gemini in the last 30 days.")
    hits: int = Field(description="Requests that needed no call, in the last 30 days.")
    dollars: str = Field(description="US dollars of the last 30 days, a decimal number.")


class BatchStatus(BaseModel):
    """A request for predictions: /predict."""

    id: str = Field(description="The id of the request, as in the log.")
    project: str | None
    begun: Seconds
    ended: Seconds | None
    tasks: int
    done: int = Field(description="Of the tasks, those that failed included.")
    failed: int
    smart: bool = Field(description="Whether a smart tool asked.")
    state: Literal["running", "done", "goes_on", "interrupted"] = Field(
        description="goes_on: nobody waits for it any more, and it is worked on; interrupted: its "
        "process was stopped, or died."
    )


class SinglesStatus(BaseModel):
    """Requests of one task, and of smart tools, of the last 24 hours."""

    tasks: int = Field(description="Tasks that were opened, one by one.")
    smart: int = Field(description="Requests of smart tools.")
    failed: int
    last: Seconds | None


class ReasonStatus(BaseModel):
    """Why something fails; what is a task's own in its message is "…"."""

    id: int
    kind: str
    error: str
    hint: str
    tasks: int = Field(description="Tasks without a prediction.")
    requests: int = Field(description="Projects of which a whole request was refused.")
    smart: int = Field(description="Tasks of which a smart tool failed in the last 24 hours.")
    last: Seconds


class FailureStatus(BaseModel):
    """Something that failed, and was not put right since."""

    time: Seconds
    project: str | None
    scope: Literal["task", "request", "smart tool"] = Field(
        description="A task without a prediction, a whole request, or what an annotator tried."
    )
    task: int | None
    reason: int = Field(description="The id of the reason.")
    url: str | None
    kind: str
    error: str
    hint: str
    times: int


class LeftOutStatus(BaseModel):
    """Something that was left out of a project's predictions at its present model_version."""

    project: str | None
    kind: str = Field(
        description="unmatched, rejected, dropped, masks_unreadable, fallbacks, clamped, truncated."
    )
    what: str = Field(description='The label or the reason; "" for nothing in particular.')
    count: int
    last: Seconds


class DayStatus(BaseModel):
    """A day, by the local time of the machine."""

    date: str
    dollars: str
    calls: int
    failed: int
    hits: int
    refused: int = Field(description="Requests that were not sent.")
    input_tokens: int
    output_tokens: int
    thought_tokens: int


class SpendStatus(BaseModel):
    """US dollars, as decimal numbers."""

    today: str
    per_day: str | None = Field(description="The budget, where there is one.")
    refused: dict[str, int] = Field(
        description="Of today's last requests, those that were not sent, by the error."
    )
    unpriced: int = Field(description="Calls of the last 30 days whose price is not known.")
    days: list[DayStatus] = Field(description="The last 30 days, the oldest first.")


class CacheStatus(BaseModel):
    """What is remembered of Gemini's replies."""

    enabled: bool
    replies: int
    megabytes: float
    hits: int = Field(description="Of the last 30 days.")
    calls: int = Field(description="Of the last 30 days.")


class Status(BaseModel):
    """How things stand; lists have the newest first, unless they say otherwise."""

    now: Seconds
    version: str
    model: str
    api: str
    ready: bool = Field(description="Whether it can predict by now.")
    trouble: list[Trouble]
    projects: list[ProjectStatus]
    projects_total: int
    batches: list[BatchStatus] = Field(
        description="Those of one task, and of smart tools, only while they are worked on."
    )
    batches_total: int = Field(description="Those of several tasks.")
    singles: SinglesStatus
    reasons: list[ReasonStatus] = Field(description="The most frequent first.")
    reasons_total: int = Field(description="Those for which tasks or requests fail.")
    failures: list[FailureStatus] = Field(description="Some of each reason and project.")
    failures_total: int = Field(description="Tasks without a prediction.")
    refused_total: int = Field(description="Projects of which a whole request was refused.")
    left_out: list[LeftOutStatus] = Field(description="The most frequent first.")
    left_out_total: int
    spend: SpendStatus
    cache: CacheStatus
