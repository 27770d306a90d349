"""Which sessions count as running, when lines are not dated as they should be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from books import NOW, Book
from costd.core.instants import DAY, HOUR, MINUTE, format_instant
from costd.engine.live import Live, LiveSession
from costd.ledger.reports import Question
from loglines import Line, session

QUIET = 5 * MINUTE


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    made = Book(tmp_path / "ledger.db", tmp_path / "projects")
    yield made
    made.close()


def read(book: Book, at: int) -> Live:
    """A session whose one line is dated ``at``, heard of now."""
    log = book.root / "-w-app" / f"{session(1)}.jsonl"
    log.parent.mkdir(parents=True)
    log.write_bytes(Line(1, at=format_instant(at)).text())
    book.catch_up()
    live = Live(QUIET)
    for session_id, heard in book.intake.heard.items():
        live.hear(session_id, heard, NOW)
    return live


def running(book: Book, live: Live, now: int) -> list[LiveSession]:
    question = Question((), None, None, ZoneInfo("UTC"), {})
    return live.sessions(book.ledger.database.connection, question, now)


@pytest.mark.parametrize("ahead", [0, HOUR, 400 * DAY])
def test_a_line_dated_ahead_is_heard_now_and_over_when_it_is_quiet(
    book: Book, ahead: int
) -> None:
    live = read(book, NOW + ahead)
    (found,) = running(book, live, NOW + QUIET)
    assert found.last_at == NOW
    assert running(book, live, NOW + QUIET + 1) == []


@pytest.mark.parametrize("ahead", [HOUR, 400 * DAY])
def test_after_a_start_what_is_far_ahead_does_not_run(book: Book, ahead: int) -> None:
    read(book, NOW + ahead)
    live = Live(QUIET)
    live.restore(book.ledger.database.connection, NOW)
    assert running(book, live, NOW) == []


def test_after_a_start_what_was_heard_just_now_runs(book: Book) -> None:
    read(book, NOW - MINUTE)
    live = Live(QUIET)
    live.restore(book.ledger.database.connection, NOW)
    assert len(running(book, live, NOW)) == 1


def test_what_was_heard_before_the_clock_was_set_back_is_over(book: Book) -> None:
    live = read(book, NOW)
    assert len(running(book, live, NOW - MINUTE)) == 1
    assert running(book, live, NOW - HOUR) == []
