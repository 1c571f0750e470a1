"""How an image travels: inside the request, through the Files API, or by its public address.

Importing this package imports no SDK: `Files` works on the connection that it is given.
"""

from __future__ import annotations

from label_studio_gemini.gemini.uploads.choice import LARGE_IMAGE, Transport, choose_uploads
from label_studio_gemini.gemini.uploads.files import Files, UploadedFile
from label_studio_gemini.gemini.uploads.store import (
    MemoryUploadStore,
    SqliteUploadStore,
    Upload,
    UploadKey,
    UploadStore,
)
from label_studio_gemini.gemini.uploads.wrapper import UploadingGemini

__all__ = [
    "LARGE_IMAGE",
    "Files",
    "MemoryUploadStore",
    "SqliteUploadStore",
    "Transport",
    "Upload",
    "UploadKey",
    "UploadStore",
    "UploadedFile",
    "UploadingGemini",
    "choose_uploads",
]
