"""What no log says again is on the disk before anybody hears that it is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from books import NOW, Book
from costd.core.errors import LedgerError
from costd.core.events import read
from costd.core.lamport import Clock
from costd.ledger import Ledger
from costd.ledger.claims import NewClaim
from costd.ledger.event_logs import LogRead
from costd.ledger.moves import Moves
from loglines import lines

FULL, NORMAL = "PRAGMA synchronous = FULL", "PRAGMA synchronous = NORMAL"


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    log = tmp_path / "logs" / "-w-app" / "a.jsonl"
    log.parent.mkdir(parents=True)
    log.write_bytes(lines(1, 2))
    made = Book(tmp_path / "ledger.db", tmp_path / "logs")
    yield made
    made.close()


@contextmanager
def traced(ledger: Ledger) -> Iterator[list[str]]:
    said: list[str] = []
    ledger.database.connection.set_trace_callback(said.append)
    yield said
    ledger.database.connection.set_trace_callback(None)


def claim(ledger: Ledger) -> None:
    made = NewClaim(
        key="by hand",
        subject="",
        selector="session",
        value="s",
        within="",
        issue="MIN-1",
        role="",
        from_at=None,
        until_at=None,
        made_at=NOW,
        rule="explicit",
        confidence=100,
        source="cli",
    )
    ledger.claim([made], Moves())


def event(ledger: Ledger, log: LogRead | None = None) -> None:
    said = read({"type": "activity", "title": "a"}, now=NOW, new_id=lambda: "1")
    ledger.put_events([said], clock=Clock("n", 0), now=NOW, origin="api", log=log)


@pytest.mark.parametrize("tell", [claim, event])
def test_what_is_told_waits_for_the_disk(
    book: Book, tell: Callable[[Ledger], None]
) -> None:
    with traced(book.ledger) as said:
        tell(book.ledger)
    assert said.index(FULL) < said.index("COMMIT") < said.index(NORMAL)


def test_what_logs_say_does_not(book: Book) -> None:
    with traced(book.ledger) as said:
        book.catch_up()
    assert book.total().responses == 2
    assert "COMMIT" in said
    assert FULL not in said


def test_after_a_failure_others_do_not_wait_either(book: Book) -> None:
    with pytest.raises(LedgerError), book.ledger.database.transaction(told=True) as c:
        c.execute("SELECT nothing FROM nowhere")
    mode = book.ledger.database.connection.execute("PRAGMA synchronous").fetchone()
    assert mode == (1,)
