"""Reading all logs anew for ``verify``: all of it, or a failure; nothing is left behind."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from queue import SimpleQueue

import pytest

from books import MAX_LINE, NOW, Book
from costd.core.errors import CostdError, LedgerBusyError
from costd.engine import recounting
from costd.engine.answers.work import Recount, remove_recounts
from costd.ledger import Ledger
from costd.prices import load_rate_card
from loglines import lines

PATIENCE_SECONDS = 60


@pytest.fixture
def book(memory_dir: Path) -> Iterator[Book]:
    made = Book(memory_dir / "ledger.db", memory_dir / "projects")
    made.root.mkdir()
    (made.root / "a.jsonl").write_bytes(lines(1, 2, 3))
    made.catch_up()
    yield made
    made.close()


class Check:
    """A check of a book, begun in the background."""

    def __init__(self, book: Book) -> None:
        self.folder = book.path.parent
        self.answer: Future[object] = Future()
        self.done: SimpleQueue[Recount] = SimpleQueue()
        recounting.begin(self.make, NOW, self.answer, self.done.put)

    def make(self) -> Recount:
        roots = {"claude": [str(self.folder / "projects")]}
        return Recount(self.folder, load_rate_card(), roots, MAX_LINE)

    @property
    def left(self) -> list[Path]:
        """What lies beside the ledger."""
        return list(self.folder.glob("verify-*"))


def test_all_is_read_into_a_ledger_of_its_own(book: Book) -> None:
    check = Check(book)
    recount = check.done.get(timeout=PATIENCE_SECONDS)
    assert recount.files == 1
    fresh = Book(recount.path, book.root)
    assert fresh.total() == book.total()
    fresh.close()
    recount.close()
    assert check.left == []


def test_a_recount_that_could_not_be_recorded_is_a_failure(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a recount would find no difference, and say that all is well."""

    def full(*_args: object) -> None:
        raise LedgerBusyError("The disk is full.", "Free some space.")

    monkeypatch.setattr(Ledger, "record", full)
    check = Check(book)
    with pytest.raises(LedgerBusyError, match="disk is full"):
        check.answer.result(timeout=PATIENCE_SECONDS)
    assert check.left == []


def test_a_failure_nobody_foresaw_reaches_who_asked(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object) -> None:
        raise OSError(errno.EIO, "secret/path")

    monkeypatch.setattr(Recount, "read", broken)
    check = Check(book)
    with pytest.raises(CostdError, match="OSError") as caught:
        check.answer.result(timeout=PATIENCE_SECONDS)
    assert "secret" not in str(caught.value)
    assert check.left == []


def test_what_a_killed_check_left_is_taken_away(book: Book) -> None:
    check = Check(book)
    check.done.get(timeout=PATIENCE_SECONDS)  # and never closed
    assert len(check.left) == 1
    (check.folder / "verified.txt").touch()
    remove_recounts(check.folder)
    assert check.left == []
    assert {path.name for path in check.folder.iterdir()} >= {"ledger.db", "projects"}
