"""Codex's rollouts on their way into the ledger: compressed, moved, and not readable."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import squeezed
from books import Book
from costd.ingest import compressed
from goldens import CORPUS
from loglines import Line

CASE = CORPUS / "codex" / "an-archived-copy-counts-once"
(PLAIN,) = (path for path in CASE.glob("sessions/**/*.jsonl"))
NAME = f"sessions/2026/10/05/{PLAIN.name}"


@pytest.fixture
def book(memory_dir: Path) -> Iterator[Book]:
    made = Book(memory_dir / "ledger.db", memory_dir / "codex", source="codex")
    made.root.mkdir()
    yield made
    made.close()


def put(book: Book, name: str, data: bytes) -> Path:
    path = book.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def generations(book: Book) -> list[tuple[int, ...]]:
    return book.numbers("SELECT generation FROM log_file ORDER BY id")


def test_a_compressed_log_is_read_once(book: Book) -> None:
    path = put(book, f"{NAME}.zst", squeezed.compress(PLAIN.read_bytes()))
    book.catch_up()
    read = book.total()
    assert read.responses == 2
    book.reopen()
    os.utime(path, ns=(1, 1))
    book.catch_up()
    assert (book.total(), generations(book)) == (read, [(0,)])


def test_a_compressed_log_that_was_replaced_is_read_again(book: Book) -> None:
    lines = PLAIN.read_bytes().splitlines(keepends=True)
    put(book, f"{NAME}.zst", squeezed.compress(b"".join(lines[:3])))
    book.catch_up()
    assert book.total().responses == 1
    put(book, f"{NAME}.zst", squeezed.compress(b"".join(lines)))
    book.catch_up()
    assert (book.total().responses, generations(book)) == (2, [(1,)])


def test_a_thread_through_its_whole_life(book: Book) -> None:
    """Plain, compressed, plain again to grow, and archived: one thread, one ledger."""
    lines = PLAIN.read_bytes().splitlines(keepends=True)
    put(book, NAME, b"".join(lines[:3]))
    book.catch_up()
    put(book, f"{NAME}.zst", squeezed.compress(b"".join(lines[:3])))
    (book.root / NAME).unlink()
    book.catch_up()
    put(book, NAME, b"".join(lines))
    (book.root / f"{NAME}.zst").unlink()
    book.catch_up()
    (book.root / "archived_sessions").mkdir()
    shutil.move(book.root / NAME, book.root / "archived_sessions" / PLAIN.name)
    book.catch_up()
    assert book.total().responses == 2
    ((path,),) = book.query("SELECT path FROM log_file WHERE vanished_at IS NULL")
    assert os.fsdecode(path).endswith(f"archived_sessions/{PLAIN.name}")  # type: ignore[arg-type]  # a path is bytes


@pytest.mark.parametrize("order", [("claude", "codex"), ("codex", "claude")])
def test_a_root_within_another_ones_root_has_its_own_reader(
    book: Book, order: tuple[str, str]
) -> None:
    put(book, f"codex/{NAME}", PLAIN.read_bytes())
    put(book, "-app/a.jsonl", Line(1).text())
    roots = {"claude": [str(book.root)], "codex": [str(book.root / "codex")]}
    book.roots = {name: roots[name] for name in order}
    book.reopen()
    book.catch_up()
    rows = book.query("SELECT source, count(*) FROM log_file GROUP BY 1 ORDER BY 1")
    assert rows == [("claude", 1), ("codex", 1)]
    assert book.total().responses == 3


def test_a_root_that_two_share_is_read_once(book: Book) -> None:
    put(book, "-app/a.jsonl", Line(1).text())
    book.roots = {"claude": [str(book.root)], "codex": [str(book.root)]}
    book.reopen()
    book.catch_up()
    assert book.total().responses == 1


def test_a_damaged_one_leaves_nothing_until_it_is_mended(book: Book) -> None:
    whole = squeezed.compress(PLAIN.read_bytes())
    path = put(book, f"{NAME}.zst", whole[:-4])
    book.catch_up()
    assert book.total().responses == 0
    assert book.intake.unreadable == {str(path): "compressed, and damaged"}
    put(book, f"{NAME}.zst", whole)
    book.catch_up()
    assert (book.total().responses, book.intake.unreadable) == (2, {})


def test_the_package_may_come_later(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    path = put(book, f"{NAME}.zst", squeezed.compress(PLAIN.read_bytes()))
    with monkeypatch.context() as patch:
        patch.setattr(compressed, "import_module", missing)
        book.catch_up()
    assert book.total().responses == 0
    assert book.intake.unreadable == {str(path): compressed.MISSING}
    book.reopen()
    book.catch_up()
    assert (book.total().responses, book.intake.unreadable) == (2, {})
