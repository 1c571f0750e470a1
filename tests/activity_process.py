"""A process that works on a batch, so that tests can start several, and kill them.

    python activity_process.py FOLDER NAME TASKS DONE

DONE of its TASKS succeed; then FOLDER/NAME is there, and it waits for its end where some are left.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from activity_kit import activity_of
from label_studio_gemini.activity import Result


async def main(folder: Path, name: str, tasks: int, done: int) -> None:
    async with activity_of(folder) as activity:
        progress = activity.begin("1.1", request=name, tasks=tasks)
        for number in range(done):
            activity.finish("1.1", number, Result.PREDICTED)
            progress.finish_task(failed=False)
            await asyncio.sleep(0)
        await activity.show()
        (folder / name).touch()
        while done < tasks:  # noqa: ASYNC110 - until it is killed
            await asyncio.sleep(0.01)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
