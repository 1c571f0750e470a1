"""The HTTP side: what Label Studio calls, and nothing that it does not.

What it sends and what it makes of the answers was observed with Label Studio 1.23.2: it shows
people no error of /predict, loses the whole batch over a malformed answer, retries a task that was
answered with `[]`, and waits 100 s for the next byte of an answer. So there is always exactly one
answer per task, and white space goes ahead of those that take longer.

app.py       the routes, and what becomes of errors    auth.py       who may ask
docs.py      what the API says of itself               limits.py     how large a request may be
backend.py   the handlers for Label Studio             bodies.py     what comes in and goes out
hosting.py   what answers, loaded while it serves      stopping.py   the moment it is told to stop
engine.py    what predicts                             logs.py       one line per request
jobs.py      the tasks that are being worked on        streaming.py  answers that outlive a limit
unfinished.py   why a task has no outcome in time

monitor.py   the handlers for who looks on             page/         what people see
records.py   what was done, and what it cost           status.py, status_body.py   /api/status
noting.py    how that becomes known                    metrics.py    /metrics
"""

from __future__ import annotations

from label_studio_gemini.server.app import build_app, create_app

__all__ = ["build_app", "create_app"]
