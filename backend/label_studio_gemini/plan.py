"""What is done for every task of a project, and the version that stands for it."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import OrderedDict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel

from label_studio_gemini.errors import ConfigError, LabelConfigError, ReplyError
from label_studio_gemini.labels import read_label_config
from label_studio_gemini.prompts import build_prompt, build_schema
from label_studio_gemini.questions import build_questions
from label_studio_gemini.recipes import build_recipes
from label_studio_gemini.replies import read_reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from label_studio_gemini.config import Config
    from label_studio_gemini.labels import LabelConfig, UnfilledTag
    from label_studio_gemini.questions import Question
    from label_studio_gemini.recipes import ExampleImage

CONVERTER_VERSION = 2
"""Goes up whenever the same reply becomes other regions: it is a part of the model_version."""


_PLANS_KEPT = 64


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done for every task of a project: its labelling config, read, and the questions.

    Attributes:
        label_config: The project's labelling config.
        questions: What is asked, one request each, one at least.
        unfilled: The control tags that are left to people, and why.
        model_version: The model and a digest of all that can change a prediction.
    """

    label_config: LabelConfig
    questions: tuple[Question, ...]
    unfilled: tuple[UnfilledTag, ...]
    model_version: str


def build_plan(config: Config, label_config_xml: str) -> Plan:
    """Read a project's labelling config and say what will be done for its tasks.

    Raises:
        LabelConfigError: It is not valid, or nothing in it can be filled.
        ConfigError: The YAML names a label or a control tag that the project lacks.
    """
    label_config = read_label_config(label_config_xml)
    recipes, unfilled = build_recipes(config, label_config)
    questions = build_questions(recipes, [tag.name for tag in label_config.images])
    if not questions:
        raise LabelConfigError(
            "All that is asked for is `perRegion`, and no region is asked for.",
            hint="add <RectangleLabels …>, or a recipe for the tag that draws the regions.",
        )
    for question in questions:
        _check_examples(question)
    version = _model_version(config, label_config, questions)
    return Plan(label_config, questions, (*label_config.unfilled, *unfilled), version)


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why there is no plan; an error itself would keep all that it was raised from."""

    kind: type[LabelConfigError | ConfigError]
    message: str
    hint: str


class Plans:
    """The plans of the projects that were met last: a large labelling config takes its time.

    It belongs to one event loop, which goes on meanwhile.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._plans: OrderedDict[bytes, asyncio.Task[Plan | _Refusal]] = OrderedDict()

    async def plan(self, label_config_xml: str) -> Plan:
        """Return the plan of a project, as `build_plan` does, with the same errors."""
        key = hashlib.sha256(label_config_xml.encode("utf-8", "surrogatepass")).digest()
        if key not in self._plans:
            work = asyncio.to_thread(_plan_or_refusal, self._config, label_config_xml)
            self._plans[key] = asyncio.create_task(work)
            if len(self._plans) > _PLANS_KEPT:
                self._plans.popitem(last=False)
        self._plans.move_to_end(key)
        found = await asyncio.shield(self._plans[key])  # it is for others too
        if isinstance(found, _Refusal):
            raise found.kind(found.message, hint=found.hint)
        return found


def _plan_or_refusal(config: Config, label_config_xml: str) -> Plan | _Refusal:
    try:
        return build_plan(config, label_config_xml)
    except (LabelConfigError, ConfigError) as error:
        return _Refusal(type(error), error.message, error.hint)


def _check_examples(question: Question) -> None:
    """Read the answers of the examples as a reply would be read.

    Raises:
        ConfigError: One could not be used, or has a label that is not asked for.
    """
    for example in question.examples:
        try:
            reading = read_reply(example.answer)
        except ReplyError as error:
            raise _bad_example(example, error.message) from error
        if reading.rejects:
            raise _bad_example(example, f"{reading.rejects[0].reason}: {reading.rejects[0].raw}")
        for detection in reading.detections:
            if all(one.known_label_for(detection.label) is None for one in question.objects):
                raise _bad_example(example, f"the label {detection.label!r} is not asked for")


def _bad_example(example: ExampleImage, why: str) -> ConfigError:
    return ConfigError(
        f"The answer of the example {example.address!r} cannot be used: {why}.",
        hint="give it as Gemini would: {boxes: [{box_2d: [ymin, xmin, ymax, xmax], label: car}]}.",
    )


def _model_version(config: Config, label_config: LabelConfig, questions: Sequence[Question]) -> str:
    """Return the model and a digest of all that can change a prediction.

    Label Studio compares it as text: it has to be the same in /setup and in every prediction, and
    to differ as soon as predicting again could give something else.
    """
    all_that_counts = {
        "converter": CONVERTER_VERSION,
        "api": config.api,
        "image_tags": [asdict(tag) for tag in label_config.images],
        "questions": [asdict(question) for question in questions],
        "prompts": [build_prompt(question) for question in questions],
        "schemas": [build_schema(question) for question in questions],
        "images": [
            config.images.inline_megabytes,
            config.image_transport,
            config.images.resolutions,
        ],
    }
    text = json.dumps(all_that_counts, sort_keys=True, default=_plain)
    return f"{config.model}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _plain(value: object) -> object:
    if isinstance(value, frozenset):
        return sorted(value)
    assert isinstance(value, BaseModel)  # the options
    return value.model_dump(exclude_defaults=True)
