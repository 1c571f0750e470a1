"""The command `cache`: what is remembered of Gemini's answers, and what they cost."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from label_studio_gemini.cache import show
from label_studio_gemini.cache.entries import NO_TOTALS
from label_studio_gemini.config import read_config
from label_studio_gemini.environment import read_environment
from label_studio_gemini.errors import UsageError
from label_studio_gemini.gateway import open_ledger, open_replies

if TYPE_CHECKING:
    from pathlib import Path

    from label_studio_gemini.cache import CacheSummary
    from label_studio_gemini.cache.entries import Totals

_MEGABYTE = 1_000_000


def run_cache(config_file: Path | None, *, clear: bool, last_days: int) -> None:
    """Show what is remembered, and what was spent by day and by project; or forget the answers.

    What was spent stays on record.

    Raises:
        UsageError: The answers were to be forgotten, and cannot be.
    """
    environment = read_environment(os.environ)
    config = read_config(config_file or environment.config_file)

    async def run() -> CacheSummary:
        store, ledger = open_replies(config, environment), open_ledger(config, environment)
        try:
            if clear and await store.clear() is None:
                raise _not_cleared(environment.state_folder, (await store.show()).trouble)
            return await show(store, ledger, days=last_days)
        finally:
            await store.aclose()
            await ledger.aclose()

    summary = asyncio.run(run())
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    stored = summary.store
    if stored.trouble is None:
        console.print(
            f"{stored.replies:,} answers and {stored.failures:,} failures are remembered, "
            f"{stored.bytes / _MEGABYTE:.1f} MB, in {environment.state_folder}"
        )
    else:
        where = environment.state_folder / "replies.sqlite"
        console.print(f"What is in {where} cannot be read: {stored.trouble}", style="yellow")
    if summary.trouble is not None:
        where = environment.state_folder / "ledger.sqlite"
        console.print(f"What is in {where} cannot be read: {summary.trouble}", style="yellow")
        return
    spent = [
        (f"{day.date:%Y-%m-%d}", day.totals) for day in summary.days if day.totals != NO_TOTALS
    ]
    console.print(_table("day", spent, summary.totals))
    if summary.projects:
        projects = [(one.name or "(command line)", one.totals) for one in summary.projects]
        console.print(_table("project", projects, summary.totals))


def _not_cleared(folder: Path, trouble: str | None) -> UsageError:
    return UsageError(
        f"The answers in {folder} could not be forgotten: {trouble}.",
        hint="Run it as the user of the backend, who may write there, and see that no process "
        "holds the file; or stop the backend and delete replies.sqlite and what begins so.",
    )


def _table(first: str, rows: list[tuple[str, Totals]], total: Totals) -> Table:
    table = Table(first, box=None, pad_edge=False)
    for name in ("calls", "failed", "from the cache", "tokens in", "tokens out", "dollars"):
        table.add_column(name, justify="right")
    for name, totals in (*rows, ("all", total)):
        usage = totals.usage
        table.add_row(
            name,
            f"{totals.calls:,}",
            f"{totals.failed:,}",
            f"{totals.hits:,}",
            f"{usage.input_tokens:,}",
            f"{usage.output_tokens + usage.thought_tokens:,}",
            f"{totals.dollars:.4f}" + (" +?" if totals.unpriced else ""),
        )
    return table
