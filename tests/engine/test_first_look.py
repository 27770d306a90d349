"""What is said between the start and the end of the first reading: not all, never 0."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from costd.cli.render.plain import plain
from costd.cli.render.status import status_page
from engine.test_told import PATIENCE_SECONDS, Running
from owned import until


@pytest.fixture
def running(memory_dir: Path) -> Iterator[Running]:
    made = Running(memory_dir)
    yield made
    made.stop()


def first_and_next(running: Running) -> tuple[Any, Any]:
    """A status that waited already when the engine began, and one after it has read."""
    early = running.engine.ask("status", {})
    running.start()
    running.ask("sync")
    return early.result(PATIENCE_SECONDS), running.ask("status")


def test_a_status_before_the_logs_are_read_says_so(running: Running) -> None:
    running.respond()
    early, later = first_and_next(running)
    assert (early["complete"], later["complete"]) == (False, True)
    assert early["totals"]["all"]["responses"] == 0
    assert later["totals"]["all"]["responses"] == 1
    (source,) = early["sources"]
    assert source["bytes_behind"] == running.log.stat().st_size
    assert source["files"] == 1
    text = plain(status_page(early))
    waits = f"{running.log.stat().st_size} B to go"
    assert f"! still reading the logs, {waits}: every sum is partial" in text
    assert "≥$0.00" in text
    assert "No logs yet" not in text
    assert "still reading" not in plain(status_page(later))


def test_a_status_where_there_is_nothing_to_read_is_complete(running: Running) -> None:
    early, later = first_and_next(running)
    assert early["complete"] is later["complete"] is True
    assert "No logs yet" in plain(status_page(early))


def test_a_log_that_cannot_be_recorded_is_not_read(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    from costd.core.errors import LedgerBusyError  # noqa: PLC0415 - only this needs it

    def refuse(*_: object) -> None:
        raise LedgerBusyError("full", "free some")

    running.respond()
    monkeypatch.setattr("costd.ledger.Ledger.record", refuse)
    running.start()
    until(lambda: running.ask("status")["ledger"]["busy_count"])
    assert running.ask("status")["complete"] is False
