"""Progress of many tasks: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from label_studio_gemini.pipeline import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from label_studio_gemini.pipeline import Outcome


@contextmanager
def show_progress(console: Console, *, total: int) -> Iterator[Callable[[str, Outcome], None]]:
    """Yield what each finished task is reported to, by its name and outcome."""
    if not console.is_terminal:
        count = 0

        def say(name: str, outcome: Outcome) -> None:
            nonlocal count
            count += 1
            console.print(f"{count}/{total} {name}: {_said(outcome)}", markup=False, soft_wrap=True)

        yield say
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("[red]{task.fields[failed]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("Predicting", total=total, failed="")
        failed = 0

        def advance(_name: str, outcome: Outcome) -> None:
            nonlocal failed
            failed += isinstance(outcome, Failure)
            progress.update(bar, advance=1, failed=f"{failed} failed" if failed else "")

        yield advance


def _said(outcome: Outcome) -> str:
    if isinstance(outcome, Failure):
        return f"failed: {outcome.error.message}"
    notes = str(outcome.notes)
    return f"{len(outcome.regions)} result items" + (f" ({notes})" if notes else "")
