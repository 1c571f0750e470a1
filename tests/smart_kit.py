"""Interactive requests by hand, and smart tools over the emulator."""

from __future__ import annotations

import zlib
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from label_studio_sdk.label_interface import LabelInterface

from label_studio_gemini.config import Config
from label_studio_gemini.emulator import GENERATION
from label_studio_gemini.environment import Environment
from label_studio_gemini.gateway import open_gemini
from label_studio_gemini.gemini import GeminiReply, Usage
from label_studio_gemini.images import ImageReader
from label_studio_gemini.pipeline import Prediction
from label_studio_gemini.plan import build_plan
from label_studio_gemini.smart import PromptMemory, SmartTools

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from label_studio_gemini.emulator import RunningEmulator
    from label_studio_gemini.emulator.recorder import RecordedRequest
    from label_studio_gemini.gemini import GeminiRequest
    from label_studio_gemini.pipeline import Outcome


CUP = '<Label value="cup"/><Label value="saucer"/><Label value="spoon"/>'
BOX = f'<RectangleLabels name="rect" toName="img" smart="true">{CUP}</RectangleLabels>'
DOT = f'<KeyPointLabels name="dot" toName="img" smart="true">{CUP}</KeyPointLabels>'
BRUSH = f'<BrushLabels name="brush" toName="img">{CUP}</BrushLabels>'
SPLIT = f'<Labels name="lab" toName="img">{CUP}</Labels><Rectangle name="rect" toName="img"/>'
SPLIT_SMART = SPLIT.replace("<Rectangle ", '<Rectangle smart="true" ')
ASK = '<TextArea name="ask" toName="img" smart="true"/>'


def project(*tags: str) -> str:
    return f'<View><Image name="img" value="$image"/>{"".join(tags)}</View>'


@dataclass
class ScriptedGemini:
    """Answers every request with one text."""

    text: str = "[]"
    truncated: bool = False
    requests: list[GeminiRequest] = field(default_factory=list)

    async def generate(self, request: GeminiRequest) -> GeminiReply:
        self.requests.append(request)
        return GeminiReply(self.text, Usage(input_tokens=10), truncated=self.truncated)

    async def aclose(self) -> None:
        pass


@asynccontextmanager
async def smart_tools(
    emulator: RunningEmulator, photos: Path, state: Path, config: Config | None = None
) -> AsyncIterator[SmartTools]:
    """Open smart tools that ask the emulator by the real SDK about files in `photos`."""
    config = config or Config()
    environment = Environment(state_folder=state, api_key="k", base_url=emulator.url)
    gemini = open_gemini(config, environment)
    images = ImageReader(allowed_folders=(photos,))
    try:
        yield SmartTools(config, gemini, images, PromptMemory())
    finally:
        await images.aclose()
        await gemini.aclose()


async def ask(tools: SmartTools, xml: str, task: Any, context: Any, config: Any = None) -> Outcome:
    return await tools.predict(task, context, build_plan(config or Config(), xml), None)


def items_of(outcome: Outcome, xml: str, context: Any) -> list[dict[str, Any]]:
    """Return the items of a prediction that Label Studio's own check lets pass.

    Their ids are new, or those of the prompts that they answer.
    """
    assert isinstance(outcome, Prediction), outcome
    items = cast("list[dict[str, Any]]", list(outcome.regions))
    errors = LabelInterface(xml).validate_prediction(
        {"result": items, "model_version": "m"}, return_errors=True
    )
    assert errors == []
    there = [item for item in context["result"] if item.get("origin") != "manual"]
    assert not {item["id"] for item in items} & {item.get("id") for item in there}
    assert all(item["origin"] == "prediction" for item in items)
    return items


def sent_to(emulator: RunningEmulator) -> list[RecordedRequest]:
    return [one for one in emulator.requests if one.api in GENERATION]


def rectangle(
    x: float, y: float, width: float, height: float, *labels: str, **more: Any
) -> dict[str, Any]:
    """Return a rectangle prompt in percent, of a tag `rect`."""
    value = {"x": x, "y": y, "width": width, "height": height, "rotation": 0}
    kind = "rectanglelabels" if labels else "rectangle"
    chosen = {kind: list(labels)} if labels else {}
    return _item("rect", kind, {**value, **chosen}, more)


def point(x: float, y: float, *labels: str, positive: bool = True, **more: Any) -> dict[str, Any]:
    """Return a key point prompt in percent, of a tag `dot`."""
    kind = "keypointlabels" if labels else "keypoint"
    chosen = {kind: list(labels), "labels": list(labels)} if labels else {}
    value = {"x": x, "y": y, "width": 0.2, **chosen}
    return _item("dot", kind, value, {"is_positive": positive, **more})


def text(*said: str, **more: Any) -> dict[str, Any]:
    """Return a text prompt, of a tag `ask`."""
    return _item("ask", "textarea", {"text": list(said)}, more)


def context(*items: Any) -> dict[str, Any]:
    return {"result": list(items)}


def _item(name: str, kind: str, value: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"{kind}-{zlib.crc32(str(value).encode())}",
        "from_name": name,
        "to_name": "img",
        "type": kind,
        "value": value,
        "origin": "manual",
        **more,
    }


async def suggested(tools: SmartTools, xml: str, task: Any, *items: Any) -> list[dict[str, Any]]:
    sent = context(*items)
    return items_of(await ask(tools, xml, task, sent), xml, sent)
