"""Which images of a request travel in which way, decided by size and by use alone."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Literal, TypeAlias

from label_studio_gemini.gemini.types import InlineImage, UriImage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from label_studio_gemini.gemini.types import GeminiRequest, RequestImage

Transport: TypeAlias = Literal["auto", "inline", "files", "url"]

LARGE_IMAGE = 1_000_000
"""Bytes from which it is worth uploading an image that is used more than once: below, the upload's
two requests cost more time than they save."""


def digest_of(image: InlineImage) -> str:
    """Return what an image is remembered by: the digest it came with, or that of its bytes."""
    return image.digest or hashlib.sha256(image.data).hexdigest()


def inline_images(request: GeminiRequest) -> Iterator[InlineImage]:
    """Yield the images whose bytes are there, in the order in which they are sent."""
    examples = chain.from_iterable(example.images for example in request.examples)
    for image in chain(examples, request.images):
        if isinstance(image, InlineImage):
            yield image


def inline_size(image: InlineImage) -> int:
    """Return the bytes that an image takes inside a request: base64 makes four of three."""
    return -(-len(image.data) // 3) * 4


def choose_uploads(
    request: GeminiRequest, *, inline_bytes: int, is_used: Callable[[str], bool]
) -> frozenset[str]:
    """Return the digests of the images that go by the Files API when the choice is ours (`auto`).

    These are the images of examples, which come back in each request; the large ones that another
    request uses too; and, while the rest is larger than `inline_bytes`, the largest of the rest.

    Args:
        request: What is to be sent.
        inline_bytes: The most bytes, in base64, of all images inside one request.
        is_used: Whether another request has used the image of this digest.
    """
    in_examples = {
        digest_of(image)
        for example in request.examples
        for image in example.images
        if isinstance(image, InlineImage)
    }
    chosen: set[str] = set()
    weights: Counter[str] = Counter()
    for image in inline_images(request):
        digest = digest_of(image)
        if digest in in_examples or (len(image.data) >= LARGE_IMAGE and is_used(digest)):
            chosen.add(digest)
        else:
            weights[digest] += inline_size(image)
    left = weights.total()
    for digest, weight in weights.most_common():
        if left <= inline_bytes:
            break
        chosen.add(digest)
        left -= weight
    return frozenset(chosen)


def route(
    request: GeminiRequest, uris: Mapping[str, str], addresses: AbstractSet[str] = frozenset()
) -> GeminiRequest:
    """Return the request with each image in the form in which it travels.

    Args:
        request: What is to be sent.
        uris: Digest -> the address of the uploaded file, for the images that were uploaded.
        addresses: Public addresses by which the images there are named.
    """

    def routed(image: RequestImage) -> RequestImage:
        if isinstance(image, UriImage):
            return image
        uri = image.address if image.address in addresses else uris.get(digest_of(image))
        return UriImage(uri, image.mime_type, image.resolution) if uri else image

    examples = tuple(
        dataclasses.replace(example, images=tuple(map(routed, example.images)))
        for example in request.examples
    )
    images = tuple(map(routed, request.images))
    return dataclasses.replace(request, images=images, examples=examples)
