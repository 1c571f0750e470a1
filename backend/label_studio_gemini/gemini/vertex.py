"""Gemini on Google Cloud (Vertex AI), by project and location."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

GLOBAL = "global"
CREDENTIALS_HINT = (
    "Run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS to the "
    "file of a service account that has the role Vertex AI User in the project."
)
_HOST = "aiplatform.googleapis.com"
# https://docs.cloud.google.com/vertex-ai/generative-ai/docs/learn/locations
_MULTI_REGIONS = frozenset({"us", "eu"})


@dataclass(frozen=True, slots=True)
class VertexProject:
    """Where on Google Cloud requests go, and who pays.

    Not to be had there: the Files API (send images inline, or as `gs://` and http(s) addresses),
    batches with inline requests, and keys of Google AI Studio.

    Attributes:
        project: The project's id. None is the express mode: an API key of Google Cloud takes the
            place of project and location.
        location: A region (`europe-west4`), `us`, `eu` or `global`.
        credentials: Who asks; None for the application default credentials, which are looked up at
            the first request, since that may read files and ask a metadata server.
    """

    project: str | None = None
    location: str = GLOBAL
    credentials: Credentials | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Return the address of the location."""
        if self.location == GLOBAL:
            return f"https://{_HOST}"
        if self.location in _MULTI_REGIONS:
            return f"https://aiplatform.{self.location}.rep.googleapis.com"
        return f"https://{self.location}-{_HOST}"
