"""What is kept of all requests, whichever process answered them: it is on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from label_studio_gemini.activity import Activity
from label_studio_gemini.gateway import Books, open_books
from label_studio_gemini.server.logs import request_id

if TYPE_CHECKING:
    from label_studio_gemini.config import Config
    from label_studio_gemini.environment import Environment
    from label_studio_gemini.errors import BackendError
    from label_studio_gemini.server.bodies import PredictBody


class Records(NamedTuple):
    """What was done, what it cost, and the replies that are remembered."""

    activity: Activity
    books: Books

    def note_refused(self, body: PredictBody, error: BackendError) -> None:
        """Note that none of a request's tasks could be begun."""
        self.activity.refuse(body.project_name, error)
        smart = body.context is not None
        progress = self.activity.begin(
            body.project_name, request=request_id(), tasks=len(body.tasks), smart=smart
        )
        for _ in body.tasks:
            progress.finish_task(failed=True)
        progress.answer()


def open_records(config: Config, environment: Environment) -> Records:
    """Open the records; no file is made yet."""
    activity = Activity(environment.state_folder / "activity.sqlite")
    return Records(activity, open_books(config, environment))
