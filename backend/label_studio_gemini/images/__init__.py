"""A task's image address -> upright image bytes: the only part that opens what a task names.

addresses.py   what kind of address it is, and where its bytes are     files.py    of this machine
fetch.py       redirects, limits, what a status means                  origins.py  URLs
web.py         one exchange with a checked address                     reach.py    private or not
tokens.py      legacy keys and personal access tokens                  logins.py   of /setup
upright.py     bytes -> an upright image; it passes through, or        convert.py  is encoded anew
formats.py     what kind of file     layouts.py, heif.py, exif.py      its structure
"""

from __future__ import annotations

from label_studio_gemini.images.logins import LoginStore, choose_login
from label_studio_gemini.images.origins import is_elsewhere
from label_studio_gemini.images.reader import ImageReader
from label_studio_gemini.images.types import (
    ImageLimits,
    LabelStudioLogin,
    UprightCrop,
    UprightImage,
)
from label_studio_gemini.images.upright import read_upright
from label_studio_gemini.images.web import Resolver

__all__ = [
    "ImageLimits",
    "ImageReader",
    "LabelStudioLogin",
    "LoginStore",
    "Resolver",
    "UprightCrop",
    "UprightImage",
    "choose_login",
    "is_elsewhere",
    "read_upright",
]
