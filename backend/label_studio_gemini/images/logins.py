"""Which Label Studio a project belongs to, as its /setup said; and which login is used.

Label Studio sends its address and a token with each /setup. They are kept on disk, so that they
survive a restart and serve every worker process.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import os
import tempfile
from pathlib import Path
from typing import TypeAlias

from pydantic import BaseModel, ConfigDict, ValidationError

from label_studio_gemini.errors import AddressError
from label_studio_gemini.images.origins import is_origin_of, read_login_url, shown
from label_studio_gemini.images.types import LabelStudioLogin

_log = logging.getLogger(__name__)


class _SavedLogin(BaseModel):
    """The content of one file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    url: str
    token: str | None


_Stamp: TypeAlias = tuple[int, int, int]
"""What tells a file from the one that replaced it."""


class LoginStore:
    """Keeps the login of each project, one file each, readable by this user alone.

    Where the folder cannot be written, logins are kept in memory: they serve this process alone,
    until it ends.

    Args:
        folder: Where the files are; made when the first is saved.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._unsaved: dict[str, LabelStudioLogin] = {}
        self._read: dict[str, tuple[_Stamp, LabelStudioLogin]] = {}

    def save(self, project: str, login: LabelStudioLogin) -> None:
        """Keep `login` for `project`. One that cannot be used is not kept: a warning says why."""
        try:
            read_login_url(login)
        except AddressError as error:
            _log.warning("the login of project %r is not kept: %s", project, error)
            return
        if project not in self._unsaved and self.load(project) == login:
            return  # Label Studio sends the same each time somebody opens the project
        try:
            self._write(self._file(project), _SavedLogin(url=login.url, token=login.token))
        except OSError as error:
            self._unsaved[project] = login
            _log.warning(
                "the login of project %r is kept in memory only, %s cannot be written: %s",
                project,
                self._folder,
                error.strerror,
            )
        else:
            self._unsaved.pop(project, None)

    def load(self, project: str) -> LabelStudioLogin | None:
        """Return the login of `project`, or None where none is kept or its file is damaged.

        The file is read when it is a new one, and only looked at otherwise.
        """
        unsaved = self._unsaved.get(project)  # asked once: a thread may save it just now
        if unsaved is not None:
            return unsaved
        file = self._file(project)
        try:
            status = os.stat(file)  # noqa: PTH116 - each /predict asks; pathlib takes thrice as long
            stamp = status.st_ino, status.st_size, status.st_mtime_ns
            known = self._read.get(project)
            if known is not None and known[0] == stamp:
                return known[1]
            saved = _SavedLogin.model_validate_json(file.read_bytes())
            login = LabelStudioLogin(saved.url, saved.token)
            read_login_url(login)
            self._read[project] = stamp, login
        except FileNotFoundError:
            return None
        except (OSError, ValidationError, AddressError) as error:
            # the error's class says enough: its text may quote the token
            _log.warning("the login in %s cannot be read (%s)", file, type(error).__name__)
            return None
        return login

    def _file(self, project: str) -> Path:
        return _file_in(self._folder, project)

    def _write(self, file: Path, saved: _SavedLogin) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._folder, suffix=".tmp")  # mode 0600
        temporary = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(saved.model_dump_json())
            temporary.replace(file)  # a reader sees the old file or the new one, whole
        except OSError:
            temporary.unlink(missing_ok=True)
            raise


@functools.lru_cache(maxsize=256)  # each /predict asks for it
def _file_in(folder: Path, project: str) -> Path:
    """Return the file of a project, whose name may be anything: it is not made of the name."""
    digest = hashlib.sha256(project.encode(errors="surrogatepass")).hexdigest()
    return folder / f"{digest}.json"


def choose_login(
    configured_url: str | None,
    configured_token: str | None,
    remembered: LabelStudioLogin | None,
) -> LabelStudioLogin | None:
    """Return the login to use; a token stays with the host that it belongs to.

    Args:
        configured_url: LABEL_STUDIO_URL.
        configured_token: LABEL_STUDIO_API_KEY. Without a URL it is used for nothing: the host
            that a /setup names may be anyone's.
        remembered: What the project's last /setup said.
    """
    if not configured_url:
        if configured_token:
            _warn_of_token_without_url()
        return remembered
    if configured_token:
        return LabelStudioLogin(configured_url, configured_token)
    configured = LabelStudioLogin(configured_url)
    if remembered is not None and _are_one(configured, remembered):
        return LabelStudioLogin(configured_url, remembered.token)
    return configured


def _are_one(configured: LabelStudioLogin, remembered: LabelStudioLogin) -> bool:
    try:
        return is_origin_of(configured, read_login_url(remembered))
    except AddressError as error:
        _log.warning(
            "%s and %s are not compared: %s", shown(configured.url), shown(remembered.url), error
        )
        return False


@functools.cache
def _warn_of_token_without_url() -> None:
    """Warn once in a process: it would be the same each time."""
    _log.warning(
        "LABEL_STUDIO_API_KEY is set without LABEL_STUDIO_URL, so it is not used: it is not "
        "known which host it belongs to. Set LABEL_STUDIO_URL too."
    )
