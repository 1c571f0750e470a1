"""The plans of projects are made beside the event loop, once each, the refused ones too."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING
from unittest import mock

import pytest

from label_studio_gemini import plan as module
from label_studio_gemini.config import Config
from label_studio_gemini.errors import LabelConfigError
from label_studio_gemini.plan import Plans, build_plan

if TYPE_CHECKING:
    from collections.abc import Iterator

XML = (
    '<View><Image name="i" value="$image"/>'
    '<RectangleLabels name="l" toName="i"><Label value="cat"/></RectangleLabels></View>'
)


@pytest.fixture
def built() -> Iterator[mock.Mock]:
    """Give what counts the plans that were built."""
    with mock.patch.object(module, "build_plan", wraps=build_plan) as counted:
        yield counted


async def test_who_asks_at_the_same_time_has_one_plan(built: mock.Mock) -> None:
    plans = Plans(Config())
    first, second = await asyncio.gather(plans.plan(XML), plans.plan(XML))
    assert first is second is await plans.plan(XML)
    assert built.call_count == 1


@pytest.mark.parametrize("xml", ["<View>", "", "<View/>", "\ud800"])
async def test_what_is_refused_is_refused_anew_without_being_read(
    xml: str, built: mock.Mock
) -> None:
    plans = Plans(Config())
    said = []
    for _ in range(3):
        with pytest.raises(LabelConfigError) as caught:
            await plans.plan(xml)
        said.append((caught.value.message, caught.value.hint))
    assert len(set(said)) == 1
    assert built.call_count == 1


async def test_the_event_loop_goes_on_meanwhile() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(config: Config, xml: str) -> module.Plan:
        begun.set()
        assert go_on.wait(20), "the event loop stands still"
        return build_plan(config, xml)

    with mock.patch.object(module, "build_plan", slow):
        asked = asyncio.create_task(Plans(Config()).plan(XML))
        assert await asyncio.to_thread(begun.wait, 20)
        assert not asked.done()
        go_on.set()
        assert (await asked).model_version == build_plan(Config(), XML).model_version


async def test_who_gives_up_does_not_take_the_plan_from_others() -> None:
    plans = Plans(Config())
    gone, other = (asyncio.create_task(plans.plan(XML)) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    assert (await other).questions


async def test_a_labelling_config_beyond_reason_is_refused_at_once() -> None:
    xml = XML.replace("<Label ", "<Label hint='" + "x" * 2_000_000 + "' ")
    with pytest.raises(LabelConfigError, match="longer than 2,000,000 characters") as caught:
        await Plans(Config()).plan(xml)
    assert "split the project" in caught.value.hint


def test_many_pairs_of_labels_and_shapes_take_their_number_of_times() -> None:
    """A thousand took five seconds: each shape looked at all labels."""
    pairs = "".join(
        f'<Image name="i{n}" value="$i{n}"/><Labels name="l{n}" toName="i{n}"><Label value="a{n}"/>'
        f'</Labels><Rectangle name="r{n}" toName="i{n}"/>'
        for n in range(200)
    )
    begun = time.process_time()
    plan = build_plan(Config(), f"<View>{pairs}</View>")
    assert time.process_time() - begun < 1.5
    drawn = [target.name for target in plan.label_config.targets]
    assert drawn == [f"r{n}" for n in range(200)]
