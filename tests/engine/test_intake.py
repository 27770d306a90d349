"""From changed logs to the ledger: what is known of each log, and what is told of it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from errno import EACCES
from pathlib import Path

import pytest

from books import NOW, Book
from costd.core.errors import LedgerBusyError
from loglines import Line, lines, session

OTHER = session(2)


@pytest.fixture
def book(memory_dir: Path) -> Iterator[Book]:
    made = Book(memory_dir / "ledger.db", memory_dir / "projects")
    made.root.mkdir()
    yield made
    made.close()


def write(book: Book, name: str, data: bytes) -> Path:
    path = book.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def logs(book: Book) -> dict[str, bool]:
    """The logs that the ledger knows, and whether each is gone."""
    rows = book.query("SELECT path, vanished_at IS NOT NULL FROM log_file")
    prefix = len(str(book.root)) + 1
    return {
        bytes(path)[prefix:].decode(): bool(gone)  # type: ignore[call-overload]  # the column is a BLOB
        for path, gone in rows
    }


def test_a_log_that_moved_keeps_its_number(book: Book) -> None:
    path = write(book, "p/a.jsonl", lines(1, 2))
    book.catch_up()
    (book.root / "q").mkdir()
    path.rename(book.root / "q/b.jsonl")
    write(book, "q/b.jsonl", lines(1, 2, 3))
    book.catch_up()
    assert logs(book) == {"q/b.jsonl": False}
    assert book.numbers("SELECT id, generation, lines FROM log_file") == [(1, 0, 3)]
    assert book.total().responses == 3


def test_a_project_that_was_renamed_keeps_its_logs(book: Book) -> None:
    for number in range(1, 6):
        write(book, f"p/{session(number)}.jsonl", lines(number))
    book.catch_up()
    before = book.query("SELECT id, substr(path, -41) FROM log_file ORDER BY id")
    (book.root / "p").rename(book.root / "q")
    book.catch_up()
    after = book.query("SELECT id, substr(path, -41) FROM log_file ORDER BY id")
    assert after == before
    assert all(name.startswith("q/") for name in logs(book))


def test_a_log_that_moved_while_costd_was_away_is_the_same_one(book: Book) -> None:
    path = write(book, "p/a.jsonl", lines(1, 2))
    book.catch_up()
    book.close()
    path.rename(book.root / "p/b.jsonl")
    book.open()
    book.catch_up()
    assert logs(book) == {"p/b.jsonl": False}


def test_an_inode_that_is_used_again_is_another_log(book: Book) -> None:
    """A fork must not become the original because its parent's log had its inode."""
    parent, fork = lines(1, 2), lines(1, 2, 3, session_id=OTHER)
    path = write(book, "p/z-old.jsonl", lines(90, 91, at="2026-01-01T00:00:00Z"))
    write(book, "p/a-parent.jsonl", parent)
    book.catch_up()
    path.rename(book.root / "p/0-fork.jsonl")
    write(book, "p/0-fork.jsonl", fork.replace(b'"type"', b'"forkedFrom": {}, "type"'))
    book.catch_up()
    assert logs(book) == {
        "p/z-old.jsonl": True,
        "p/a-parent.jsonl": False,
        "p/0-fork.jsonl": False,
    }
    rows = book.query(
        "SELECT response_id, session_id FROM response r JOIN context c "
        "ON c.id = r.context_id JOIN session s ON s.id = c.session"
    )
    assert (Line(1).ids[0], session(1)) in rows
    assert (Line(3).ids[0], OTHER) in rows


def test_a_log_that_moves_to_the_name_of_a_former_one(book: Book) -> None:
    former = write(book, "p/a.jsonl", lines(1))
    path = write(book, "p/b.jsonl", lines(2, 3))
    book.catch_up()
    former.unlink()
    book.catch_up()
    path.rename(former)
    book.catch_up()
    assert logs(book) == {"p/a.jsonl": False, "p/b.jsonl": True}
    assert book.total().responses == 3


def test_a_log_that_comes_back_is_there_again(book: Book) -> None:
    path = write(book, "p/a.jsonl", lines(1))
    book.catch_up()
    path.rename(book.path.parent / "aside")
    book.catch_up()
    assert logs(book) == {"p/a.jsonl": True}
    (book.path.parent / "aside").rename(path)
    book.catch_up()
    assert logs(book) == {"p/a.jsonl": False}
    assert book.total().responses == 1


def test_history_stays_when_all_logs_go(book: Book) -> None:
    path = write(book, "p/a.jsonl", lines(1, 2))
    book.catch_up()
    before = book.total()
    path.unlink()
    book.catch_up()
    book.reopen()
    book.catch_up()
    assert book.total() == before
    assert logs(book) == {"p/a.jsonl": True}


def refuse_to_open(path: Path, patch: pytest.MonkeyPatch) -> None:
    """As for a log of another user; the tests may run as root, who may read all."""
    plain = os.open

    def refuse(name: bytes | str, flags: int, mode: int = 0o777) -> int:
        if os.fsencode(name) == os.fsencode(path):
            raise PermissionError(EACCES, "Permission denied")
        return plain(name, flags, mode)

    patch.setattr(os, "open", refuse)


def test_a_log_that_cannot_be_read_is_told_until_it_can(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(book, "p/a.jsonl", lines(1))
    with monkeypatch.context() as patch:
        refuse_to_open(path, patch)
        book.catch_up()
        assert book.intake.unreadable == {str(path): "Permission denied"}
    book.catch_up()
    assert book.intake.unreadable == {}
    assert book.total().responses == 1


def test_an_unreadable_log_that_is_gone_is_no_longer_told(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(book, "p/a.jsonl", lines(1))
    book.catch_up()
    write(book, "p/a.jsonl", lines(1, 2))
    refuse_to_open(path, monkeypatch)
    book.catch_up()
    assert book.query("SELECT error FROM log_file") == [("Permission denied",)]
    path.unlink()
    book.catch_up()
    assert book.intake.unreadable == {}
    assert book.query("SELECT error FROM log_file") == [("",)]


def test_a_log_that_goes_between_the_look_and_the_reading_is_no_problem(
    book: Book,
) -> None:
    path = write(book, "p/a.jsonl", lines(1))
    book.intake.sweep(NOW)
    path.unlink()
    while book.intake.is_busy:
        book.intake.advance()
    assert book.intake.unreadable == {}
    book.catch_up()
    assert book.total().responses == 0


def lock(book: Book) -> sqlite3.Connection:
    """Somebody else holds the ledger, and costd does not wait long."""
    book.ledger.database.connection.execute("PRAGMA busy_timeout = 1")
    other = sqlite3.connect(book.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other


def test_what_could_not_be_recorded_is_recorded_later(book: Book) -> None:
    write(book, "p/a.jsonl", lines(1))
    book.catch_up()
    write(book, "p/a.jsonl", lines(1, 2))
    other = lock(book)
    book.catch_up()
    assert book.intake.problem is not None
    assert book.total().responses == 1
    other.close()
    book.catch_up()
    assert book.intake.problem is None
    assert book.total().responses == 2


def test_what_vanished_while_the_ledger_was_locked_is_told_later(book: Book) -> None:
    gone = write(book, "p/a.jsonl", lines(1))
    path = write(book, "p/b.jsonl", lines(2))
    book.catch_up()
    gone.unlink()
    path.rename(book.root / "p/c.jsonl")
    other = lock(book)
    with pytest.raises(LedgerBusyError):
        book.intake.sweep(NOW)
    assert logs(book) == {"p/a.jsonl": False, "p/b.jsonl": False}
    other.close()
    book.catch_up()
    assert logs(book) == {"p/a.jsonl": True, "p/c.jsonl": False}


def test_a_hint_outside_the_roots_is_nothing(book: Book, tmp_path: Path) -> None:
    book.catch_up()
    write(book, "p/a.jsonl", lines(1))
    book.intake.hint(str(tmp_path / "a.jsonl"))
    book.intake.hint(str(book.root))
    book.intake.hint(str(book.root / "p/notes.txt"))
    book.intake.hint(str(book.root / "p/journal.jsonl"))
    assert not book.intake.is_busy
    book.intake.hint(str(book.root / "p/a.jsonl"))
    assert book.intake.is_busy


def test_a_hint_is_enough_to_read_a_log(book: Book) -> None:
    book.catch_up()
    path = write(book, "p/a.jsonl", lines(1))
    book.intake.hint(str(path))
    while book.intake.is_busy:
        book.intake.advance()
    assert book.total().responses == 1


def test_how_far_it_is_behind_is_known_and_comes_to_nothing(book: Book) -> None:
    text = lines(*range(1, 50))
    write(book, "p/a.jsonl", text)
    book.intake.sweep(NOW)
    assert book.intake.progress.bytes_behind == len(text)
    while book.intake.is_busy:
        book.intake.advance()
    assert book.intake.progress.bytes_behind == 0
    assert book.intake.progress.new_responses == 49


@pytest.mark.parametrize("is_read_in_one_go", [True, False])
def test_a_log_is_as_old_as_its_first_line(book: Book, is_read_in_one_go: bool) -> None:
    """An older line at its end must not make a fork the original of its parent."""
    write(book, "p/z-parent.jsonl", lines(1))
    write(book, "p/a-fork.jsonl", lines(2, session_id=OTHER))
    if not is_read_in_one_go:
        book.catch_up()
    older = Line(3, session_id=OTHER, at="2026-01-01T00:00:00Z")
    copy = Line(1, session_id=OTHER)
    text = lines(2, session_id=OTHER) + older.text() + copy.text()
    write(book, "p/a-fork.jsonl", text)
    book.catch_up()
    began = book.numbers("SELECT first_at FROM log_file ORDER BY path DESC")
    assert began[0] < began[1]
    assert book.sessions()[session(1)] == book.sessions()[OTHER] / 2


def test_a_log_that_was_rewritten_is_as_old_as_its_new_first_line(book: Book) -> None:
    write(book, "p/a.jsonl", lines(1, 2))
    book.catch_up()
    (before,) = book.numbers("SELECT first_at FROM log_file")
    write(book, "p/a.jsonl", lines(5))
    book.catch_up()
    assert book.numbers("SELECT first_at FROM log_file")[0] > before
