"""Whatever becomes of the file, what is done is noted, shown, and costs no prediction."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from activity_kit import BROKEN, activity_of
from cache_kit import locked
from label_studio_gemini.activity import BatchState, Result

if TYPE_CHECKING:
    from label_studio_gemini.activity import Activity

NOW = {"patience": 0.05, "pause": 0.0}  # seconds: what cannot be used is tried again at once
LATER = {"patience": 0.05, "pause": 3600.0}


@pytest.mark.parametrize("what", ["no folder", "read-only", "a folder", "newer"])
async def test_where_nothing_can_be_written_all_is_shown_from_memory(
    what: str, tmp_path: Path
) -> None:
    folder = tmp_path / "state"
    if what == "no folder":
        folder.write_text("a file is in its place")
    elif what == "read-only":
        folder = Path("/proc/self/net")  # nobody can write there, not even root
    elif what == "a folder":
        (folder / "activity.sqlite").mkdir(parents=True)
    else:
        folder.mkdir()
        with closing(sqlite3.connect(folder / "activity.sqlite")) as db:
            db.execute("PRAGMA user_version = 99")
    async with activity_of(folder, **LATER) as activity:
        await activity.probe()
        assert activity.trouble
        progress = activity.begin("1.1", request="r", tasks=12_000)
        for task in range(12_000):
            activity.finish("1.1", task, Result.PREDICTED)
            progress.finish_task(failed=False)
        activity.finish("1.1", 7, BROKEN)
        shown = await activity.show()
        assert (shown.projects[0].predicted, shown.projects[0].failed) == (11_999, 1)
        assert shown.failures_total == 1
        assert shown.batches[0].state is BatchState.DONE
        counts = await activity.counts()
        assert counts is not None
        assert sum(one.count for one in counts.counts) == 12_001
        assert len(activity._unwritten) <= 10_000


async def test_what_could_not_be_written_is_written_later(tmp_path: Path) -> None:
    """What is in the file is shown meanwhile, with what happens."""
    async with activity_of(tmp_path, **NOW) as activity:
        activity.finish("1.1", 1, Result.PREDICTED)
        await activity.show()
        with locked(tmp_path / "activity.sqlite"):
            activity.finish("1.1", 2, Result.PREDICTED)
            activity.finish("2.2", 1, BROKEN)
            first = await activity.show()
            activity.finish("1.1", 3, Result.PREDICTED)
            shown = await activity.show()
            assert trouble_of(activity) == "database is locked"
        assert {one.name: one.predicted for one in first.projects} == {"1.1": 2, "2.2": 0}
        assert {one.name: one.predicted for one in shown.projects} == {"1.1": 3, "2.2": 0}
        assert (await activity.counts()).counts[0].count == 3  # type: ignore[union-attr]
        activity.finish("1.1", 4, Result.PREDICTED)
        await activity.show()
        assert trouble_of(activity) is None
    async with activity_of(tmp_path) as activity:
        shown = await activity.show()
    assert {one.name: one.predicted for one in shown.projects} == {"1.1": 4, "2.2": 0}
    assert shown.failures_total == 1


def files_of(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


def trouble_of(activity: Activity) -> str | None:
    return activity.trouble


async def test_what_could_not_be_written_is_written_in_the_end(tmp_path: Path) -> None:
    async with activity_of(tmp_path, **NOW) as activity:
        await activity.probe()
        with locked(tmp_path / "activity.sqlite"):
            activity.finish("1.1", 1, Result.PREDICTED)
            await activity.show()
    async with activity_of(tmp_path) as activity:
        assert (await activity.show()).projects[0].predicted == 1


async def test_a_damaged_file_is_set_aside_and_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "activity.sqlite").write_bytes(b"<html>No space left</html>" * 1000)
    async with activity_of(tmp_path) as activity:
        activity.finish("1.1", 1, Result.PREDICTED)
        assert (await activity.show()).projects[0].predicted == 1
        assert activity.trouble is None
    assert len([name for name in files_of(tmp_path) if ".damaged-" in name]) == 1


async def test_nothing_noted_is_no_file_until_it_is_probed(tmp_path: Path) -> None:
    async with activity_of(tmp_path) as activity:
        assert (await activity.show()).projects == ()
        assert not files_of(tmp_path)
        await activity.probe()
        assert (tmp_path / "activity.sqlite").stat().st_mode & 0o777 == 0o600
