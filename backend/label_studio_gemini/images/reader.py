"""A task's image address -> an upright image."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING, TypeVar

from label_studio_gemini.images.addresses import AddressReader, DataPlace, WebPlace
from label_studio_gemini.images.fetch import Fetched, Fetcher
from label_studio_gemini.images.files import read_file
from label_studio_gemini.images.origins import shown
from label_studio_gemini.images.tokens import Tokens
from label_studio_gemini.images.types import ImageLimits
from label_studio_gemini.images.upright import read_crop, read_upright
from label_studio_gemini.images.web import Web, resolve

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import httpx2

    from label_studio_gemini.geometry import ImageSize, PixelArea
    from label_studio_gemini.images.types import LabelStudioLogin, UprightCrop, UprightImage
    from label_studio_gemini.images.web import Resolver

_T = TypeVar("_T")

# Decoded, an image may be 600 MB: as many at once as can be worked on at once, and no more.
_DECODERS = max(1, min(4, os.cpu_count() or 1))


class ImageReader:
    """Reads images from wherever tasks have them. Nothing is opened before the first `read`.

    It belongs to the event loop that it is first used in. Proxies of the environment are not
    used: they would look names up out of sight, and the check of what is private would be void.

    Args:
        limits: What one image may cost.
        allowed_hosts: Hosts (`host` or `host:port`) that may be on a private network.
        allowed_folders: Folders whose files a task may name by path.
        document_root: What `/data/local-files/?d=` is relative to, where the files are at hand.
            None: Label Studio is asked for them.
        resolver: Looks host names up.
        transport: Carries the requests, in the place of httpx2's own. It must not reuse a TLS
            connection for another name at the same address. It is closed with the reader.
        clock: Seconds since 1970; access tokens are renewed by it.
    """

    def __init__(
        self,
        *,
        limits: ImageLimits | None = None,
        allowed_hosts: frozenset[str] = frozenset(),
        allowed_folders: tuple[Path, ...] = (),
        document_root: Path | None = None,
        resolver: Resolver = resolve,
        transport: httpx2.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._limits = limits = limits or ImageLimits()
        self._addresses = AddressReader(allowed_folders, document_root, limits.bytes)
        self._web = Web(
            limits=limits, allowed_hosts=allowed_hosts, resolver=resolver, transport=transport
        )
        self._tokens = Tokens(self._web, seconds=limits.seconds, clock=clock)
        self._fetcher = Fetcher(self._web, self._tokens, limits)
        self._decoders = asyncio.Semaphore(_DECODERS)

    async def read(
        self, address: str, *, login: LabelStudioLogin | None, task_id: int | None
    ) -> UprightImage:
        """Return the image at `address`, upright.

        Args:
            address: As the task has it: an upload, a local file, http(s), data:, a storage's.
            login: The Label Studio that the task comes from; its token goes there alone.
            task_id: The task, which Label Studio wants to know before it signs a storage's link.

        Raises:
            AddressError: The address is refused or not understood.
            FetchError: It answers, but not with an image.
            UnavailableError: It does not answer; later it may.
            ImageFormatError: The bytes are no usable image.
        """

        def decode(file: Fetched) -> UprightImage:
            name = shown(address)
            return read_upright(file.data, limits=self._limits, name=name, public=file.public)

        return await self._read(address, login, task_id, decode)

    async def read_crop(
        self,
        address: str,
        choose: Callable[[ImageSize], PixelArea],
        *,
        login: LabelStudioLogin | None,
        task_id: int | None,
    ) -> UprightCrop:
        """Return a part of the image at `address` at full detail, upright.

        Args:
            address: As in `read`.
            choose: Says, of an image of that size, which part is wanted. It runs in a thread.
            login: As in `read`.
            task_id: As in `read`.

        Raises:
            ImageError: As in `read`.
        """

        def decode(file: Fetched) -> UprightCrop:
            name, public = shown(address), file.public
            return read_crop(file.data, choose, limits=self._limits, name=name, public=public)

        return await self._read(address, login, task_id, decode)

    async def _read(
        self,
        address: str,
        login: LabelStudioLogin | None,
        task_id: int | None,
        decode: Callable[[Fetched], _T],
    ) -> _T:
        def read_at_hand() -> _T | WebPlace:
            place = self._addresses.read(address, login, task_id)
            if isinstance(place, WebPlace):
                return place
            if isinstance(place, DataPlace):
                data = place.data
            else:
                data = read_file(place.path, self._limits.bytes)
            return decode(Fetched(data, public=False))

        # One hop to a thread for all that needs no network: each costs half a millisecond.
        async with self._decoders:
            found = await asyncio.to_thread(read_at_hand)
        if not isinstance(found, WebPlace):
            return found
        fetched = await self._fetcher.fetch(found.url, login)
        async with self._decoders:
            return await asyncio.to_thread(decode, fetched)

    async def aclose(self) -> None:
        """Close the connections and stop what is under way."""
        await self._tokens.aclose()
        await self._web.aclose()
