"""An image address, as a task has it -> where its bytes are: in itself, in a file, on the web."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, unquote_to_bytes

from label_studio_gemini.errors import AddressError, FetchError
from label_studio_gemini.images.files import find_file
from label_studio_gemini.images.origins import (
    URL_HINT,
    is_origin_of,
    read_login_url,
    read_url,
    shown,
)

if TYPE_CHECKING:
    from pathlib import Path

    import httpx2

    from label_studio_gemini.images.types import LabelStudioLogin

_CLOUD = ("s3://", "gs://", "azure-blob://")
# What Label Studio itself serves, relative to its address: uploads, local files, older storages.
_LABEL_STUDIO_PATHS = ("/data/", "/storage-data/", "/tasks/", "/static/")
_LOCAL_FILES = "/data/local-files/"
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]+):")  # two letters at least: `C:` is a drive
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")


@dataclass(frozen=True, slots=True)
class DataPlace:
    """The bytes are in the address itself."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class FilePlace:
    """The bytes are in a file that may be opened: the path is resolved and checked."""

    path: Path


@dataclass(frozen=True, slots=True)
class WebPlace:
    """The bytes are on the web, at Label Studio or elsewhere."""

    url: httpx2.URL


Place = DataPlace | FilePlace | WebPlace


@dataclass(frozen=True, slots=True)
class AddressReader:
    """Says where the bytes of an address are.

    Attributes:
        folders: Files beneath these may be opened by path, relative paths are looked for in them.
        document_root: What `/data/local-files/?d=` is relative to, where the files are at hand;
            None where Label Studio has them.
        most_bytes: The largest image that an address may hold in itself.
    """

    folders: tuple[Path, ...]
    document_root: Path | None
    most_bytes: int

    def read(self, address: str, login: LabelStudioLogin | None, task_id: int | None) -> Place:
        """Read an address.

        Raises:
            AddressError: It is not understood, may not be opened, or needs a login or a task id
                that is not there.
            FetchError: It holds more than may be read.
        """
        address = address.strip()
        scheme = _SCHEME.match(address)
        kind = scheme[1].lower() if scheme else ""
        if kind == "data":
            return DataPlace(_read_data_uri(address, self.most_bytes))
        if kind in ("http", "https") or address.startswith("//"):
            return self._read_web(address, login)
        if address.startswith(_CLOUD):
            return WebPlace(_presign_url(address, login, task_id))
        if kind == "file":
            return self._read_path(unquote(address[len("file:") :].removeprefix("//")), login)
        if kind and address.startswith("://", len(kind)):
            raise AddressError(
                f"Addresses that begin with `{kind[:20]}://` are not understood.",
                hint="use https:, data:, an upload of Label Studio, or a storage that it knows "
                "(s3:, gs:, azure-blob:).",
            )
        return self._read_path(address, login)

    def _read_web(self, address: str, login: LabelStudioLogin | None) -> Place:
        if address.startswith("//"):  # as a page of Label Studio would understand it
            address = f"{read_login_url(login).scheme if login else 'https'}:{address}"
        url = read_url(address)
        if self.document_root is not None and is_origin_of(login, url):
            local = self._read_local_file(address)
            if local is not None:
                return local
        return WebPlace(url)

    def _read_path(self, address: str, login: LabelStudioLogin | None) -> Place:
        if (local := self._read_local_file(address)) is not None:
            return local
        found = find_file(address, self.folders)
        if found is not None:
            return FilePlace(found)
        served = _served_path(address, login)
        if served is None:
            raise _closed_path(address)
        if login is None:
            raise AddressError(
                f"`{shown(address)}` is in Label Studio, but in which is not known.",
                hint=f"{URL_HINT} Its token goes into LABEL_STUDIO_API_KEY.",
            )
        base = read_login_url(login)
        root = str(base.copy_with(path="/")).rstrip("/")
        return WebPlace(read_url(f"{root}{served}"))

    def _read_local_file(self, address: str) -> FilePlace | None:
        """Return the file of a `/data/local-files/?d=` address, where a document root is given."""
        if self.document_root is None:
            return None
        head, _, query = address.partition("#")[0].partition("?")
        if not head.endswith(_LOCAL_FILES) and not head.endswith(_LOCAL_FILES.rstrip("/")):
            return None
        name = "".join(parse_qs(query).get("d", [])[:1])
        found = find_file(name.lstrip("/"), (self.document_root,))
        if found is None:
            raise AddressError(
                f"`{shown(address)}` is no file beneath {str(self.document_root)!r}.",
                hint="`d=` is relative to the document root; check both.",
            )
        return FilePlace(found)


def _served_path(address: str, login: LabelStudioLogin | None) -> str | None:
    """Return the path from the root of Label Studio's host, or None where it serves no such path.

    Under a sub-path, Label Studio writes addresses both with it and without.
    """
    steps = unquote(address.partition("?")[0]).split("/")
    if ".." in steps or "." in steps:  # they would lead out of what Label Studio serves there
        return None
    base = ""
    if login is not None:
        base = read_login_url(login).raw_path.decode("ascii").rstrip("/")
        if base and address.startswith(tuple(base + path for path in _LABEL_STUDIO_PATHS)):
            return address
    return base + address if address.startswith(_LABEL_STUDIO_PATHS) else None


def _presign_url(address: str, login: LabelStudioLogin | None, task_id: int | None) -> httpx2.URL:
    """Return where Label Studio hands out a signed link to a file of a storage, or the file."""
    if login is None:
        raise AddressError(
            f"`{shown(address)}` is in a storage of Label Studio, but of which is not known.",
            hint=f"{URL_HINT} Its token goes into LABEL_STUDIO_API_KEY.",
        )
    if task_id is None:
        raise AddressError(
            f"`{shown(address)}` can only be had through its task, which has no id.",
            hint="import the task into Label Studio first, or export it with its id.",
        )
    base = read_login_url(login)
    uri = base64.urlsafe_b64encode(address.encode()).decode("ascii")
    path = f"{base.path.rstrip('/')}/tasks/{task_id}/presign/"
    return base.copy_with(path=path, params={"fileuri": uri})


def _read_data_uri(address: str, most_bytes: int) -> bytes:
    head, comma, payload = address.partition(",")
    if not comma:
        raise AddressError(
            f"`{shown(address)}` has no comma, so it is no data: URI.",
            hint="it looks like data:image/png;base64,iVBORw0KGgo…",
        )
    if len(payload) > 4 * most_bytes:  # base64 adds a third, percent-escapes treble at most
        raise _too_much(most_bytes)
    try:
        data = _bytes_from_payload(payload, is_base64=head.lower().endswith(";base64"))
    except (binascii.Error, UnicodeError) as error:
        raise AddressError(
            f"`{shown(address)}` has no valid base64 after its comma.",
            hint="encode the whole file, as in `base64 -w0 photo.jpg`.",
        ) from error
    if len(data) > most_bytes:
        raise _too_much(most_bytes)
    return data


def _bytes_from_payload(payload: str, *, is_base64: bool) -> bytes:
    if not is_base64:
        return unquote_to_bytes(payload)
    try:
        return binascii.a2b_base64(payload, strict_mode=True)
    except ValueError:  # it is not as it should be, but may be understood: four times as long
        return _bytes_from_base64(unquote_to_bytes(payload))


def _bytes_from_base64(text: bytes) -> bytes:
    """Decode either alphabet, with or without blanks and padding, and nothing else."""
    text = b"".join(text.split()).rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
    if _NOT_BASE64.search(text):
        raise binascii.Error("a character that is not of the alphabet")
    return base64.b64decode(text + b"=" * (-len(text) % 4))


def _too_much(most_bytes: int) -> FetchError:
    return FetchError(
        f"A data: URI holds more than {most_bytes:,} bytes.",
        hint="shrink the image, or raise `images: max_megabytes` in the config.",
    )


def _closed_path(address: str) -> AddressError:
    return AddressError(
        f"`{shown(address)}` is no file that may be opened, nor an address of Label Studio.",
        hint="files are opened beneath the folders that are listed under `images: folders` in the "
        "config, and nowhere else; check the path and the list.",
    )
