"""What an image is once it can be sent, where Label Studio is, and what an image may cost."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from label_studio_gemini.geometry import ImageSize, PixelArea


@dataclass(frozen=True, slots=True)
class UprightImage:
    """An image as a browser shows it, in bytes that Gemini takes.

    Attributes:
        data: The file: the original bytes, or a re-encoding of them.
        mime_type: What `data` is: image/png, image/jpeg, image/webp, image/heic or image/heif.
        size: The natural upright size of the ORIGINAL in pixels. It is what Label Studio's
            regions refer to, even where `data` holds a smaller copy.
        untouched: Whether `data` is the original, byte for byte.
        public: Whether anybody gets these very bytes from its address: it is `untouched`, and came
            from the public internet without a login.
        digest: sha256 of `data`, hexadecimal.
    """

    data: bytes = field(repr=False)
    mime_type: str
    size: ImageSize
    untouched: bool = False
    public: bool = False
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", hashlib.sha256(self.data).hexdigest())


@dataclass(frozen=True, slots=True)
class UprightCrop:
    """A part of an image, or all of it.

    Attributes:
        image: What can be sent of it; its `size` is that of the whole.
        area: What it shows, in pixels of the whole.
    """

    image: UprightImage
    area: PixelArea


@dataclass(frozen=True, slots=True)
class LabelStudioLogin:
    """Which Label Studio, and how to be let in.

    Nothing is checked here: a login that cannot be used is the error of the image that needs it.

    Attributes:
        url: Its address, http or https, with the sub-path where it lives under one.
        token: A legacy key or a personal access token; None where there is none.
    """

    url: str
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What one image may cost.

    Attributes:
        bytes: The largest file that is read.
        pixels: The largest image that is opened, by its header: 200 million are 600 MB decoded.
        seconds: How long one image may take to arrive, from the first name looked up to the last
            byte, redirects and the renewal of a token included.
        redirects: How many redirects are followed.
        inline_bytes: The largest file that is sent as it is. Gemini took 20 MB a request for long
            (100 MB since 2026), base64 adds a third, and there are a prompt and a schema too.
    """

    bytes: int = 100_000_000
    pixels: int = 200_000_000
    seconds: float = 30.0
    redirects: int = 5
    inline_bytes: int = 14_000_000
