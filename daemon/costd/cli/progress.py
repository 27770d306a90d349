"""How far long work is: a bar on standard error, on a terminal only."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any, TypeVar

Result = TypeVar("Result")

# What is over sooner needs no bar.
PATIENCE_SECONDS = 0.4
BEAT_SECONDS = 0.2

READING = "sync"
"""The work whose progress is in bytes; of the rest nobody knows how much there is."""
LABELS = {
    "sync": "reading the logs",
    "verify": "reading every log again",
    "reprice": "pricing again",
}


def behind(status: Any) -> int | None:
    """The bytes of logs that a status has not counted yet."""
    sources = status.get("sources") if isinstance(status, dict) else None
    counts = [source.get("bytes_behind") for source in sources or []]
    known = [count for count in counts if isinstance(count, int)]
    return sum(known) if known else None


def follow(
    work: Future[Result], question: str, peek: Callable[[], int | None]
) -> Result:
    """The result of ``work``; until it is there, a bar that tells how far it is.

    Args:
        work: what is waited for.
        question: names the bar.
        peek: the bytes that are left to read, None while nobody can tell.
    """
    if sys.stderr is not None and sys.stderr.isatty():
        wait([work], PATIENCE_SECONDS)
        if not work.done():
            _show(work, question, peek)
    return work.result()


def _show(work: Future[Any], question: str, peek: Callable[[], int | None]) -> None:
    from rich.console import Console  # noqa: PLC0415 - only a person pays for the bar
    from rich.progress import (  # noqa: PLC0415 - for the same reason
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    console = Console(stderr=True)
    how_far = [DownloadColumn()] if question == READING else []
    columns = (TextColumn("{task.description}"), BarColumn(), *how_far)
    with Progress(
        *columns, TimeElapsedColumn(), console=console, transient=True
    ) as bar:
        task = bar.add_task(LABELS.get(question, question), total=None)
        most = 0
        while not work.done():
            left = peek() if how_far else None
            if left is not None:
                most = max(most, left)
                bar.update(task, total=most or None, completed=most - left)
            wait([work], BEAT_SECONDS)
