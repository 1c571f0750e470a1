"""A task and a plan → the requests to send: its images, read once, and the words about them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from label_studio_gemini.errors import TaskError
from label_studio_gemini.gateway import options_from_config
from label_studio_gemini.gemini import (
    Example,
    GeminiRequest,
    InlineImage,
    MediaResolution,
    Origin,
    Urgency,
)
from label_studio_gemini.gemini.turns import MOST_IMAGES
from label_studio_gemini.images import ImageLimits, ImageReader, is_elsewhere
from label_studio_gemini.labels import read_image_addresses
from label_studio_gemini.memo import Memo
from label_studio_gemini.prompts import build_prompt, build_schema
from label_studio_gemini.regions import ShownImage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from label_studio_gemini.config import Config
    from label_studio_gemini.geometry import ImageSize
    from label_studio_gemini.images import LabelStudioLogin
    from label_studio_gemini.labels import ImageTag, PageAddress
    from label_studio_gemini.plan import Plan
    from label_studio_gemini.questions import Question
    from label_studio_gemini.tasks import Task

_MEGABYTE = 1_000_000


class _Picture(NamedTuple):
    """An image of a task: what is sent of it, and how the editor shows it."""

    sent: InlineImage
    shown: ShownImage


class Asked(NamedTuple):
    """One request about a task.

    Attributes:
        request: What is sent.
        question: What it asks.
        images: The images that it is about, in its order.
        example_sizes: The sizes of the images of its examples.
    """

    request: GeminiRequest
    question: Question
    images: tuple[ShownImage, ...]
    example_sizes: tuple[ImageSize, ...]


class _ExamplePicture(NamedTuple):
    """The image of an example, and its size."""

    sent: InlineImage
    size: ImageSize


class Asker:
    """Makes the requests of tasks; it sends none.

    Args:
        config: The YAML.
        images: Reads the images of tasks.
        example_images: Reads the images that the YAML names.
    """

    def __init__(self, config: Config, images: ImageReader, example_images: ImageReader) -> None:
        self._config = config
        self.images = images
        self._example_images = example_images
        self._examples: dict[str, _ExamplePicture] = {}
        self._schema = Memo(build_schema)

    async def ask(
        self,
        task: Task,
        plan: Plan,
        login: LabelStudioLogin | None,
        urgency: Urgency | None = None,
        project: str | None = None,
    ) -> tuple[Asked, ...]:
        """Return what is to be sent for a task; each of its images is read once.

        Args:
            task: The task.
            plan: Its project's plan.
            login: The Label Studio that it comes from, where it is known.
            urgency: Whether a person waits for it; by default nobody does.
            project: Label Studio's name of the project, for the ledger.

        Raises:
            TaskError: The task lacks an image or a field, or has too many images.
            ImageError: An image cannot be read.
        """
        names = dict.fromkeys(name for one in plan.questions for name in one.image_names)
        pictures = {
            name: await self._pictures(plan.label_config.image(name), task, login) for name in names
        }
        await self._read_examples(plan)
        origin = Origin(project, task.id)
        return tuple(
            self._asked(
                question,
                task,
                [one for name in question.image_names for one in pictures[name]],
                urgency or Urgency(),
                origin,
            )
            for question in plan.questions
        )

    def _asked(
        self,
        question: Question,
        task: Task,
        pictures: Sequence[_Picture],
        urgency: Urgency,
        origin: Origin,
    ) -> Asked:
        names = tuple(picture.shown.name for picture in pictures)
        prompt = build_prompt(question, task.data, names)
        examples = [self._examples[example.address] for example in question.examples]
        request = GeminiRequest(
            model=self._config.model,
            prompt=prompt,
            images=tuple(picture.sent for picture in pictures),
            schema=self._schema(question, names) if question.structured else None,
            options=options_from_config(question.options),
            examples=tuple(
                Example(
                    build_prompt(question, task.data, question.image_names[:1]),
                    (_at_resolution(picture.sent, example.resolution),),
                    example.answer,
                )
                for example, picture in zip(question.examples, examples, strict=True)
            ),
            urgency=urgency,
            origin=origin,
        )
        shown = tuple(picture.shown for picture in pictures)
        return Asked(request, question, shown, tuple(picture.size for picture in examples))

    async def _read_examples(self, plan: Plan) -> None:
        """Read the images of examples, each once for the process."""
        for address in {one.address for question in plan.questions for one in question.examples}:
            if address not in self._examples:
                image = await self._example_images.read(address, login=None, task_id=None)
                sent = InlineImage(image.data, image.mime_type, digest=image.digest)
                self._examples[address] = _ExamplePicture(sent, image.size)

    async def _pictures(
        self, tag: ImageTag, task: Task, login: LabelStudioLogin | None
    ) -> tuple[_Picture, ...]:
        pages = read_image_addresses(tag, task.data)
        if len(pages) > MOST_IMAGES:  # before they are read
            raise TaskError(
                f"The task has {len(pages):,} pages; a request may have {MOST_IMAGES:,}.",
                hint="make several tasks of it.",
            )
        return tuple([await self._picture(tag, page, task, login) for page in pages])

    async def _picture(
        self, tag: ImageTag, page: PageAddress, task: Task, login: LabelStudioLogin | None
    ) -> _Picture:
        image = await self.images.read(page.address, login=login, task_id=task.id)
        public = image.public and is_elsewhere(page.address, login)
        address = page.address if public else None
        level = self._config.images.resolutions.get(tag.name)
        sent = InlineImage(
            image.data,
            image.mime_type,
            digest=image.digest,
            address=address,
            resolution=MediaResolution(level) if level else None,
        )
        return _Picture(sent, ShownImage(tag.name, image.size, page.page))


def _at_resolution(image: InlineImage, level: str | None) -> InlineImage:
    return replace(image, resolution=MediaResolution(level)) if level else image


@asynccontextmanager
async def open_asker(
    config: Config, *, folders: Sequence[Path] = (), document_root: Path | None = None
) -> AsyncIterator[Asker]:
    """Open what reads images, and close it afterwards.

    Args:
        config: The YAML.
        folders: Folders whose files a task may name, besides those of the YAML.
        document_root: What `/data/local-files/?d=` is relative to, where the files are at hand.
    """
    # What is uploaded need not be small; what travels inside the request has to be.
    uploads = config.image_transport in {"auto", "files"} and config.vertex is None
    megabytes = config.images.max_megabytes if uploads else config.images.inline_megabytes
    limits = ImageLimits(
        seconds=config.images.timeout,
        bytes=int(config.images.max_megabytes * _MEGABYTE),
        pixels=int(config.images.max_megapixels * _MEGABYTE),
        inline_bytes=int(megabytes * _MEGABYTE),
    )
    hosts = frozenset(config.images.allowed_hosts)
    images = ImageReader(
        limits=limits,
        allowed_hosts=hosts,
        allowed_folders=(*config.images.folders, *folders),
        document_root=document_root,
    )
    # Of its own, since what the YAML may name a task may not.
    named = [config.folder / example.image for one in config.recipes for example in one.examples]
    example_images = ImageReader(
        limits=limits, allowed_hosts=hosts, allowed_folders=tuple(path.parent for path in named)
    )
    try:
        yield Asker(config, images, example_images)
    finally:
        await images.aclose()
        await example_images.aclose()
