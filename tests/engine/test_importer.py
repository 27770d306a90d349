"""A first import by two processes: what each of them does when the other fails."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from queue import SimpleQueue

import msgspec
import pytest

from books import NOW, Book
from costd.core.checkpoint import Checkpoint, Segment
from costd.engine import frames, intake, worker
from costd.engine.frames import receive, send
from costd.engine.intake import Intake
from costd.ingest import tail
from costd.ledger.agents import Agent
from costd.ledger.record import Recorded
from loglines import lines, session, user

PATIENCE_SECONDS = 60


class Imported:
    """A book whose intake has a second process, and the engine's queue."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.queue: SimpleQueue[bytes | None] = SimpleQueue()
        book.intake.close()
        book.intake = self.intake = Intake(
            book.ledger, book.roots, 16 << 20, self.queue.put
        )

    def step(self) -> None:
        """As the engine: all messages first, then a slice; else wait for one."""
        while not self.queue.empty():
            self.intake.receive(self.queue.get())
        if self.intake.has_work:
            self.intake.advance()
        elif self.intake.is_busy:
            self.intake.receive(self.queue.get(timeout=PATIENCE_SECONDS))

    def work(self) -> None:
        while self.intake.is_busy:
            self.step()

    def first_message(self) -> bytes | None:
        """What the second process says first, when it has read its first log."""
        self.intake.advance()
        return self.queue.get(timeout=PATIENCE_SECONDS)

    @property
    def process(self) -> int | None:
        """The process that reads, if there is one."""
        importer = self.intake._importer
        return None if importer is None else importer._process.pid


@pytest.fixture
def imported(memory_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Imported]:
    monkeypatch.setattr(intake, "IMPORT_BYTES", 1)
    book = Book(memory_dir / "ledger.db", memory_dir / "projects")
    for log in range(1, 9):
        folder = book.root / f"p{log}"
        folder.mkdir(parents=True)
        numbers = range(log * 100, log * 100 + 50)
        path = folder / f"{session(log)}.jsonl"
        path.write_bytes(lines(*numbers, session_id=session(log)))
    made = Imported(book)
    yield made
    made.intake.close()
    book.close()


def test_two_processes_read_what_one_would(imported: Imported) -> None:
    imported.intake.sweep(NOW)
    imported.step()
    assert imported.process is not None
    imported.work()
    assert imported.book.total().responses == 400
    assert imported.book.numbers("SELECT min(lines), max(lines) FROM log_file") == [
        (50, 50)
    ]


def test_the_second_process_ends_with_the_import(imported: Imported) -> None:
    imported.intake.sweep(NOW)
    imported.step()
    assert imported.process is not None
    imported.work()
    assert imported.process is None


def test_a_few_bytes_are_not_worth_a_process(
    imported: Imported, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "IMPORT_BYTES", 1 << 30)
    imported.intake.sweep(NOW)
    imported.step()
    assert imported.process is None


def test_when_the_second_process_is_killed_nothing_is_lost(imported: Imported) -> None:
    imported.intake.sweep(NOW)
    killed = 0
    while imported.intake.is_busy:
        imported.step()
        if imported.process is not None and killed < 2:
            os.kill(imported.process, signal.SIGKILL)
            killed += 1
    assert killed
    assert imported.book.total().responses == 400


def test_a_process_that_keeps_dying_is_done_without(imported: Imported) -> None:
    imported.intake.sweep(NOW)
    killed = set[int]()
    while imported.intake.is_busy:
        imported.step()
        if imported.process is not None:
            os.kill(imported.process, signal.SIGKILL)
            killed.add(imported.process)
    assert len(killed) <= 3
    assert imported.book.total().responses == 400


def test_what_grows_while_it_is_read_elsewhere_is_read_too(imported: Imported) -> None:
    imported.intake.sweep(NOW)
    message = imported.first_message()
    for log in range(1, 9):
        path = imported.book.root / f"p{log}" / f"{session(log)}.jsonl"
        with path.open("ab") as file:
            file.write(lines(log * 100 + 60, session_id=session(log)))
        imported.intake.hint(str(path))
    imported.intake.receive(message)
    imported.work()
    assert imported.book.total().responses == 408


def test_a_locked_ledger_leaves_no_gap_in_a_log_of_several_passes(
    imported: Imported, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first pass could not be recorded, the second could: the first was lost."""
    filler = user(1, "x" * (1 << 20)) * (tail.PASS_BYTES // (1 << 20) + 2)
    path = imported.book.root / "p1" / f"{session(1)}.jsonl"
    many = range(1_000, 1_000 + frames.OBSERVATIONS_AT_ONCE)
    path.write_bytes(lines(*many) + filler + lines(1))
    imported.intake.sweep(NOW)
    imported.intake.receive(imported.first_message())
    connection = imported.book.ledger.database.connection
    connection.execute("PRAGMA busy_timeout = 1")
    other = sqlite3.connect(imported.book.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    imported.intake.advance()
    assert imported.intake.problem is not None
    other.close()
    imported.work()
    imported.intake.sweep(NOW)
    imported.work()
    assert imported.book.total().responses == 350 + len(many) + 1


@pytest.mark.parametrize(("asked_at", "is_more"), [(0, True), (NOW, False)])
def test_while_nobody_asks_more_is_recorded_in_one_go(
    imported: Imported, monkeypatch: pytest.MonkeyPatch, asked_at: int, is_more: bool
) -> None:
    recorded: list[int] = []
    record = imported.book.ledger.record

    def counted(segments: list[Segment], agents: Iterable[Agent]) -> Recorded:
        recorded.append(sum(len(s.reading.observations) for s in segments))
        return record(segments, agents)

    monkeypatch.setattr(imported.book.ledger, "record", counted)
    intake_ = imported.intake
    intake_.sweep(NOW)
    intake_.advance(NOW, asked_at)
    recorded.clear()
    for message in messages_of(imported.book.root):
        intake_.receive(message)
    intake_.advance(NOW, asked_at)
    assert recorded == ([50 + 300] if is_more else [50])  # what was held, six messages


def test_what_grows_while_it_waits_to_be_recorded_is_read_once(
    imported: Imported,
) -> None:
    intake_ = imported.intake
    intake_.sweep(NOW)
    intake_.advance(NOW)  # one log is read here and held, the others elsewhere
    for log in range(1, 9):
        path = imported.book.root / f"p{log}" / f"{session(log)}.jsonl"
        with path.open("ab") as file:
            file.write(lines(log * 100 + 60, session_id=session(log)))
        intake_.hint(str(path))
    imported.work()
    query = "SELECT sum(lines), sum(offset - size) FROM log_file"
    found = imported.book.ledger.database.connection.execute(query).fetchone()
    assert found == (8 * 51, 0)


def messages_of(root: Path) -> Iterator[bytes]:
    """What the second process says of each log when it is asked for them one by one."""
    for path in sorted(root.rglob("*.jsonl")):
        point = Checkpoint(os.fsencode(path), "claude", os.fsencode(root))
        asked, said = BytesIO(), BytesIO()
        send(asked, msgspec.msgpack.encode([point]))
        asked.seek(0)
        worker.serve(asked, said, 16 << 20)
        said.seek(0)
        message = receive(said)
        assert message is not None
        yield message
