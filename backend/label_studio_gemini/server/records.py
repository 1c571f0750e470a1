"""What is kept of all requests, whichever process answered them: it is on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from label_studio_gemini.activity import Activity
from label_studio_gemini.gateway import Books, open_books
from label_studio_gemini.server import noting

if TYPE_CHECKING:
    from label_studio_gemini.cache import StoreState
    from label_studio_gemini.config import Config
    from label_studio_gemini.environment import Environment
    from label_studio_gemini.errors import BackendError
    from label_studio_gemini.server.bodies import PredictBody, TasksDeletedBody


class Records(NamedTuple):
    """What was done, what it cost, and the replies that are remembered."""

    activity: Activity
    books: Books

    def note_refused(self, body: PredictBody, error: BackendError) -> None:
        """Note that none of a request's tasks could be begun."""
        noting.note_refused(self.activity, body, error)

    def note_deleted(self, event: TasksDeletedBody) -> None:
        """Note that tasks are no more."""
        noting.note_deleted(self.activity, event)

    async def store_state(self) -> StoreState | None:
        """Return what is remembered of replies; None where nothing is."""
        replies = self.books.replies
        return None if replies is None else await replies.show()


def open_records(config: Config, environment: Environment) -> Records:
    """Open the records; no file is made yet."""
    activity = Activity(environment.state_folder / "activity.sqlite")
    return Records(activity, open_books(config, environment))
