"""Which regions were prompts: known to all processes, and after a restart."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from label_studio_gemini.smart import PromptMemory
from label_studio_gemini.smart.memory import KEPT_SECONDS

if TYPE_CHECKING:
    from pathlib import Path


async def test_another_process_knows_them(tmp_path: Path) -> None:
    path = tmp_path / "prompts.sqlite"
    async with aclosing(PromptMemory(path)) as one, aclosing(PromptMemory(path)) as other:
        await one.add("a")
        assert await other.known({"a", "b"}) == {"a"}
        await other.add("b")
        assert await one.known({"a", "b", "c"}) == {"a", "b"}
    async with aclosing(PromptMemory(path)) as later:
        assert await later.known({"a"}) == {"a"}


async def test_without_a_file_this_process_knows_its_own(tmp_path: Path) -> None:
    blocked = tmp_path / "no-folder"
    blocked.write_text("a file")
    for path in (None, blocked / "prompts.sqlite"):
        async with aclosing(PromptMemory(path)) as memory:
            await memory.add("a")
            assert await memory.known({"a", "b"}) == {"a"}


async def test_they_are_forgotten_after_a_week(tmp_path: Path) -> None:
    now = 1e9
    path = tmp_path / "prompts.sqlite"
    async with aclosing(PromptMemory(path, clock=lambda: now)) as memory:
        await memory.add("old")
        now += KEPT_SECONDS + 1
        await memory.add("new")
    async with aclosing(PromptMemory(path)) as later:
        assert await later.known({"old", "new"}) == {"new"}


async def test_any_number_of_ids_is_asked_about(tmp_path: Path) -> None:
    async with aclosing(PromptMemory(tmp_path / "prompts.sqlite")) as memory:
        await memory.add("7")
    async with aclosing(PromptMemory(tmp_path / "prompts.sqlite")) as other:
        assert await other.known({str(number) for number in range(5000)}) == {"7"}
