"""Smart tools on the labelling page of a real Label Studio, used as an annotator uses them.

Everything is done with the mouse and the keyboard; what the page then has is read from its store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from pydantic import BaseModel, TypeAdapter

from editor_tasks import Item
from real_editor import OPENS_WITHIN, PICTURES, PageBox

if TYPE_CHECKING:
    from collections.abc import Callable

    from answer_keys import Box
    from real_editor import Editor

Corners: TypeAlias = tuple[float, float, float, float]
"""Left, top, right and bottom, in percent of an image."""

NOISE = "[object%20Object]"
"""Label Studio asks for the icons of the two buttons below a suggestion by that name, in vain."""

READY = """
() => {
  const shown = window.Htx?.annotationStore?.selected;
  if (!shown || Htx.isLoading) return false;
  const images = [...shown.names.values()].filter(tag => tag.type === "image");
  return images.every(image => image.imageIsLoaded && image.stageRef);
}
"""
ANSWERED = "() => !Htx.awaitingSuggestions"
STATE = """
() => {
  const { selected } = Htx.annotationStore;
  const suggested = area => area.results.map(result => ({
    id: area.cleanId,
    from_name: result.from_name.name,
    to_name: result.to_name.name,
    type: result.type,
    value: {
      ...area.serialize().value,
      [result.type]: result.value.toJSON()[result.type] ?? undefined,
    },
  }));
  return {
    regions: selected.serializeAnnotation().map(({ meta, ...rest }) => rest),
    suggestions: [...selected.suggestions.values()].flatMap(suggested),
    prompts: selected.regionStore.regions.filter(one => one.dynamic).map(one => one.cleanId),
  };
}
"""
SAVED = """
(count) => {
  const { isDraftSaving, versions } = Htx.annotationStore.selected;
  const saved = versions.draft?.filter(item => item.type === "rectanglelabels");
  return !isDraftSaving && saved?.length === count;
}
"""


class State(BaseModel):
    """What the page has.

    Attributes:
        regions: What it would submit.
        suggestions: What was suggested, neither accepted nor rejected.
        prompts: The ids of those regions that are prompts.
    """

    regions: list[Item]
    suggestions: list[Item]
    prompts: list[str]


class Annotator:
    """A person at a labelling page.

    Args:
        editor: The browser, logged in.
    """

    def __init__(self, editor: Editor) -> None:
        self._editor = editor
        self._page = editor._page

    @property
    def errors(self) -> list[str]:
        """What the page's scripts complained of since a task was opened."""
        return [error for error in self._editor._errors if NOISE not in error]

    def open(self, project: int, task: int) -> None:
        """Open a task, wait for its images, and turn auto-annotation on."""
        self._editor.tasks.ensure_view(project)
        self._page.goto("about:blank")
        self._editor._errors.clear()
        self._page.goto(f"/projects/{project}/data?task={task}", wait_until="commit")
        self._page.wait_for_function(READY)
        if not self._page.evaluate("Htx.autoAnnotation"):
            self.turn("auto-annotation")
        self._editor._settled()

    def turn(self, name: str) -> None:
        """Turn a switch of the bottom bar: `auto-annotation` or `auto-accept`."""
        switch = self._page.get_by_test_id(f"bottombar-{name}-toggle")
        switch.locator("xpath=ancestor::label[1]").click()

    def choose(self, label: str = "", image: int = 0) -> None:
        """Unselect all regions, choose a label, or none, and the smart tool of an image."""
        self._page.keyboard.press("u")
        if label:
            self._page.locator(".lsf-label", has_text=label).first.click()
        toolbar = self._page.locator(".lsf-toolbar").nth(image)
        tool = toolbar.locator(".lsf-toolbar__group > .lsf-tool_smart")
        # Where it is chosen already, a click would turn to its other form, of three points.
        if "lsf-tool_active" not in (tool.get_attribute("class") or ""):
            tool.click()

    def drag(self, corners: Corners, image: int = 0, *, over: bool = False) -> State:
        """Draw a box with the tool that is chosen, and wait for the answer.

        Args:
            corners: From where to where; beyond the image too.
            image: Which image.
            over: Whether it begins on another region: with Ctrl, that is not moved.
        """
        left, top, right, bottom = corners

        def draw() -> None:
            self._page.mouse.move(*self._at(left, top, image))
            self._page.mouse.down()
            self._page.mouse.move(*self._at(right, bottom, image), steps=8)
            self._page.mouse.up()

        return self._answered(lambda: self._holding("Control", draw) if over else draw())

    def click(self, x: float, y: float, *, meant: bool = True) -> State:
        """Click on what is meant or, with Alt, on what is not, and wait for the answer."""

        def click() -> None:
            self._page.mouse.click(*self._at(x, y, 0))

        return self._answered(lambda: click() if meant else self._holding("Alt", click))

    def write(self, text: str, name: str = "ask") -> State:
        """Write into a text area, press Enter, and wait for the answer."""
        line = self._page.locator(f"input[name={name}]")
        line.fill(text)
        return self._answered(lambda: line.press("Enter"))

    def accept_all(self) -> State:
        """Press the tick of the bottom bar."""
        self._page.get_by_test_id("bottombar-accept-suggestions-button").click()
        return self.state()

    def reject_all(self) -> State:
        """Press the cross of the bottom bar."""
        self._page.get_by_test_id("bottombar-reject-suggestions-button").click()
        return self.state()

    def tick(self, box: Box) -> State:
        """Press the right one of the two buttons below a suggestion."""
        x, y = self._at((box.left + box.right) / 2, box.bottom, 0)
        before = self.state()
        self._page.mouse.click(x + 16, y + 26)
        after = self.state()
        assert len(after.suggestions) < len(before.suggestions), "the button was missed"
        return after

    def delete_at(self, x: float, y: float) -> State:
        """Select the region at a place with the selection tool, and delete it."""
        self._page.keyboard.press("v")
        self._page.mouse.click(*self._at(x, y, 0))
        self._page.wait_for_function("() => Htx.annotationStore.selected.selectionSize === 1")
        self._page.keyboard.press("Backspace")
        return self.state()

    def undo(self) -> State:
        """Press Ctrl+Z."""
        self._page.keyboard.press("Control+z")
        return self.state()

    def zoom_in(self, x: float, y: float) -> None:
        """Turn the wheel over a place, with Ctrl; the image grows around it."""
        self._page.mouse.move(*self._at(x, y, 0))
        before = self._pictures()[0]
        self._holding("Control", lambda: self._page.mouse.wheel(0, -120))
        after = self._pictures()[0]
        assert after.right - after.left > 1.2 * (before.right - before.left)

    def await_draft(self, count: int) -> None:
        """Wait until Label Studio has saved so many rectangles, as it does every five seconds."""
        self._page.wait_for_function(SAVED, arg=count)

    def state(self) -> State:
        """Return what the page has."""
        return State.model_validate(self._page.evaluate(STATE))

    def look(self, name: str) -> None:
        """Keep a picture of the page as it is."""
        self._editor._keep(name, self._page.screenshot())

    def _answered(self, act: Callable[[], None]) -> State:
        is_answer = "**/interactive-annotating*"
        with self._page.expect_response(is_answer, timeout=OPENS_WITHIN * 1000) as response:
            act()
        assert response.value.ok
        self._page.wait_for_function(ANSWERED)
        return self.state()

    def _holding(self, key: str, act: Callable[[], None]) -> None:
        self._page.keyboard.down(key)
        act()
        self._page.keyboard.up(key)

    def _pictures(self) -> list[PageBox]:
        return TypeAdapter(list[PageBox]).validate_python(self._page.evaluate(PICTURES))

    def _at(self, x: float, y: float, image: int) -> tuple[float, float]:
        """Return where on the page a place is that is given in percent of an image."""
        box = self._pictures()[image]
        across, down = box.right - box.left, box.bottom - box.top
        return box.left + across * x / 100, box.top + down * y / 100
