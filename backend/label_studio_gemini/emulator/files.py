"""The Files API: resumable upload, and the addresses under which pictures are found again."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import threading
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import Field, JsonValue, ValidationError

from label_studio_gemini.emulator.refusals import Refusal, not_found
from label_studio_gemini.emulator.strict import ProtoModel, Text, Whole

if TYPE_CHECKING:
    from label_studio_gemini.emulator.api import JsonObject

GRANULARITY = 8 * 2**20
_LARGEST = 2 * 2**30
_KEPT = timedelta(hours=48)
_NAME = re.compile(r"files/[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_ADDRESS = re.compile(r"(?:https?://[^/]+/v\w+/)?(files/[a-z0-9-]+)")


class FileState(StrEnum):
    """How far the service is with a file; only an active one can be used."""

    PROCESSING = "PROCESSING"
    ACTIVE = "ACTIVE"
    FAILED = "FAILED"


_ACTIVE = (FileState.ACTIVE,)


class _FileMeta(ProtoModel):
    name: Text | None = None
    display_name: Text | None = None
    mime_type: Text | None = None
    size_bytes: Whole | None = None


class _StartBody(ProtoModel):
    file: _FileMeta = Field(default_factory=_FileMeta)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that was uploaded whole; it is in the first of its states, and each look is a step."""

    name: str
    display_name: str | None
    mime_type: str
    data: bytes = field(repr=False)
    created: datetime
    states: tuple[FileState, ...] = _ACTIVE

    def resource(self, base_url: str) -> JsonObject:
        """Return its entry in the Files API; `base_url` is where the emulator was addressed."""
        digest = hashlib.sha256(self.data).hexdigest()
        resource: JsonObject = {
            "name": self.name,
            "mimeType": self.mime_type,
            "sizeBytes": str(len(self.data)),
            "createTime": _time(self.created),
            "updateTime": _time(self.created),
            "expirationTime": _time(self.created + _KEPT),
            "sha256Hash": base64.b64encode(digest.encode()).decode(),
            "uri": f"{base_url}/v1beta/{self.name}",
            "state": self.states[0].value,
            "source": "UPLOADED",
        }
        if self.display_name is not None:
            resource["displayName"] = self.display_name
        return resource


@dataclass(slots=True)
class _Upload:
    name: str
    display_name: str | None
    mime_type: str
    size: int
    received: bytearray = field(default_factory=bytearray, repr=False)


class FileStore:
    """What was uploaded, and what the emulator's own small web holds; several threads may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files: dict[str, StoredFile] = {}
        self._uploads: dict[str, _Upload] = {}
        self._web: dict[str, tuple[bytes, str]] = {}
        self._passed = timedelta()
        self._next_states: tuple[FileState, ...] = _ACTIVE

    def let_pass(self, time: timedelta) -> None:
        """Make all files older by `time`; those of 48 hours are gone."""
        with self._lock:
            self._passed += time

    def script_states(self, *states: FileState) -> None:
        """Let the next file that is uploaded go through these states; it stays in the last.

        Args:
            states: The first is answered to the upload, each other to a request for the file.
        """
        with self._lock:
            self._next_states = states

    def publish(self, uri: str, data: bytes, mime_type: str) -> None:
        """Put a picture at a public address, which the emulator would otherwise not reach."""
        with self._lock:
            self._web[uri] = (data, mime_type)

    def start(self, body: JsonValue, *, mime_type: str | None, size: str | None) -> str:
        """Begin an upload and return its id.

        Args:
            body: The JSON that was sent: `{"file": {…}}`.
            mime_type: The type that the headers state; it wins over that of the body.
            size: The size that the headers state.

        Raises:
            Refusal: If something is missing, too large or taken.
        """
        try:
            meta = _StartBody.model_validate(body or {}).file
        except ValidationError as error:
            problem = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(step) for step in problem["loc"])
            raise Refusal(f"Invalid value at '{where}': {problem['msg']}") from error
        mime_type = mime_type or meta.mime_type
        length = int(size) if size and size.isdigit() else meta.size_bytes
        if not mime_type or length is None:
            raise Refusal("An upload needs the type and the length of its content.")
        if length > _LARGEST:
            raise Refusal("The file is larger than 2 GB.")
        name = meta.name or f"files/{secrets.token_hex(6)}"
        if not _NAME.fullmatch(name):
            raise Refusal(f"Invalid resource name '{name}'.")
        upload_id = secrets.token_urlsafe(12)
        with self._lock:
            taken = self._files.get(name)
            if taken is not None and not self._is_over(taken):
                raise Refusal(f"Resource {name} already exists.", status=409, rpc="ALREADY_EXISTS")
            self._uploads[upload_id] = _Upload(name, meta.display_name, mime_type, length)
        return upload_id

    def receive(
        self, upload_id: str, data: bytes, *, offset: str | None, command: str
    ) -> StoredFile | int:
        """Take a piece of an upload.

        Args:
            upload_id: Which upload.
            data: The piece.
            offset: Where it begins, as the header says.
            command: `upload`, `finalize`, both, or `query`.

        Returns:
            The file if it is whole now, otherwise how many bytes have come.

        Raises:
            Refusal: If the piece does not fit.
        """
        commands = {word.strip() for word in command.split(",")}
        with self._lock:
            upload = self._uploads.get(upload_id)
            if upload is None:
                raise not_found("The upload")
            if "upload" in commands:
                _append(upload, data, offset, last="finalize" in commands)
            if "finalize" not in commands:
                return len(upload.received)
            if len(upload.received) != upload.size:
                raise Refusal(
                    f"The upload has {len(upload.received)} bytes, not the {upload.size} announced."
                )
            del self._uploads[upload_id]
            file = StoredFile(
                upload.name,
                upload.display_name,
                upload.mime_type,
                bytes(upload.received),
                self._now(),
                self._next_states,
            )
            self._files[file.name] = file
            self._next_states = _ACTIVE
            return file

    def get(self, name: str) -> StoredFile:
        """Return a file.

        Raises:
            Refusal: 403 if there is none of that name, or no longer, as the real service has it.
        """
        with self._lock:
            return self._kept(name)

    def look(self, name: str) -> StoredFile:
        """Return a file as it is now: one step further than at the last look.

        Raises:
            Refusal: 403 if there is none of that name, or no longer.
        """
        with self._lock:
            file = self._kept(name)
            if len(file.states) > 1:
                file = self._files[name] = replace(file, states=file.states[1:])
            return file

    def delete(self, name: str) -> None:
        """Delete a file.

        Raises:
            Refusal: 403 if there is none of that name.
        """
        with self._lock:
            del self._files[self._kept(name).name]

    def list(self) -> list[StoredFile]:
        """Return all files, the latest first."""
        with self._lock:
            kept = [file for file in self._files.values() if not self._is_over(file)]
        return kept[::-1]

    def resolve(self, uri: str) -> tuple[bytes, str]:
        """Return the bytes and the type that an address stands for.

        Raises:
            Refusal: If there is nothing.
        """
        with self._lock:
            if uri in self._web:
                return self._web[uri]
        address = _ADDRESS.fullmatch(uri)
        if address is None:
            raise Refusal(
                "Cannot fetch content from the provided URL. Please ensure the URL is valid and "
                "accessible."
            )
        file = self.get(address[1])
        if file.states[0] is not FileState.ACTIVE:
            raise Refusal(
                f"The File {file.name.removeprefix('files/')} is not in an ACTIVE state and usage "
                "is not allowed.",
                rpc="FAILED_PRECONDITION",
                code="failed_precondition",
            )
        return file.data, file.mime_type

    def _kept(self, name: str) -> StoredFile:
        file = self._files.get(name)
        if file is None or self._is_over(file):
            raise _no_file(name)
        return file

    def _is_over(self, file: StoredFile) -> bool:
        return self._now() >= file.created + _KEPT

    def _now(self) -> datetime:
        return datetime.now(UTC) + self._passed


def _append(upload: _Upload, data: bytes, offset: str | None, *, last: bool) -> None:
    if offset != str(len(upload.received)):
        raise Refusal(f"The upload is at {len(upload.received)}, but the piece begins at {offset}.")
    if not last and len(data) % GRANULARITY:
        raise Refusal(f"All pieces but the last must be multiples of {GRANULARITY} bytes.")
    if len(upload.received) + len(data) > upload.size:
        raise Refusal(f"More than the {upload.size} bytes that were announced.")
    upload.received += data


def _no_file(name: str) -> Refusal:
    return Refusal(
        f"You do not have permission to access the File {name.removeprefix('files/')} or it may "
        "not exist.",
        status=403,
        rpc="PERMISSION_DENIED",
        code="permission_denied",
    )


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
