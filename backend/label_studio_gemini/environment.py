"""What the environment says, read once, at the edge."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

if TYPE_CHECKING:
    from collections.abc import Mapping

CONFIG_VARIABLE = "LABEL_STUDIO_GEMINI_CONFIG"
"""Names the YAML file where no command line does: worker processes, other servers."""

LISTENS_ON_VARIABLE = "LABEL_STUDIO_GEMINI_LISTENS_ON"
"""Where `serve` leaves its host for the workers; nobody else sets it."""

LOG_LEVEL_VARIABLE = "LOG_LEVEL"
LOG_LEVELS = ("debug", "info", "warning", "error")
LOG_FORMATS = ("text", "json")


@dataclass(frozen=True, slots=True)
class Environment:
    """The variables that matter, under the names that Label Studio and Gemini users know.

    Attributes:
        api_key: GOOGLE_API_KEY, else GEMINI_API_KEY: the order of Google's SDK.
        base_url: GOOGLE_GEMINI_BASE_URL: another address of the Gemini API.
        label_studio_url: LABEL_STUDIO_URL, else LABEL_STUDIO_HOST.
        label_studio_token: LABEL_STUDIO_API_KEY, else LABEL_STUDIO_ACCESS_TOKEN.
        state_folder: MODEL_DIR, else the user's own state folder: what survives a restart.
        config_file: LABEL_STUDIO_GEMINI_CONFIG: the YAML file.
        log_level: LOG_LEVEL, in small letters; `info` where it is none that there is.
        log_format: LOG_FORMAT, `text` or `json`; `text` where it is neither.
        basic_auth_user: BASIC_AUTH_USER: with the next one, the login that the server asks for.
        basic_auth_pass: BASIC_AUTH_PASS, with the blanks around it.
        webhook_secret: WEBHOOK_SECRET: what the path of a webhook without login has to end with.
        server_names: SERVER_NAMES: the names, with commas between them, that a server for this
            machine alone may be called by, beside those that only this machine or network knows.
        listens_on: The host that `serve` listens on, which it tells its workers; None elsewhere.
    """

    state_folder: Path
    api_key: str | None = field(default=None, repr=False)
    base_url: str | None = None
    label_studio_url: str | None = None
    label_studio_token: str | None = field(default=None, repr=False)
    config_file: Path | None = None
    log_level: str = "info"
    log_format: str = "text"
    basic_auth_user: str | None = None
    basic_auth_pass: str | None = field(default=None, repr=False)
    webhook_secret: str | None = field(default=None, repr=False)
    server_names: tuple[str, ...] = ()
    listens_on: str | None = None


def read_environment(variables: Mapping[str, str]) -> Environment:
    """Read the variables; an empty one counts as not set."""

    def first(*names: str) -> str | None:
        return next((value for name in names if (value := variables.get(name, "").strip())), None)

    folder = first("MODEL_DIR")
    level = (first(LOG_LEVEL_VARIABLE) or "").lower()
    form = (first("LOG_FORMAT") or "").lower()
    file = first(CONFIG_VARIABLE)
    names = first("SERVER_NAMES") or ""
    return Environment(
        state_folder=Path(folder)
        if folder
        else platformdirs.user_state_path("label-studio-gemini"),
        api_key=first("GOOGLE_API_KEY", "GEMINI_API_KEY"),
        base_url=first("GOOGLE_GEMINI_BASE_URL"),
        label_studio_url=first("LABEL_STUDIO_URL", "LABEL_STUDIO_HOST"),
        label_studio_token=first("LABEL_STUDIO_API_KEY", "LABEL_STUDIO_ACCESS_TOKEN"),
        config_file=Path(file) if file else None,
        log_level=level if level in LOG_LEVELS else "info",
        log_format=form if form in LOG_FORMATS else "text",
        basic_auth_user=first("BASIC_AUTH_USER"),
        basic_auth_pass=variables.get("BASIC_AUTH_PASS") or None,
        webhook_secret=variables.get("WEBHOOK_SECRET") or None,
        server_names=tuple(name for one in names.split(",") if (name := one.strip().lower())),
        listens_on=first(LISTENS_ON_VARIABLE),
    )
